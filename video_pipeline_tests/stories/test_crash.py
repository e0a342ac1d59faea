"""A run killed with SIGKILL at any step loses, doubles and pays nothing twice.

If the vendor takes no token, the unit is in doubt instead.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.killed_run import STEPS, Deployment, Runs
from video_pipeline_tests.doubles.vendor import Behaviour, Vendor

Deliver = Callable[..., VideoKey]
KEY = "acme/one"


@dataclass
class Crashes:
    """One delivered video, the vendor, and runs of it that can be killed."""

    runs: Runs
    services: Services
    vendor: Vendor

    @property
    def units(self) -> list[WorkUnit]:
        return self.services.of("acme").units.of_video("one")

    @property
    def state(self) -> PhaseState:
        return self.services.of("acme").results.statuses("one")[Phase.SHOTS].state

    def assert_done_once(self) -> None:
        """Check that there is one result, billed once."""
        assert self.state is PhaseState.DONE
        assert [u.state for u in self.units] == [UnitState.SETTLED]
        assert [u.generation for u in self.units] == [0]
        assert len(list(self.services.of("acme").results.markers("one"))) == 2
        assert list(self.services.of("globex").results.markers("one")) == []
        assert self.vendor.billed == {KEY: 1}


@pytest.fixture
def crashing(
    services: Services,
    deliver: Deliver,
    vendor: Vendor,
    mongo_uri: str,
    mongo_database: str,
    tmp_path: Path,
) -> Iterator[Callable[[bool], Crashes]]:
    deliver(KEY)

    def crashing(token: bool) -> Crashes:
        deployment = Deployment(mongo_uri, mongo_database, tmp_path, vendor.url, token)
        return Crashes(Runs(deployment), services, vendor)

    yield crashing


@pytest.mark.parametrize("how", ["now", "later"])
@pytest.mark.parametrize("step", STEPS)
def test_killed_run_with_token_is_finished_by_the_next(
    crashing: Callable[[bool], Crashes], step: str, how: Behaviour
) -> None:
    crash = crashing(True)
    crash.vendor.behave(KEY, how)
    late = how == "later" and STEPS.index(step) >= STEPS.index("fetched")
    if late:
        assert not crash.runs.run(KEY)
        crash.vendor.finish(KEY)
    assert crash.runs.run(KEY, kill_at=step)
    crash.runs.run(KEY)
    crash.vendor.finish(KEY)
    crash.runs.run(KEY)
    crash.assert_done_once()


@pytest.mark.parametrize("step", STEPS)
def test_killed_run_without_token_is_finished_or_in_doubt(
    crashing: Callable[[bool], Crashes], step: str
) -> None:
    crash = crashing(False)
    crash.vendor.behave(KEY, "now")
    assert crash.runs.run(KEY, kill_at=step)
    crash.runs.run(KEY)
    if step in ("submitting", "submitted", "fetched"):
        assert [u.state for u in crash.units] == [UnitState.IN_DOUBT]
        assert crash.state is PhaseState.FAILED
        assert crash.vendor.submissions[KEY] <= 1
    else:
        crash.assert_done_once()


def test_run_killed_at_random_moments_ends_well(
    crashing: Callable[[bool], Crashes],
) -> None:
    crash, chance = crashing(True), random.Random(20)
    for _ in range(8):
        crash.runs.run(KEY, kill_after=chance.uniform(0.0, 0.2))
        crash.vendor.finish(KEY)
    crash.runs.run(KEY)
    crash.vendor.finish(KEY)
    crash.runs.run(KEY)
    crash.assert_done_once()
