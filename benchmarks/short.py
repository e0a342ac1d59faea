"""Measure twenty videos of ten seconds, from their arrival to the last exported timeline.

    ./run bench short [--json FILE]

The baseline runs the same assets as Dagster does by default: a run a video with a process for each
step, two runs at a time. It begins when Dagster has loaded the definitions; `up` begins with the
delivery, and so its time includes the sensor.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg

from benchmarks.multiprocess_job import JOB
from benchmarks.reel import program, reel
from benchmarks.report import Report
from video_pipeline.catalog.connection import connect
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline_tests.scenarios.support.running_up import catalogue_of, running_up

_VIDEOS = 20
_SECONDS = 10
_AT_ONCE = 2
_WAIT_SECONDS = 1800
_DATABASE = "video_pipeline"
_SETTINGS = """\
providers:
  shots: {plugin: transnetv2}
  words: {plugin: faster-whisper, options: {model: base, language: en}}
phases:
  shots: [shots]
  transcript: [words]
"""
_REGISTER = """\
import sys
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.settings import load_settings
from video_pipeline.wiring import open_services
with open_services(load_settings(), plugins={}) as services:
    for key in sys.argv[1:]:
        register_now(services.ingest, services.catalog, key, services.clock())
"""


def main() -> None:
    """Print videos a minute of both ways, and their ratio."""
    report = Report(__doc__, "way", "seconds", "videos a minute", "ratio")
    with tempfile.TemporaryDirectory(prefix="video-pipeline-bench-") as name:
        folder = Path(name)
        videos = _cut(reel(), folder)
        base = 0.0
        for way, measure in {"a process a step": _by_steps, "up": _by_up}.items():
            home = folder / way.replace(" ", "-")
            home.mkdir()
            (home / "pipeline.yaml").write_text(_SETTINGS)
            seconds = measure(home, videos)
            base = base or seconds
            row = (round(seconds), round(60 * _VIDEOS / seconds, 1), round(base / seconds, 2))
            report.row(way, *row)
    report.end()


def _cut(film: Path, into: Path) -> list[Path]:
    """Return ten-second parts of the film, each with its own beginning."""
    parts = list[Path]()
    for number in range(_VIDEOS):
        part = into / f"part-{number:02}.mp4"
        begin, length = str(number * (600 - _SECONDS) // _VIDEOS), str(_SECONDS)
        cut = ["-nostdin", "-v", "error", "-ss", begin, "-i", str(film), "-t", length]
        encode = ["-c:v", "libx264", "-preset", "veryfast", "-c:a", "aac", str(part)]
        subprocess.run([program("ffmpeg"), *cut, *encode], check=True)
        parts.append(part)
    return parts


def _deliver(videos: Sequence[Path], ingest: Path) -> list[str]:
    """Put the videos into the ingest folder, and return their object keys."""
    keys = [f"projects/bench/videos/{video.stem}/{video.name}" for video in videos]
    for key, video in zip(keys, videos, strict=True):
        (ingest / key).parent.mkdir(parents=True)
        os.link(video, ingest / key)
    return keys


def _by_steps(home: Path, videos: Sequence[Path]) -> float:
    state = home / "state"
    with catalogue_of(state) as uri:
        names = {
            "MONGODB_URI": uri,
            "DAGSTER_HOME": str(home / "dagster"),
            "VIDEO_PIPELINE_CONFIG": str(home / "pipeline.yaml"),
            "VIDEO_PIPELINE_HOME": str(state),
        }
        environment = {**os.environ, **names}
        keys = _deliver(videos, state / "ingest")
        subprocess.run([sys.executable, "-c", _REGISTER, *keys], env=environment, check=True)
        (home / "dagster").mkdir()
        partitions = [f"bench/{video.stem}" for video in videos]
        with dg.DagsterInstance.from_config(str(home / "dagster")) as instance:
            instance.add_dynamic_partitions(VIDEOS_NAME, partitions)
        started = time.perf_counter()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for done in [pool.submit(_execute, one, environment) for one in partitions]:
                done.result()
        seconds = time.perf_counter() - started
        _check(uri, len(videos))
        return seconds


def _execute(partition: str, environment: dict[str, str]) -> None:
    tags = json.dumps({"dagster/partition": partition})
    run = ["job", "execute", "-m", "benchmarks.multiprocess_job", "-j", JOB, "--tags", tags]
    done = subprocess.run(
        [program("dagster"), *run], env=environment, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"the run of {partition} failed:\n{done.stderr[-4000:]}")


def _by_up(home: Path, videos: Sequence[Path]) -> float:
    state = home / "state"
    with running_up(state, home / "pipeline.yaml") as up, catalogue_of(state) as uri:
        started = time.perf_counter()
        _deliver(videos, state / "ingest")
        exported = _exported(uri)
        up.until(lambda: exported() >= len(videos), "all are exported", _WAIT_SECONDS)
        return time.perf_counter() - started


def _check(uri: str, count: int) -> None:
    if (found := _exported(uri)()) < count:
        sys.exit(f"only {found} of {count} videos were exported")


def _exported(uri: str) -> Callable[[], int]:
    standings = connect(uri, _DATABASE).project("bench").standings
    return lambda: standings.counts().get((Phase.EXPORTS, PhaseState.DONE), 0)


if __name__ == "__main__":
    main()
