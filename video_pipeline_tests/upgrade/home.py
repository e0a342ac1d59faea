"""Unpack the archive of an earlier version's home for today's code.

All times are shifted, so that the archive seems to have been written 5 minutes ago. Otherwise
Dagster's and the vendor's limits for the age of jobs would apply.
"""

import sqlite3
import tarfile
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import json_util
from pymongo import IndexModel, MongoClient

from video_pipeline.storage.local.folder import FolderIngest

ARCHIVE = Path(__file__).with_name("home_of_a306670.tar.xz")
CONFIGURATION = """\
providers:
  vendor: {plugin: kept-shots, options: {url: "@VENDOR@", slots: 7}}
  speech: {plugin: kept-speech, options: {url: "@VENDOR@", token: false}}
phases:
  shots: [vendor]
projects:
  doubt:
    phases: {shots: [], transcript: [speech]}
work: {lease_seconds: 1, backoff_seconds: 0.01}
"""
_AGO = timedelta(minutes=5)
_AWARE = json_util.JSONOptions(tz_aware=True)


def expose(folder: Path, *, shots: str, speech: str) -> None:
    """Install the vendor's plugins, given as `module:class`, in a folder of the import path."""
    info = folder / "kept_plugins-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: kept-plugins\nVersion: 1\n")
    (info / "entry_points.txt").write_text(
        f"[video_pipeline.temporal]\nkept-shots = {shots}\n"
        f"[video_pipeline.transcription]\nkept-speech = {speech}\n"
    )


def unpack(folder: Path) -> dict[str, Any]:
    """Unpack the archive into a folder, and return its written.json with shifted times."""
    with tarfile.open(ARCHIVE) as packed:
        # Python 3.11.3 and older have no filters.
        packed.extraction_filter = getattr(tarfile, "data_filter", None)
        packed.extractall(folder)
    written = json_util.loads((folder / "written.json").read_text(), json_options=_AWARE)
    later = datetime.now(UTC) - _AGO - written["written_at"]
    _move_runs(folder / "dagster" / "history" / "runs.db", later)
    moved = _moved(written, later)
    _note_versions(moved["catalogue"]["videos"]["documents"], folder / "state" / "ingest")
    return moved


def load(catalogue: dict[str, Any], uri: str, database: str) -> None:
    """Create every collection of a catalogue, with its options, indexes and documents."""
    with MongoClient[dict[str, Any]](uri) as client:
        for name, written in catalogue.items():
            collection = client[database].create_collection(name, **written["options"])
            if written["indexes"]:
                collection.create_indexes([_index(one) for one in written["indexes"]])
            if written["documents"]:
                collection.insert_many(written["documents"])


def _index(written: dict[str, Any]) -> IndexModel:
    options = {name: told for name, told in written.items() if name not in ("v", "key")}
    return IndexModel(list(written["key"].items()), **options)


def _note_versions(videos: list[dict[str, Any]], ingest: Path) -> None:
    """Set the versions of the unpacked files: a version contains the inode, which has changed."""
    for video in videos:
        store = FolderIngest(ingest).project(video["project_id"])
        found = store.stat(video["source"]["object_key"])
        assert found is not None and found.version.startswith(_without_inode(video["version"]))
        video["version"] = video["source"]["version"] = found.version


def _without_inode(version: str) -> str:
    return version.rpartition("-")[0]


def _moved(written: Any, later: timedelta) -> Any:
    if isinstance(written, dict):
        return {name: _moved(told, later) for name, told in written.items()}
    if isinstance(written, list):
        return [_moved(one, later) for one in written]
    return written + later if isinstance(written, datetime) else written


def _move_runs(file: Path, later: timedelta) -> None:
    """Shift the times of runs: Dagster's sensors only read runs that changed in the last hours."""
    seconds = f"{later.total_seconds():+.6f} seconds"
    moved = ", ".join(
        f"{name} = strftime('%Y-%m-%d %H:%M:%f000', {name}, ?1)"
        for name in ("create_timestamp", "update_timestamp")
    )
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(f"UPDATE runs SET {moved}", (seconds,))
