"""What goes wrong while a deployment is operated, done for real to a running `up`.

Each function does one thing to it, and records what it saw as claims.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
import psutil
from pymongo import MongoClient

from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline_tests.scenarios.support import reels
from video_pipeline_tests.scenarios.support.baseline import ROOT
from video_pipeline_tests.scenarios.support.deployment import Claims
from video_pipeline_tests.scenarios.support.executing import unfinished
from video_pipeline_tests.scenarios.support.running_up import RunningUp, catalogue_of
from video_pipeline_tests.servers.webserver import Webserver

CONFIGURATION = """\
storage:
  ingest: {folder: ingest}
providers:
  cuts: {plugin: pyscenedetect, options: {detector: adaptive}}
phases:
  shots: [cuts]
work: {lease_seconds: 10}
"""
_STILL_SECONDS = 90
# How long a command may take while MongoDB does not answer.
ANSWER_SECONDS = 5.0
_SENSORS = ("arrivals", "completions", "lost_retries", "projects")
# Dagster retries a run twice.
_LIVES = 3
_CHILD = "media.child"
_SERVERS = ("dagster_webserver", "dagster._daemon", "code-server start")
_FAILURE = dg.DagsterRunStatus.FAILURE
_SUCCESS = dg.DagsterRunStatus.SUCCESS


@dataclass(frozen=True)
class Stage:
    """A running `up`, the videos to deliver, and the claims so far."""

    up: RunningUp
    claims: Claims
    short: bytes
    long: bytes
    """A video whose decoding takes some seconds."""

    def deliver(self, key: str, content: bytes | None = None) -> None:
        """Deliver a video, the short one by default, complete from its first byte on."""
        path = self.up.file.parent / "ingest" / reels.object_key(key)
        path.parent.mkdir(parents=True)
        part = path.with_name(".part")
        part.write_bytes(reels.bytes_of(self.short if content is None else content, key))
        part.rename(path)

    def is_done(self, key: str) -> bool:
        """Return whether a video is published, and no run of it is left."""
        made = self.up.instance.get_materialized_partitions(dg.AssetKey("exports"))
        left = set(unfinished(self.up.instance)) & {run.run_id for run in self.up.runs(key)}
        return key in made and not left

    def await_done(self, key: str, seconds: float = 300) -> float:
        """Wait until a video is done, and return the seconds."""
        return self.up.until(lambda: self.is_done(key), f"{key} is done", seconds)


def stand_still(stage: Stage) -> None:
    """Stop mongod for 90 s: commands and sensors answer at once, and all goes on afterwards."""
    up, claims = stage.up, stage.claims
    mongod = up.mongod
    assert mongod is not None
    servers = {one.pid for sign in _SERVERS for one in up.processes(sign)}
    begun = time.time()
    mongod.suspend()
    answers: list[Any] = []
    try:
        while time.time() - begun < _STILL_SECONDS:
            answers.append(up.command("status"))
            time.sleep(5)
        still_up, said = up.is_alive, up.said
    finally:
        mongod.resume()
    claims.holds("`up` outlives a MongoDB that stands still for 90 s", still_up, _last(said))
    longest = max(answer.seconds for answer in answers)
    refused = all(answer.code and "does not answer" in answer.output for answer in answers)
    claims.holds(
        f"each of {len(answers)} commands says so within {ANSWER_SECONDS:g} s",
        refused and longest <= ANSWER_SECONDS,
        f"at most {longest:.1f} s: {answers[-1].output.splitlines()[0]}",
    )
    _claim_skipped(stage, begun, time.time())
    stage.deliver("acme/after-still")
    took = stage.await_done("acme/after-still")
    claims.holds("a video that arrives afterwards is published", True, f"{took:.0f} s later")
    claims.equal("MongoDB is the same process", mongod.pid, up.mongod and up.mongod.pid)
    now = {one.pid for sign in _SERVERS for one in up.processes(sign)}
    claims.equal("webserver, daemon and code server are the same processes", servers, now)
    took = up.until(lambda: not up.zombies(), "all are reaped", 30)
    claims.holds("`up` reaps every child that has ended", True, f"{took:.0f} s later")


def _claim_skipped(stage: Stage, begun: float, ended: float) -> None:
    seen: dict[str, int] = {}
    for sensor in _SENSORS:
        ticks = stage.up.ticks(sensor, begun)
        ticks = [one for one in ticks if one.timestamp < ended - ANSWER_SECONDS]
        seen[sensor] = sum("no MongoDB answers" in (one.skip_reason or "") for one in ticks)
    reading = {name: n for name, n in seen.items() if name != "lost_retries"}
    stage.claims.holds("sensors skip ticks and say why", all(reading.values()), seen)


def kill_run_three_times(stage: Stage) -> None:
    """Kill the process of a run and of both retries: the phase is interrupted, and listed."""
    up, claims, key = stage.up, stage.claims, "acme/killed"
    stage.deliver(key, stage.long)
    killed: list[int] = []
    while len(killed) < _LIVES:
        killed.append(_kill_run(stage, key, {*killed}))
    listed = up.until(lambda: "interrupted" in up.command("errors").output, "it is listed", 600)
    found = up.command("errors").output
    claims.holds(
        "after three deaths `errors` lists the phase as interrupted, with the remedy",
        key in found and "--only failed" in found,
        f"{listed:.0f} s after the last: {_line(found, key)}",
    )
    shown = up.command("status", "--project", "acme").output
    claims.holds("`status` counts it", "interrupted" in shown, _line(shown, "interrupted"))
    up.until(lambda: "interrupted" in _table(stage), "the project's table shows it", 600)
    claims.holds("the project's table in Dagster shows it", True, "interrupted")
    launched = up.command("backfill", "--project", "acme", "--only", "failed", "--yes")
    claims.equal("`backfill --only failed` takes it", 0, launched.code)
    stage.await_done(key)
    claims.holds("the backfill publishes it", "interrupted" not in up.command("errors").output, key)


def _kill_run(stage: Stage, key: str, killed: set[int]) -> int:
    """Kill the process of the run of a video, once it decodes."""
    found: list[psutil.Process] = []

    def at_work() -> bool:
        # The decoder is a child of the run's process.
        found[:] = [
            parent
            for child in stage.up.processes(_CHILD)
            if (parent := child.parent())
            and parent.pid not in killed
            # The decoder of a killed run, until it ends.
            and parent != stage.up.process
        ]
        return bool(found)

    stage.up.until(at_work, f"a run of {key} decodes", 300)
    found[0].kill()
    return found[0].pid


def _table(stage: Stage) -> str:
    """Return the newest metadata of the project's asset."""
    of_project = dg.AssetRecordsFilter(asset_key=dg.AssetKey("project"), asset_partitions=["acme"])
    found = stage.up.instance.fetch_materializations(of_project, limit=1).records
    made = [one.asset_materialization for one in found if one.asset_materialization]
    return " ".join(str(value) for one in made for value in one.metadata.values())


def kill_decoder(stage: Stage) -> None:
    """Kill the decoder as the kernel does without memory: it is started again by itself."""
    key = "acme/decoder"
    stage.deliver(key, stage.long)
    stage.up.until(lambda: bool(stage.up.processes(_CHILD)), "a decoder runs", 300)
    time.sleep(1)
    for child in stage.up.processes(_CHILD):
        child.kill()
    stage.await_done(key)
    runs = [run.status for run in stage.up.runs(key)]
    stage.claims.equal("a killed decoder is started again within the run", [_SUCCESS], runs)


def break_configuration(stage: Stage) -> None:
    """Break pipeline.yaml: all goes on with the last valid file, and each tick says so."""
    up, claims, file = stage.up, stage.claims, stage.up.file
    good, begun = file.read_text(), time.time()
    file.write_text(good.replace("phases:", "phasen:"))
    spoken = _until_ticks(stage, lambda text: "pipeline.yaml" in text and "phasen" in text, begun)
    claims.holds("with a broken pipeline.yaml each sensor names the line", True, spoken)
    refused = up.command("doctor")
    claims.holds("`doctor` names it", "phasen" in refused.output, _line(refused.output, "phasen"))
    stage.deliver("acme/meanwhile")
    stage.await_done("acme/meanwhile")
    claims.holds("videos are processed meanwhile", True, "by the last valid file")
    mended = time.time()
    file.write_text(good)
    _until_ticks(stage, lambda text: "phasen" not in text, mended)
    claims.holds("the mended file is used without a restart", True, f"`up`: {_last(up.said)}")


def _until_ticks(stage: Stage, meant: Callable[[str], bool], since: float) -> str:
    """Wait until the newest tick of every sensor that reads the file says what is meant."""
    texts: dict[str, str] = {}

    def all_meant() -> bool:
        for sensor in set(_SENSORS) - {"lost_retries"}:
            newest = [t for t in stage.up.ticks(sensor, since) if t.status.value != "STARTED"][:1]
            texts[sensor] = " ".join(str(one.skip_reason or one.error or "") for one in newest)
        return all(text and meant(text) for text in texts.values())

    stage.up.until(all_meant, "each sensor's tick says so", 180)
    return texts["arrivals"].splitlines()[0]


def run_without_video(stage: Stage) -> None:
    """Run a partition that was added by hand: nothing is recorded, and `forget` clears up."""
    up, claims, key = stage.up, stage.claims, "acme/nosuch"
    up.instance.add_dynamic_partitions(VIDEOS_NAME, [key])
    Webserver(f"{up.url}/graphql").launch_backfill(["media_info"], [key])
    up.until(lambda: bool(up.runs(key, _FAILURE)), "its run failed", 180)
    claims.equal("a partition without a video leaves no row", {}, _rows(up.home, key))
    listed = up.command("errors").output
    claims.holds("nor an error", "nosuch" not in listed, listed.splitlines()[0])
    forgotten = up.command("forget", key, "--yes")
    claims.holds("`forget` clears up", forgotten.code == 0, forgotten.output.splitlines()[0])


def _rows(home: Path, key: str) -> dict[str, int]:
    """Return the number of documents about a video, by collection with any."""
    video = VideoKey.parse(key).video
    with catalogue_of(home) as uri, MongoClient[dict[str, Any]](uri) as client:
        database = client["video_pipeline"]
        counts = {
            name: database[name].count_documents({"project_id": "acme", "video": video})
            for name in database.list_collection_names()
        }
    return {name: count for name, count in counts.items() if count}


def fill_disk(stage: Stage) -> None:
    """Fill the file system of the state folder, and free it again: `up` outlives it."""
    up, claims = stage.up, stage.claims
    ballast = up.home / "ballast"
    with ballast.open("wb") as full:
        try:
            while True:
                full.write(bytes(1 << 20))
                full.flush()
        except OSError as error:
            seen = error.strerror
    stage.deliver("acme/no-room")
    time.sleep(60)
    claims.holds("`up` outlives a full state folder", up.is_alive, f"{seen}; {_last(up.said)}")
    ballast.unlink()
    stage.await_done("acme/no-room")
    claims.holds("with free space the video is published", True, _last(up.said))


def _last(said: str) -> str:
    return (said.strip().splitlines() or [""])[-1][:120]


def _line(text: str, word: str) -> str:
    return next((line.strip()[:120] for line in text.splitlines() if word in line), "")


# What one `up` meets, one after the other, by the row of docs/operations.md that promises the end.
FAULTS: Mapping[str, Callable[[Stage], None]] = {
    "MongoDB stands still": stand_still,
    "a run's process and those of both retries are killed": kill_run_three_times,
    "a decoding process is killed": kill_decoder,
    "pipeline.yaml is broken": break_configuration,
    "a partition is added by hand": run_without_video,
}
FULL, MANY = "the state folder is full", "a thousand videos arrive at once"


def promise(failure: str) -> str:
    """Return the row of docs/operations.md for a failure. Raises LookupError if there is none."""
    rows = (ROOT / "docs" / "operations.md").read_text().splitlines()
    found = next((row for row in rows if row.startswith(f"| {failure}")), None)
    if found is None:
        raise LookupError(f"docs/operations.md promises nothing for: {failure}")
    return found
