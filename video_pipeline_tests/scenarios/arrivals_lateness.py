"""Deliver 1,000 videos at once: sensors are late by a fifth of what they were, and runs begin.

Three projects, in a folder, under `up` with its MongoDB, webserver and daemon. The same is measured
on the commit at which one sensor's runs still kept all other sensors waiting. The two deployments
run one after the other.
"""

import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import dagster as dg

# Verified with dagster 1.13.27: the kind of an instigator, which `dagster` does not export.
from dagster._core.scheduler.instigation import InstigatorState, InstigatorType

from video_pipeline_tests.scenarios.support.baseline import ROOT, checked_out
from video_pipeline_tests.scenarios.support.clips import short_clip, unlike
from video_pipeline_tests.scenarios.support.deployment import Claims, print_table
from video_pipeline_tests.scenarios.support.running_up import running_up

BASELINE = "a306670"
PROJECTS = ("acme", "globex", "initech")
# The baseline's third project had its first run after 5 minutes.
VIDEOS, WINDOW_SECONDS = 1000, 300.0
# The share of the baseline's figures that is allowed.
SHARE = 0.2
SENSORS = frozenset({"arrivals", "completions", "lost_retries", "projects"})
_CONFIGURATION = """\
providers:
  cuts: {plugin: pyscenedetect}
phases:
  shots: [cuts]
"""


@dataclass(frozen=True)
class Lateness:
    """How late the sensors of one deployment were in a window after a delivery, in seconds."""

    most: Mapping[str, float]
    """By sensor: the longest gap between two ticks, less the sensor's interval."""
    p95: Mapping[str, float]
    first_run: Mapping[str, float]
    """By project: from the delivery to the start of its first run; the window if none started.

    It waits for one of two slots too, behind the runs of the other projects.
    """
    requested: int
    """Runs that were requested."""

    @property
    def worst(self) -> float:
        """Return the most that any sensor was late."""
        return max(self.most.values())

    @property
    def last_first_run(self) -> float:
        """Return the time until every project had a run."""
        return max(self.first_run.values())


def run(videos: int = VIDEOS, seconds: float = WINDOW_SECONDS) -> int:
    """Run it, and return 0 if every claim holds."""
    with tempfile.TemporaryDirectory(prefix="scenario-") as name:
        folder = Path(name)
        with checked_out(BASELINE, folder / "checkout") as checkout:
            before = lateness_of(checkout, folder / "before", videos, seconds)
        now = lateness_of(ROOT, folder / "now", videos, seconds)
    show(before, now)
    claims = Claims()
    claim(claims, before, now)
    return claims.verdict()


def show(before: Lateness, now: Lateness) -> None:
    """Print the figures of both."""
    print()
    print_table("Seconds after a large delivery", _COLUMNS, list(_rows(before, now)))


def claim(claims: Claims, before: Lateness, now: Lateness) -> None:
    """Claim that the figures are at most a fifth of those before."""
    for what, was, seen in (
        ("the latest tick of any sensor", before.worst, now.worst),
        ("the first run of the last project", before.last_first_run, now.last_first_run),
    ):
        bound = SHARE * was
        claims.holds(f"{what}: at most a fifth", seen <= bound, f"{seen:.1f} of {was:.1f} s")


def lateness_of(
    checkout: Path, folder: Path, videos: int = VIDEOS, seconds: float = WINDOW_SECONDS
) -> Lateness:
    """Deliver the videos to a new deployment of a checkout, and measure it for some seconds."""
    ingest = folder / "home" / "ingest"
    ingest.mkdir(parents=True)
    _prepare(folder / "prepared", videos)
    file = folder / "pipeline.yaml"
    file.write_text(_CONFIGURATION)
    with running_up(folder / "home", file, checkout) as up:
        instance = up.instance
        up.until(
            lambda: {one.name for one in _sensors(instance)} >= SENSORS, "all sensors tick", 300
        )
        (folder / "prepared" / "projects").rename(ingest / "projects")
        began = time.time()
        print(f"{checkout.name}: {videos} videos are delivered", flush=True)
        while time.time() < began + seconds:
            time.sleep(5)
        return _measured(instance, began, time.time())


def _prepare(folder: Path, videos: int) -> None:
    """Write the videos into a folder beside the ingest store, all with different bytes."""
    folder.mkdir()
    clip = short_clip(folder / "clip.mp4", 1, ["video"])
    for number in range(videos):
        project = PROJECTS[number * len(PROJECTS) // videos]
        video = folder / "projects" / project / "videos" / f"clip-{number:04}"
        video.mkdir(parents=True)
        (video / "clip.mp4").write_bytes(unlike(clip, number))


def _sensors(instance: dg.DagsterInstance) -> Sequence[InstigatorState]:
    return list(instance.all_instigator_state(instigator_type=InstigatorType.SENSOR))


def _measured(instance: dg.DagsterInstance, began: float, ended: float) -> Lateness:
    late = {one.name: _late(instance, one, began, ended) for one in _sensors(instance)}
    return Lateness(
        most={name: max(gaps) for name, gaps in late.items()},
        p95={name: _p95(gaps) for name, gaps in late.items()},
        first_run={project: _first_run(instance, project, began, ended) for project in PROJECTS},
        requested=instance.get_runs_count(),
    )


def _late(
    instance: dg.DagsterInstance, sensor: InstigatorState, began: float, ended: float
) -> list[float]:
    """Return by how much each tick in the window was late, and the tick that is awaited now."""
    ticks = instance.get_ticks(sensor.instigator_origin_id, sensor.selector_id)
    starts = sorted(tick.timestamp for tick in ticks if tick.timestamp <= ended)
    before = [start for start in starts if start < began][-1:]
    interval = sensor.instigator_data.min_interval or 0  # type: ignore[union-attr]
    moments = [*before, *(start for start in starts if start >= began), ended]
    return [max(0.0, after - start - interval) for start, after in pairwise(moments)]


def _p95(values: Sequence[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


def _first_run(instance: dg.DagsterInstance, project: str, began: float, ended: float) -> float:
    mine = dg.RunsFilter(tags={"video_pipeline/project": project})
    starts = [one.start_time for one in instance.get_run_records(mine) if one.start_time]
    return min([*starts, ended]) - began


_COLUMNS = ("figure", BASELINE, "now")


def _rows(before: Lateness, now: Lateness) -> Iterator[tuple[str, str, str]]:
    for name in sorted(now.most):
        for what in ("most", "p95"):
            was, seen = getattr(before, what)[name], getattr(now, what)[name]
            yield f"{name} late, {what}", f"{was:.1f}", f"{seen:.1f}"
    for project in PROJECTS:
        was, seen = before.first_run[project], now.first_run[project]
        yield f"first run of {project}", f"{was:.1f}", f"{seen:.1f}"
    yield "runs requested", str(before.requested), str(now.requested)
