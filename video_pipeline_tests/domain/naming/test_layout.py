"""Which names make a video, and which lie beside one."""

import pytest
from pydantic import ValidationError

from video_pipeline.domain.naming.layout import Layout, Place

USUAL = Layout()


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("projects/acme/videos/intro/a.mp4", Place("acme", "intro")),
        ("projects/Große Ä/videos/50% + 1/a b.mp4", Place("Große Ä", "50% + 1")),
        ("projects/acme/videos/intro/below/a.mp4", Place("acme", "intro")),
        ("projects/acme/videos/a.mp4", Place("acme", None)),
        ("projects/acme/a.mp4", Place("acme", None)),
        ("projects/acme/films/intro/a.mp4", Place("acme", None)),
        ("projects/a.mp4", None),
        ("projects//videos/intro/a.mp4", None),
        ("projects/acme/", None),
        ("films/acme/videos/intro/a.mp4", None),
    ],
)
def test_key_names_project_and_video(key: str, place: Place | None) -> None:
    assert USUAL.place_of(key) == place


def test_only_a_file_of_the_folder_itself_is_direct() -> None:
    assert USUAL.is_direct("projects/acme/videos/intro/a.mp4")
    assert not USUAL.is_direct("projects/acme/videos/intro/below/a.mp4")


@pytest.mark.parametrize(
    "name",
    [
        *("a.srt", "a.vtt", "a.json", "a.txt", "a.xml", "a.jpg", "POSTER.JPG", "a.mp4.md5"),
        *(".DS_Store", "._a.mp4", ".a.mp4.x8sj2"),
        *("a.mp4.part", "a.tmp", "a.mp4.crdownload"),
    ],
)
def test_files_beside_a_video_are_no_videos(name: str) -> None:
    assert USUAL.is_beside(f"projects/acme/videos/intro/{name}")


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.mxf", "a", "a.b.c", "a.json.mkv", "part.ts"])
def test_anything_else_may_be_media(name: str) -> None:
    assert not USUAL.is_beside(f"projects/acme/videos/intro/{name}")


def test_keys_in_hidden_folders_are_hidden() -> None:
    assert USUAL.is_beside("projects/acme/videos/intro/.snapshot/a.mp4")
    assert USUAL.is_beside("projects/.trash/videos/intro/a.mp4")


BY_CUSTOMER = Layout(pattern=r"customers/(?P<project>[^/]+)/\d{4}/(?P<video>[^/]+)\.[^/.]+")


@pytest.mark.parametrize(
    ("key", "place"),
    [
        ("customers/acme/2026/intro.mp4", Place("acme", "intro")),
        ("customers/Große Ä/2026/50% + 1.mov", Place("Große Ä", "50% + 1")),
        ("customers/acme/intro.mp4", None),
        ("customers/acme/2026/intro.mp4/more", None),
        ("projects/acme/videos/intro/a.mp4", None),
        ("customers/acme/2026/" + "v" * 2000 + ".mp4", None),
    ],
)
def test_rule_names_the_parts_of_a_key(key: str, place: Place | None) -> None:
    assert BY_CUSTOMER.place_of(key) == place
    assert BY_CUSTOMER.is_direct(key)


@pytest.mark.parametrize(
    ("pattern", "below"),
    [
        (BY_CUSTOMER.pattern, "customers/"),
        (r"^in/raw-(?P<project>[^/]+)/(?P<video>.+)", "in/"),
        (r"ab?/(?P<project>[^/]+)/(?P<video>.+)", ""),
        (r"a/(?P<project>x)/(?P<video>.+)|b/.+", ""),
        (r"(?P<project>[^/]+)/(?P<video>.+)", ""),
        (r"in/?(?P<project>[a-z]+)/(?P<video>.+)", ""),
        (r"a/in/{0,1}(?P<project>[a-z]+)/(?P<video>.+)", "a/"),
        (r"a/b*/(?P<project>[a-z]+)/(?P<video>.+)", "a/"),
        ("", "projects/"),
    ],
)
def test_a_layout_knows_below_which_folder_to_look(pattern: str, below: str) -> None:
    assert Layout(pattern=pattern).below == below


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("videos/(?P<project>[^/]+)/.*", "video"),
        ("videos/(?P<video>[^/]+)/.*", "project"),
        ("(?P<project>[^/+)/(?P<video>.*)", "regular expression"),
        (r"(?P<project>(a+)+)/(?P<video>.*)", "repeats a group"),
        (r"(?P<project>(?:a|aa)*)/(?P<video>.*)", "repeats a group"),
        (r"(?P<project>(a?a?)*)/(?P<video>.*)", "repeats a group"),
        (r"(?P<project>([^/]*x){2,})/(?P<video>.*)", "repeats a group"),
        (r".*(?P<project>.*)/(?P<video>.*)", "more than two"),
        (r"[^x]*(?P<project>[^y]+)/(?P<video>\S+)", "more than two"),
        ("(?P<project>a)(?P<video>b)" + "c" * 500, "longer"),
    ],
)
def test_a_rule_that_cannot_serve_is_refused(pattern: str, told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Layout(pattern=pattern)
