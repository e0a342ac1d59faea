"""Which names make a video, and which lie beside one."""

import pytest

from video_pipeline.pipeline.layout import Place, is_beside, is_direct, place_of


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
def test_a_key_tells_whose_video_it_is(key: str, place: Place | None) -> None:
    assert place_of(key) == place


def test_only_a_file_of_the_folder_itself_is_direct() -> None:
    assert is_direct("projects/acme/videos/intro/a.mp4")
    assert not is_direct("projects/acme/videos/intro/below/a.mp4")


@pytest.mark.parametrize(
    "name",
    [
        *("a.srt", "a.vtt", "a.json", "a.txt", "a.xml", "a.jpg", "POSTER.JPG", "a.mp4.md5"),
        *(".DS_Store", "._a.mp4", ".a.mp4.x8sj2"),
        *("a.mp4.part", "a.tmp", "a.mp4.crdownload"),
    ],
)
def test_what_lies_beside_a_video_is_none(name: str) -> None:
    assert is_beside(f"projects/acme/videos/intro/{name}")


@pytest.mark.parametrize("name", ["a.mp4", "a.MOV", "a.mxf", "a", "a.b.c", "a.json.mkv", "part.ts"])
def test_anything_else_may_be_media(name: str) -> None:
    assert not is_beside(f"projects/acme/videos/intro/{name}")


def test_what_lies_in_a_hidden_folder_is_hidden() -> None:
    assert is_beside("projects/acme/videos/intro/.snapshot/a.mp4")
    assert is_beside("projects/.trash/videos/intro/a.mp4")
