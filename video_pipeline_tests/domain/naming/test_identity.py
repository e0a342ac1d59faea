"""Identity: two names never become one, and no key reaches beyond its own."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pydantic import ValidationError

from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.naming.identity import VideoKey, project_id_for, video_id_for

text = st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1, max_size=200)


@pytest.mark.parametrize(
    "key", ["acme/intro", "a/b", "0-9/0_1-2.3", "acme/Intro.final_v2", f"{'p' * 63}/{'v' * 128}"]
)
def test_a_partition_key_is_read_and_written_alike(key: str) -> None:
    assert str(VideoKey.parse(key)) == key


@pytest.mark.parametrize(
    ("key", "why"),
    [
        ("acme", "one part"),
        ("", "nothing"),
        ("/intro", "no project"),
        ("acme/", "no video"),
        ("acme/intro/more", "a slash in the video"),
        ("Acme/intro", "capitals in the project"),
        ("-acme/intro", "a hyphen first"),
        (f"{'p' * 64}/intro", "a project that is too long"),
        (f"acme/{'v' * 129}", "a video that is too long"),
        ("acme/a...b", "Dagster's range of partitions"),
        ("acme/..", "the folder above"),
        ("acme/.hidden", "a dot first"),
        ("acme/a.", "a dot last"),
        ("acme/a b", "a blank"),
        ("acme/intro\n", "a line break last"),
        ("acme/a|b", "Dagster's other syntax"),
        ("acme/é", "a letter beyond ASCII"),
        ("acme/１", "a digit beyond ASCII"),
    ],
)
def test_invalid_partition_key_is_refused(key: str, why: str) -> None:
    with pytest.raises(IdentityError):
        VideoKey.parse(key)


def test_a_key_is_checked_however_it_is_made() -> None:
    with pytest.raises(ValidationError):
        VideoKey(project="acme", video="../acme2")


def test_prefixes_end_with_a_slash() -> None:
    key = VideoKey.parse("acme/intro")
    assert key.prefix == "projects/acme/videos/intro/"
    assert key.raw_prefix == "_raw/projects/acme/videos/intro/"
    assert not VideoKey.parse("acme2/intro").prefix.startswith("projects/acme/")


@given(text)
def test_every_name_gets_an_id(name: str) -> None:
    assert str(VideoKey(project=project_id_for(name), video=video_id_for(name)))


@given(text, text)
def test_different_names_get_different_ids(one: str, other: str) -> None:
    assume(one != other)
    assert video_id_for(one) != video_id_for(other)
    assert project_id_for(one) != project_id_for(other)


@pytest.mark.parametrize("other", ["e\u0301te\u0301", "ete", "Été", "été ", "ÉTÉ", "étè"])
def test_names_that_look_alike_stay_apart(other: str) -> None:
    assert video_id_for("été") != video_id_for(other)
    assert project_id_for("été") != project_id_for(other)


@pytest.mark.parametrize("name", ["intro", "Intro.v2", "a_b-c"])
def test_a_name_that_is_an_id_is_kept(name: str) -> None:
    assert video_id_for(name) == name


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("Über uns", "Uber-uns"),
        ("a...b", "a-b"),
        ("映像", "video"),
        ("../../etc/passwd", "etc-passwd"),
        ("x" * 200, "x" * 40),
    ],
)
def test_any_other_name_gets_a_readable_slug_and_a_hash(name: str, slug: str) -> None:
    readable, _, digest = video_id_for(name).rpartition("-")
    assert readable == slug
    assert len(digest) == 12 and int(digest, 16) >= 0


@pytest.mark.parametrize("name", ["", "\udcff"])
def test_a_name_that_is_no_text_gets_no_id(name: str) -> None:
    with pytest.raises(IdentityError):
        video_id_for(name)
    with pytest.raises(IdentityError):
        project_id_for(name)
