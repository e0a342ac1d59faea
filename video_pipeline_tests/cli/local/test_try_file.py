"""`try`: one video through the whole pipeline, apart from the deployment."""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import COLLECTIONS
from video_pipeline.samples import drawn, truth_of


def facts(file: Path) -> tuple[str, int, int]:
    status = file.stat()
    return hashlib.sha256(file.read_bytes()).hexdigest(), status.st_mtime_ns, status.st_mode


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A video with a blank and an accent in its name."""
    return shutil.copy(drawn()[1], tmp_path / "my vidéo.mp4")


def test_try_prints_the_results_and_their_location(call, own: Path) -> None:
    before = facts(own)
    ended = call("try", own)
    assert ended.exit_code == 0, ended.output
    assert f"{len(truth_of(drawn()[1]).transitions) + 1}, starting at 0:00:00.000" in ended.output
    place = re.search(r"(/.*timeline\.json)", ended.output)
    assert place
    assert json.loads(Path(place[1]).read_text())["source_name"] == "my vidéo"
    assert facts(own) == before


@pytest.fixture(autouse=True)
def tried(mongo_uri: str, mongo_database: str) -> Iterator[Catalog]:
    """The separate catalogue of `try`, empty at first."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        for collection in COLLECTIONS:
            client[f"{mongo_database}_try"][collection].delete_many({})
    with closing(connect(mongo_uri, f"{mongo_database}_try")) as catalog:
        yield catalog


def test_try_does_not_change_the_catalogue_of_the_deployment(call, own: Path, services) -> None:
    call("try", own)
    assert services.catalog.projects() == []


def test_try_repeated_reuses_the_results(call, own: Path, tried: Catalog) -> None:
    def units() -> list[str]:
        videos = tried.project("try").videos.listing()
        return [u.id for v in videos for u in tried.project("try").units.of_video(v.key.video)]

    call("try", own)
    first = units()
    assert first
    assert call("try", own).exit_code == 0
    assert units() == first


def test_try_of_another_video_of_the_same_name_keeps_both(
    call, own: Path, tmp_path: Path, tried: Catalog
) -> None:
    call("try", own)
    other = tmp_path / "other" / own.name
    other.parent.mkdir()
    other.write_bytes(own.read_bytes() + b"\0\0\0\x08free")
    ended = call("try", other)
    assert ended.exit_code == 0
    assert "my vidéo is another video: this one is my vidéo-2." in ended.output
    call("try", own)
    videos = tried.project("try").videos.listing()
    assert sorted(video.source.name for video in videos) == ["my vidéo", "my vidéo-2"]


def test_try_takes_a_name_that_is_not_utf8(call, own: Path, tmp_path: Path) -> None:
    odd = own.rename(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\n.mp4"))
    ended = call("try", odd)
    assert ended.exit_code == 0, ended.output


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "the file is empty"), (b"just text\n" * 9, "source_video|media_info")],
)
def test_try_of_a_file_that_is_no_video_is_an_error(
    call, tmp_path: Path, content: bytes, said: str
) -> None:
    file = tmp_path / "broken.mp4"
    file.write_bytes(content)
    ended = call("try", file)
    assert ended.exit_code == 1
    assert re.search(said, ended.output)
    assert "Traceback" not in ended.output
    assert "projects/{project}" not in ended.output
    assert file.read_bytes() == content


def test_try_of_a_missing_file_names_the_remedy(call, tmp_path: Path) -> None:
    ended = call("try", tmp_path / "none.mp4")
    assert ended.exit_code == 1
    assert "none.mp4" in ended.output and "remedy" in ended.output
