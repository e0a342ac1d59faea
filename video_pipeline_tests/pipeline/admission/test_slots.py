"""Tests of admission: a request needs a free slot and enough paid minutes of the day."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.admission.backlog import Position, position
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.policies import Limits
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import free_ended, make_round
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
POOL = "vendor-shots/local/local/everything"


def bounded(services: Services, vendor: Vendor, **options: object) -> Services:
    """Return services with one provider of shots that has one slot."""
    chosen = {"url": vendor.url, "timeout_seconds": 3, "slots": 1, **options}
    plugin = VendorShots(VendorOptions.model_validate(chosen))
    return replace(services, plugins={**services.plugins, "with-token": plugin})


@pytest.fixture
def narrow(services: Services, vendor: Vendor) -> Services:
    return bounded(services, vendor)


def shots(services: Services, key: VideoKey) -> Outcome:
    return analyse(services, key, {Phase.SHOTS})[Phase.SHOTS]


def unit_of(services: Services, key: VideoKey) -> WorkUnit:
    return services.of(key.project).units.of_video(key.video)[-1]


def later(services: Services) -> datetime:
    return services.clock() + timedelta(minutes=2)


class TestSlots:
    """A provider runs one job at a time."""

    def test_unit_without_slot_waits_with_reason_and_position(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second, third = map(deliver, ("acme/one", "acme/two", "globex/one"))
        shots(narrow, first)
        parked = shots(narrow, second)
        assert (parked.state, parked.job) == (PhaseState.PARKED, None)
        assert "one of 1 slots of vendor-shots" in parked.message
        assert "place 1 of 1" in parked.message
        assert "place 1 of 2" in shots(narrow, third).message, "acme holds a slot already"
        unit = unit_of(narrow, second)
        assert (unit.id, unit.state) == (parked.unit, UnitState.QUEUED)
        assert reason_of(unit) == parked.message
        assert position(narrow.catalog, unit, POOL) == Position(number=2, of=2)
        assert vendor.submissions == {"acme/one": 1}

    def test_sweep_submits_next_unit_after_job_ended(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(narrow, first)
        shots(narrow, second)
        assert make_round(narrow, narrow.clock()).waiting == 1
        vendor.finish("acme/one")
        round_ = make_round(narrow, later(narrow))
        assert [u.request.key for u in round_.ready] == [first]
        assert (round_.submitted, round_.waiting) == (1, 0)
        unit = unit_of(narrow, second)
        assert unit.state is UnitState.RUNNING
        assert unit.job in vendor.jobs and unit.holder is None

    def test_rerun_of_waiting_unit_makes_no_request(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(narrow, first)
        assert shots(narrow, second).unit == shots(narrow, second).unit
        assert vendor.submissions == {"acme/one": 1}
        assert narrow.of("acme").units.backlog() == {POOL: 1}

    def test_settled_unit_frees_its_slot(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        vendor.default = "soon"
        for name in ("acme/one", "globex/one"):
            assert shots(narrow, deliver(name)).state is PhaseState.DONE
        assert narrow.catalog.admissions.pools()[0].holders == ()

    def test_newcomer_does_not_overtake_waiting_units(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second, third = map(deliver, ("acme/one", "globex/one", "acme/two"))
        shots(narrow, first)
        shots(narrow, second)
        vendor.finish("acme/one")
        assert shots(narrow, first).state is PhaseState.DONE
        assert shots(narrow, third).state is PhaseState.PARKED
        make_round(narrow, narrow.clock())
        assert unit_of(narrow, second).state is UnitState.RUNNING
        assert unit_of(narrow, third).state is UnitState.QUEUED

    def test_full_provider_returns_unit_to_backlog(
        self, services: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        wide = bounded(services, vendor, slots=5)
        vendor.cap, vendor.retry_after = 1, 60
        first, second, third = map(deliver, ("acme/one", "globex/one", "globex/two"))
        shots(wide, first)
        parked = shots(wide, second)
        assert parked.state is PhaseState.PARKED and "has room again" in parked.message
        assert vendor.submissions["globex/one"] == 1, "it is not retried in the same run"
        unit = unit_of(wide, second)
        assert (unit.state, unit.failure) == (UnitState.QUEUED, None)
        (pool,) = wide.catalog.admissions.pools()
        assert [slot.unit for slot in pool.holders] == [unit_of(wide, first).id]
        assert wide.catalog.admissions.used(services.clock().date(), project="globex") == 0
        assert shots(wide, third).state is PhaseState.PARKED, "others may use the account too"
        assert vendor.submissions["globex/two"] == 0
        assert wide.of("globex").results.failures("one", Phase.SHOTS, "") == 0

    def test_cancelled_waiting_unit_is_unpaid(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(narrow, first)
        shots(narrow, second)
        unit = unit_of(narrow, second)
        (one,) = cancel(narrow, second, [unit.id], "backfill b1 was cancelled")
        assert (one.unit.state, one.unit.settled) == (UnitState.CANCELLED, ())
        assert "no request was made yet" in one.outcome
        vendor.finish("acme/one")
        assert make_round(narrow, later(narrow)).submitted == 0
        status = narrow.of("acme").results.statuses("two")[Phase.SHOTS]
        assert status.state is PhaseState.CANCELLED

    def test_slot_of_crashed_holder_is_freed_after_lease(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(narrow, first)
        unit = unit_of(narrow, first)
        narrow.catalog.admissions.free(POOL, unit.id)
        fresh = unit.request.model_copy(update={"model": "other"})
        left = narrow.of("acme").units.open(fresh, 0, (), narrow.clock())
        narrow.catalog.admissions.take(POOL, 1, "acme", left.id, timedelta(0))
        assert shots(narrow, second).state is PhaseState.PARKED
        make_round(narrow, narrow.clock())
        assert unit_of(narrow, second).state is UnitState.RUNNING


class TestPaidMinutes:
    """Limits of a few seconds a day; each video has two."""

    def limited(self, services: Services, **limits: object) -> Services:
        return replace(services, limits=Limits.model_validate(limits))

    @pytest.fixture
    def tight(self, services: Services) -> Services:
        """Return services with a budget of one video a day for each project."""
        return self.limited(services, paid_minutes_per_day=3 / 60)

    def test_unit_over_budget_waits_and_other_projects_continue(
        self, tight: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second, other = map(deliver, ("acme/one", "acme/two", "globex/one"))
        shots(tight, first)
        parked = shots(tight, second)
        assert parked.state is PhaseState.PARKED
        day = tight.clock().astimezone(UTC).date()
        assert f"acme has used up its 0.1 paid minutes of {day}" in parked.message
        assert "limits.paid_minutes_per_day" in parked.message and "00:00 UTC" in parked.message
        assert shots(tight, other).job
        assert vendor.submissions["acme/two"] == 0

    def test_waiting_unit_continues_on_next_day(
        self, tight: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(tight, first)
        shots(tight, second)
        assert make_round(tight, tight.clock()).submitted == 0
        tomorrow = replace(tight, clock=lambda: datetime.now(UTC) + timedelta(days=1))
        assert make_round(tomorrow, tight.clock()).submitted == 1
        assert unit_of(tight, second).state is UnitState.RUNNING

    def test_waiting_unit_continues_after_limit_is_raised(
        self, tight: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(tight, first)
        shots(tight, second)
        raised = self.limited(tight, paid_minutes_per_day=3 / 60, projects={"acme": 1})
        assert make_round(raised, tight.clock()).submitted == 1

    def test_unit_over_daily_limit_does_not_delay_smaller_one(
        self, services: Services, deliver: Deliver, vendor: Vendor, long_video: Path
    ) -> None:
        tight = self.limited(services, projects={"acme": 3 / 60})
        first, second = deliver("acme/long", long_video), deliver("acme/two")
        parked = shots(tight, first)
        assert "needs more paid minutes than the 0.1 that acme may use" in parked.message
        assert "only when projects.acme.limits.paid_minutes_per_day is raised" in parked.message
        assert shots(tight, second).job
        assert make_round(tight, tight.clock()).submitted == 0

    def test_reason_follows_changed_limits(
        self, services: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        narrow = bounded(services, vendor)
        tight = self.limited(narrow, paid_minutes_per_day=3 / 60)
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(tight, first)
        assert "one of 1 slots" in shots(narrow, second).message
        assert "has used up" in shots(tight, second).message, "a slot would not help it"
        for now, told in (
            (narrow, "one of 1 slots"),
            (tight, "has used up its 0.1 paid minutes"),
            (self.limited(narrow, paid_minutes_per_day=1 / 60), "in a whole day"),
            (narrow, "one of 1 slots"),
        ):
            make_round(now, narrow.clock())
            assert told in reason_of(unit_of(narrow, second))

    def test_account_budget_is_shared_by_projects(
        self, services: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        tight = self.limited(services, providers={"with-token": 3 / 60, "without-token": 5})
        shots(tight, deliver("acme/one"))
        parked = shots(tight, deliver("globex/one"))
        assert "account local of vendor-shots has used up" in parked.message
        assert "providers.with-token.limits.paid_minutes_per_day" in parked.message

    @pytest.mark.parametrize("how", ["refuse", "fail"])
    def test_minutes_are_refunded_only_after_refusal(
        self, tight: Services, deliver: Deliver, vendor: Vendor, how: str
    ) -> None:
        vendor.behave("acme/one", how)  # type: ignore[arg-type]
        assert shots(tight, deliver("acme/one")).state is PhaseState.FAILED
        used = tight.catalog.admissions.used(tight.clock().date(), project="acme")
        assert used == (0 if how == "refuse" else 2)

    def test_rerun_reserves_minutes_once(
        self, tight: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        key = deliver("acme/one")
        vendor.behave("acme/one", "drop")
        shots(tight, key)
        vendor.behave("acme/one", "later")
        assert shots(tight, key).job
        assert tight.catalog.admissions.used(tight.clock().date(), project="acme") == 2


class TestDeadlines:
    """A job past its deadline fails before the provider's record of it expires."""

    @pytest.mark.parametrize("stops", [True, False])
    def test_job_past_deadline_fails_and_counts(
        self, narrow: Services, deliver: Deliver, vendor: Vendor, stops: bool
    ) -> None:
        vendor.stops_jobs = stops
        key = deliver("acme/one")
        shots(narrow, key)
        future = replace(narrow, clock=lambda: datetime.now(UTC) + timedelta(hours=25))
        assert [u.request.key for u in sweep(future, future.clock())] == [key]
        failed = shots(future, key)
        assert failed.state is PhaseState.FAILED
        assert "still runs 24 hours after its submission" in failed.message
        assert ("it was stopped" in failed.message) == stops
        unit = unit_of(narrow, key)
        assert unit.settled == unit.planned
        assert unit.failure and unit.failure.category is FailureCategory.PROVIDER_FAILED
        assert narrow.catalog.admissions.pools()[0].holders == ()

    def test_slot_is_freed_after_deadline_without_run(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        shots(narrow, deliver("acme/one"))
        free_ended(narrow)
        assert len(narrow.catalog.admissions.pools()[0].holders) == 1
        free_ended(replace(narrow, clock=lambda: datetime.now(UTC) + timedelta(hours=25)))
        assert narrow.catalog.admissions.pools()[0].holders == ()

    def test_lost_request_is_not_repeated_after_deadline(
        self, narrow: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        key = deliver("acme/one")
        vendor.behave("acme/one", "drop", "later")
        shots(replace(narrow, policy=narrow.policy.model_copy(update={"attempts": 1})), key)
        future = replace(narrow, clock=lambda: datetime.now(UTC) + timedelta(hours=25))
        assert make_round(future, future.clock()).submitted == 0
        assert "video-pipeline release" in shots(future, key).message
        assert unit_of(narrow, key).state is UnitState.IN_DOUBT
        assert vendor.billed == {"acme/one": 1}


class TestEvents:
    """Events of a provider are hints to poll."""

    @pytest.fixture
    def listening(self, services: Services, vendor: Vendor) -> Services:
        return bounded(services, vendor, events=True)

    def test_event_of_known_job_is_acknowledged(
        self, listening: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        key = deliver("acme/one")
        shots(listening, key)
        vendor.finish("acme/one")
        assert [u.request.key for u in sweep(listening, listening.clock())] == [key]
        assert vendor.events == {}

    def test_event_of_unknown_job_is_redelivered(
        self, listening: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        key = deliver("acme/one")
        vendor.events["early"] = "job-0"
        vendor.events["strange"] = "job-of-somebody-else"
        assert sweep(listening, listening.clock()) == []
        assert set(vendor.events) == {"early", "strange"}
        assert shots(listening, key).job == "job-0"
        sweep(listening, listening.clock())
        assert set(vendor.events) == {"strange"}

    def test_failed_event_queue_does_not_delay_other_provider(
        self, listening: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        key = deliver("acme/one")
        shots(listening, key)
        vendor.finish("acme/one")
        deaf = VendorShots(VendorOptions(url="http://127.0.0.1:9", events=True))
        both = replace(listening, plugins={"deaf": deaf, **listening.plugins})
        assert [u.request.key for u in sweep(both, later(listening))] == [key]
