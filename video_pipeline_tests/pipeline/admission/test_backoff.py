"""Tests of backoff: a unit that fails while others succeed is deferred, and fails in the end."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import pairwise

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.policies import Limits
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import Round, make_round
from video_pipeline.plugins.base import Submission
from video_pipeline.plugins.inputs import Inputs
from video_pipeline_tests.doubles.backlog import put_into_backlog
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.vendor import Vendor

ENDLESS = Limits(paid_minutes_per_day=float("inf"), providers={"with-token": float("inf")})
POISON = VideoKey.parse("acme/v0000")


class Shots(VendorShots):
    """The vendor's shots, without a connection for some videos."""

    # Also the longest pause of the pool, which passes by the server's clock.
    poll_seconds = 0.02
    # The prefix of the keys without a connection; empty for none.
    unconnected: str = ""

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        if self.unconnected and str(unit.request.key).startswith(self.unconnected):
            raise ProviderError(
                "no connection", category=FailureCategory.TRANSIENT, remedy="Look.", accepted=False
            )
        return super().submit(unit, media, inputs)


@dataclass
class Stage:
    """A vendor with few slots, a backlog, and a clock that advances by turns."""

    services: Services
    vendor: Vendor
    plugin: Shots
    now: datetime
    step: timedelta = timedelta(minutes=3)
    # When a refusal of the failing unit was seen.
    tried_at: list[datetime] = field(default_factory=list[datetime])

    def unit(self, key: VideoKey = POISON) -> WorkUnit:
        return self.services.of(key.project).units.of_video(key.video)[-1]

    def turn(self) -> Round:
        """Make one round, and end all known jobs after it."""
        tries = self.unit().refusals
        round_ = make_round(self.services, self.now)
        if self.unit().refusals > tries:
            self.tried_at.append(self.now)
        for job in list(self.vendor.jobs.values()):
            if job.video != str(POISON) or self.unit().state is UnitState.RUNNING:
                self.vendor.finish(job.video)
        self.now += self.step
        self.services.sleep(0.03)
        return round_

    def until_woken(self) -> None:
        for _ in range(400):
            if POISON in [unit.request.key for unit in self.turn().ready]:
                return
        raise AssertionError(f"it still waits: {self.unit()}")

    def asked(self, *projects: str) -> list[UnitState]:
        """Return the states of all other units."""
        return [
            unit.state
            for project in projects
            for state in UnitState
            for unit in self.services.of(project).units.in_state(state)
            if unit.request.key != POISON
        ]

    def fail(self, how: str) -> None:
        """Make every request for the one video fail this way."""
        if how == "unconnected":
            self.plugin.unconnected = str(POISON)
        elif how == "lost":
            self.vendor.behave(str(POISON), "drop")
        else:
            self.vendor.behave(str(POISON), "full")


def stage_of(services: Services, vendor: Vendor, slots: int) -> Stage:
    plugin = Shots(VendorOptions(url=vendor.url, timeout_seconds=3, slots=slots))
    stage = Stage(services, vendor, plugin, services.clock())
    plugins = {**services.plugins, "with-token": plugin}
    stage.services = replace(services, plugins=plugins, limits=ENDLESS, clock=lambda: stage.now)
    return stage


@pytest.fixture(params=[1, 2])
def stage(
    services: Services,
    deliver: Callable[..., VideoKey],
    vendor: Vendor,
    request: pytest.FixtureRequest,
) -> Stage:
    """Return a stage with one slot or two, on which the oldest video is to fail."""
    stage = stage_of(services, vendor, request.param)
    put_into_backlog(stage.services, "acme", 4, media_of(services, deliver), provider="with-token")
    put_into_backlog(
        stage.services, "globex", 3, media_of(services, deliver), provider="with-token"
    )
    return stage


def media_of(services: Services, deliver: Callable[..., VideoKey]) -> MediaInfo:
    record = services.of("acme").videos.get(deliver(str(POISON)).video)
    assert record is not None and record.media is not None
    return record.media


# The schedule is the same for any number of slots: the long tests try it with one of them.
ONE_SLOT, TWO_SLOTS = (pytest.mark.parametrize("stage", [n], indirect=True) for n in (1, 2))
WAYS = pytest.mark.parametrize(
    ("how", "state", "told"),
    [
        ("lost", UnitState.UNANSWERED, "answers again: the vendor did not answer"),
        ("full", UnitState.QUEUED, "has room again: the vendor refused: the vendor said full"),
        ("unconnected", UnitState.QUEUED, "answers again: no connection"),
    ],
)


@WAYS
def test_other_units_continue_and_failing_one_has_reason(
    stage: Stage, how: str, state: UnitState, told: str
) -> None:
    stage.fail(how)
    for _ in range(12):
        stage.turn()
    assert stage.asked("acme", "globex") == [UnitState.ENDED] * 6
    unit = stage.unit()
    assert unit.state is state and told in reason_of(unit)
    assert f"(tried {unit.refusals} times)" in reason_of(unit)


@ONE_SLOT
@WAYS
def test_failing_unit_is_deferred_longer_then_fails_in_run(
    stage: Stage, how: str, state: UnitState, told: str
) -> None:
    stage.fail(how)
    stage.until_woken()
    assert len(stage.tried_at) == 9
    gaps = [later - earlier for earlier, later in pairwise(stage.tried_at)]
    least = [timedelta(minutes=minutes) for minutes in (0, 1, 2, 4, 8, 15, 15, 15)]
    assert all(gap >= pause for gap, pause in zip(gaps, least, strict=True))
    assert stage.unit().state is (UnitState.RETURNED if how == "lost" else UnitState.ADMITTED)
    outcome = analyse(stage.services, POISON, {Phase.SHOTS})[Phase.SHOTS]
    assert outcome.state is PhaseState.FAILED
    assert told.partition(": ")[2] in outcome.message
    assert stage.turn().ready != ()
    if how == "lost":
        assert stage.unit().state is UnitState.RETURNED, "it may have been accepted"
        stage.vendor.behave(str(POISON), "later")
        again = analyse(stage.services, POISON, {Phase.SHOTS})[Phase.SHOTS]
        assert again.state is PhaseState.PARKED and stage.unit().state is UnitState.RUNNING
        assert stage.vendor.billed[str(POISON)] == 1
    else:
        assert stage.unit().state is UnitState.FAILED
        assert not stage.vendor.billed[str(POISON)]


@TWO_SLOTS
@WAYS
def test_deferred_unit_is_accepted_later_and_paid_once(
    stage: Stage, how: str, state: UnitState, told: str
) -> None:
    stage.fail(how)
    for _ in range(8):
        stage.turn()
    assert stage.unit().state is state and stage.unit().refusals > 2
    stage.plugin.unconnected = ""
    stage.vendor.behave(str(POISON), "later")
    for _ in range(14):
        stage.turn()
    assert stage.unit().state is UnitState.ENDED
    assert stage.vendor.billed[str(POISON)] == 1


def test_slot_is_free_after_last_try(
    services: Services, deliver: Callable[..., VideoKey], vendor: Vendor
) -> None:
    stage, media = stage_of(services, vendor, 1), media_of(services, deliver)
    put_into_backlog(stage.services, "acme", 2, media, provider="with-token")
    stage.fail("lost")
    stage.until_woken()
    analyse(stage.services, POISON, {Phase.SHOTS})
    put_into_backlog(stage.services, "globex", 1, media, provider="with-token")
    stage.turn()
    assert stage.asked("globex") == [UnitState.RUNNING]


@TWO_SLOTS
def test_unreachable_provider_gets_one_request_a_round(
    stage: Stage,
) -> None:
    stage.step = timedelta(minutes=1)  # shorter than a unit's second pause
    stage.plugin.unconnected = "acme"
    stage.vendor.default = "full"
    now = list[WorkUnit]()
    for _ in range(100):
        units = [stage.unit(VideoKey.parse(f"acme/v000{n}")) for n in range(4)]
        units += [stage.unit(VideoKey.parse(f"globex/v000{n}")) for n in range(3)]
        tries = sum(unit.refusals for unit in units)
        assert stage.turn().ready == ()
        now = [stage.unit(unit.request.key) for unit in units]
        assert sum(unit.refusals for unit in now) <= tries + 1
    assert all(unit.refusals >= 3 and unit.state.parked for unit in now), (
        "each was tried in its turn"
    )
    stage.plugin.unconnected, stage.vendor.default = "", "later"
    for _ in range(30):
        stage.turn()
    assert stage.unit().state is UnitState.ENDED
    assert stage.asked("acme", "globex") == [UnitState.ENDED] * 6
