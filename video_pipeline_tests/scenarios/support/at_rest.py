"""What a deployment records of a run, and what it costs at rest, for any checkout."""

import json
import os
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
from pymongo import MongoClient

from video_pipeline.catalog.server.mongod import Mongod
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline_tests.scenarios.support import reels
from video_pipeline_tests.scenarios.support.baseline import python_of
from video_pipeline_tests.scenarios.support.executing import unfinished
from video_pipeline_tests.scenarios.support.running_up import RunningUp, catalogue_of, running_up

VIDEOS = 300
_RUNS = 6
_SETTLE_SECONDS, _MEASURED_SECONDS = 40, 80
_FIRST = "video-000"
_CONFIGURATION = """\
providers:
  cuts: {plugin: pyscenedetect, options: {detector: adaptive}}
phases:
  shots: [cuts]
"""
# Registers every delivered file, by the names of the checkout that runs it.
_REGISTER = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from video_pipeline.catalog.connection import connect
from video_pipeline.storage.local.folder import FolderIngest
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.pipeline.arrivals.look import register_now
"""
_REGISTER_BEFORE = """
import json, sys
from datetime import UTC, datetime
from pathlib import Path
from video_pipeline.catalog.connection import connect
from video_pipeline.storage.folder import FolderIngest
from video_pipeline.domain.layout import Layout
from video_pipeline.pipeline.arrive import register_now
"""
_FOR_ALL = """
uri, folder, keys = json.load(sys.stdin)
catalog, ingest = connect(uri, "video_pipeline"), FolderIngest(Path(folder), Layout())
for key in keys:
    register_now(ingest, catalog, key, datetime.now(UTC))
catalog.close()
"""


@dataclass(frozen=True)
class AtRest:
    """The figures of one checkout."""

    record_bytes: float
    """Dagster's records of one run, without those of an empty home."""
    cpu_a_minute: float
    """CPU-seconds a minute of all processes, with nothing to do."""
    by_process: Mapping[str, float]


def at_rest(checkout: Path, folder: Path) -> AtRest:
    """Run six videos, record 294 more, and measure two minutes in which nothing happens."""
    folder.mkdir()
    home, file = folder / "home", folder / "pipeline.yaml"
    file.write_text(_CONFIGURATION)
    reel = reels.cut(folder / "reel.mp4")
    keys = [f"acme/video-{number:03}" for number in range(VIDEOS)]
    with running_up(home, file, checkout) as up:
        empty = _size(home / "dagster")
        _deliver(home, reel, keys[:_RUNS])
        up.until(lambda: _is_done(up, keys[:_RUNS]), "all runs ended", 600)
        recorded = (_size(home / "dagster") - empty) / _RUNS
    _deliver(home, reel, keys[_RUNS:])
    with catalogue_of(home) as uri:
        _register(checkout, uri, home, keys[_RUNS:])
        _copy_results(uri, keys[_RUNS:])
    with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
        instance.add_dynamic_partitions(VIDEOS_NAME, keys)
    with running_up(home, file, checkout) as up:
        time.sleep(_SETTLE_SECONDS)
        cost = _cost(up, _MEASURED_SECONDS)
        assert not unfinished(up.instance), "a run was requested in the time that was measured"
    return AtRest(recorded, sum(cost.values()), cost)


def _deliver(home: Path, reel: bytes, keys: list[str]) -> None:
    for key in keys:
        path = home / "ingest" / reels.object_key(key)
        path.parent.mkdir(parents=True)
        path.write_bytes(reels.bytes_of(reel, key))


def _is_done(up: RunningUp, keys: list[str]) -> bool:
    made = up.instance.get_materialized_partitions(dg.AssetKey("exports"))
    return made >= set(keys) and not unfinished(up.instance)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _register(checkout: Path, uri: str, home: Path, keys: list[str]) -> None:
    names = _REGISTER if (checkout / "video_pipeline/pipeline/arrivals").is_dir() else None
    given = json.dumps([uri, str(home / "ingest"), [reels.object_key(key) for key in keys]])
    subprocess.run(
        [str(python_of(checkout)), "-c", (names or _REGISTER_BEFORE) + _FOR_ALL],
        cwd=checkout,  # which comes first on the path of a program in an argument
        env={**os.environ, "PYTHONPATH": str(checkout)},
        input=given,
        text=True,
        check=True,
    )


def _copy_results(uri: str, keys: list[str]) -> None:
    """Give the results of the first video to all, with no run due."""
    with MongoClient[dict[str, Any]](uri) as client:
        database = client["video_pipeline"]
        first = database["videos"].find_one({"video": _FIRST}) or {}
        known = {name: first[name] for name in ("media", "due")}
        database["videos"].update_many({}, {"$set": known})
        phases = list(database["phases"].find({"video": _FIRST}, {"_id": 0}))
        videos = [key.partition("/")[2] for key in keys]
        copies = [{**phase, "video": video} for video in videos for phase in phases]
        database["phases"].insert_many(copies)


def _cost(up: RunningUp, seconds: float) -> dict[str, float]:
    """Return the CPU-seconds a minute, by kind of process.

    The time of a process that ends meanwhile is counted where its parent collects it.
    """
    before, begun = _times(up), time.monotonic()
    time.sleep(seconds)
    after, minutes = _times(up), (time.monotonic() - begun) / 60
    return {kind: (after[kind] - before.get(kind, 0.0)) / minutes for kind in after}


_KINDS = {
    "_daemon run": "daemon",
    "code-server start": "code server",
    "api grpc": "code server",
    "dagster_webserver": "webserver",
}


def _times(up: RunningUp) -> dict[str, float]:
    mongod = Mongod(up.home / "mongodb").pid()
    found: dict[str, float] = {}
    for process in [up.process, *up.processes(), *([psutil.Process(mongod)] if mongod else [])]:
        try:
            line, spent = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue
        kind = next((kind for sign, kind in _KINDS.items() if sign in line), "up")
        kind = "mongod" if process.pid == mongod else kind
        own = spent.user + spent.system + spent.children_user + spent.children_system
        found[kind] = found.get(kind, 0.0) + own
    return found
