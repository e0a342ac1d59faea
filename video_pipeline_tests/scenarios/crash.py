"""Kill runs with SIGKILL at every step and at random: nothing is lost, doubled or paid twice.

Each row is a video of its own, with a vendor that takes an idempotency token or one that does not.
Its run is killed, then run again to the end. With a token it must end done and billed once. Without
one, a request that may have been received must stay in doubt and not be repeated.
"""

import random
from dataclasses import dataclass
from pathlib import Path

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.delivery import delivered, encode
from video_pipeline_tests.doubles.killed_run import STEPS, Deployment, Runs, services
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.support.deployment import print_table, temporary_deployment

SEED = 20261123
RANDOM_VIDEOS, RANDOM_KILLS = 6, 5
# About the time of a whole run, so that most kills hit the middle of one.
LONGEST_SECONDS = 0.12


@dataclass(frozen=True)
class Setting:
    """One deployment with its vendor."""

    runs: Runs
    parts: Services
    vendor: Vendor
    folder: Path
    video: Path

    def deliver(self, name: str) -> str:
        """Deliver a video under this name, and return it."""
        delivered(self.parts, self.folder / "ingest", name, self.video)
        return name

    def row(self, case: str, name: str, *, doubt: bool) -> tuple[object, ...]:
        """Return a video's row, and whether it ended as required."""
        key = VideoKey.parse(name)
        project = self.parts.of(key.project)
        units, billed = project.units.of_video(key.video), self.vendor.billed[name]
        state = project.results.statuses(key.video)[Phase.SHOTS].state
        markers = len(list(project.results.markers(key.video)))
        if doubt:
            holds = [u.state for u in units] == [UnitState.IN_DOUBT] and billed <= 1
            holds = holds and self.vendor.submissions[name] <= 1 and state is PhaseState.FAILED
        else:
            holds = [u.state for u in units] == [UnitState.SETTLED] and billed == 1
            holds = holds and markers == 2 and state is PhaseState.DONE
        unit = ", ".join(u.state for u in units)
        return (case, name, billed, unit, state, markers, "yes" if holds else "NO")


def run() -> int:
    """Return 0 if every video ended as required."""
    rows: list[tuple[object, ...]] = []
    hits = 0
    for token in (True, False):
        with temporary_deployment() as (folder, uri), Vendor() as vendor:
            deployment = Deployment(uri, "crash", folder, vendor.url, token)
            parts = services(deployment)
            video = encode(folder / "short.mp4")
            setting = Setting(Runs(deployment), parts, vendor, folder, video)
            kind = "token" if token else "no token"
            rows += [_killed_at(setting, kind, step) for step in STEPS]
            if token:
                at_random, hits = _killed_at_random(setting)
                rows += at_random
            parts.catalog.close()
    columns = ("killed", "video", "billed", "work units", "shots", "markers", "holds")
    print_table("Killed with SIGKILL, then run again", columns, rows)
    enough = hits * 3 >= RANDOM_VIDEOS * RANDOM_KILLS
    print(f"{hits} of {RANDOM_VIDEOS * RANDOM_KILLS} random kills hit a run at work", end="")
    print("" if enough else ", and a third must: lower LONGEST_SECONDS")
    return 0 if enough and all(row[-1] == "yes" for row in rows) else 1


def _killed_at(setting: Setting, kind: str, step: str) -> tuple[object, ...]:
    name = setting.deliver(f"acme/{kind.replace(' ', '-')}-{step}")
    setting.vendor.behave(name, "now")
    killed = setting.runs.run(name, kill_at=step)
    assert killed, f"{name} ended before {step}"
    setting.runs.run(name)
    doubt = kind == "no token" and step in ("submitting", "submitted", "fetched")
    return setting.row(f"{kind}, at {step}", name, doubt=doubt)


def _killed_at_random(setting: Setting) -> tuple[list[tuple[object, ...]], int]:
    """Return a row for each video, and how many kills hit a run before its end."""
    chance, rows, hits = random.Random(SEED), list[tuple[object, ...]](), 0
    for number in range(RANDOM_VIDEOS):
        name = setting.deliver(f"{('acme', 'globex')[number % 2]}/random-{number}")
        killed = 0
        for _ in range(RANDOM_KILLS):
            killed += setting.runs.run(name, kill_after=chance.uniform(0, LONGEST_SECONDS))
            setting.vendor.finish(name)
        for _ in range(2):
            setting.runs.run(name)
            setting.vendor.finish(name)
        hits += killed
        rows.append(setting.row(f"token, {killed} times at random", name, doubt=False))
    return rows, hits
