"""Tests of submitting the backlog: fairness, slots, and crashes during a submission."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.policies import Limits
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline.plugins.base import Plugin
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import File
from video_pipeline_tests.doubles.backlog import put_into_backlog
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.killed_run import Deployment, Runs
from video_pipeline_tests.doubles.killed_run import services as services_of
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.units import bring_to
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
ENDLESS = Limits(paid_minutes_per_day=float("inf"), providers={"with-token": float("inf")})
CAP = 5
MANY = 300


class FileShots(VendorShots):
    """The vendor's shots, fed the file itself, so that a run must download it."""

    name = "vendor-file-shots"

    def capabilities(self) -> Capabilities:
        return super().capabilities().model_copy(update={"fed": File()})


def with_shots(
    services: Services, vendor: Vendor, plugin: type[VendorShots], **more: object
) -> Services:
    told = {"url": vendor.url, "timeout_seconds": 3, "slots": CAP, **more}
    made: Plugin = plugin(VendorOptions.model_validate(told))
    return replace(services, plugins={**services.plugins, "with-token": made}, limits=ENDLESS)


@pytest.fixture
def bounded(services: Services, vendor: Vendor) -> Services:
    """Return services with a provider of a known number of slots."""
    vendor.cap = CAP
    return with_shots(services, vendor, VendorShots)


@pytest.fixture
def media(services: Services, deliver: Deliver) -> MediaInfo:
    record = services.of("initech").videos.get(deliver("initech/probed").video)
    assert record is not None and record.media is not None
    return record.media


def shots(services: Services, key: VideoKey) -> Outcome:
    return analyse(services, key, {Phase.SHOTS})[Phase.SHOTS]


def state_of(services: Services, unit: WorkUnit) -> WorkUnit:
    found = services.of(unit.request.key.project).units.get(unit.id)
    assert found is not None
    return found


def test_large_backlog_does_not_delay_other_project(
    bounded: Services, vendor: Vendor, media: MediaInfo
) -> None:
    many = put_into_backlog(bounded, "acme", MANY, media, provider="with-token")
    make_round(bounded, bounded.clock())
    (one,) = put_into_backlog(bounded, "globex", 1, media, provider="with-token")
    assert [state_of(bounded, u).state for u in many[:CAP]] == [UnitState.RUNNING] * CAP
    vendor.finish("acme/v0000")
    round_ = make_round(bounded, bounded.clock() + timedelta(minutes=1))
    assert (round_.submitted, round_.waiting) == (1, MANY - CAP)
    assert state_of(bounded, one).state is UnitState.RUNNING


def test_slots_are_shared_between_projects_oldest_first(
    bounded: Services, vendor: Vendor, media: MediaInfo
) -> None:
    for project in ("acme", "globex", "initech"):
        put_into_backlog(bounded, project, 9, media, provider="with-token")
    make_round(bounded, bounded.clock())
    (pool,) = bounded.catalog.admissions.pools()
    assert sorted(Counter(slot.project for slot in pool.holders).values()) == [1, 2, 2]
    assert set(vendor.submissions) <= {f"{p}/v000{n}" for p in pool.served for n in (0, 1)}


def test_parallel_processes_never_exceed_slots(
    bounded: Services,
    vendor: Vendor,
    media: MediaInfo,
    mongo_uri: str,
    mongo_database: str,
    tmp_path: Path,
) -> None:
    deployment = Deployment(mongo_uri, mongo_database, tmp_path, vendor.url, True, CAP)
    parts = services_of(deployment)
    units = [
        unit
        for project in ("acme", "globex")
        for unit in put_into_backlog(parts, project, 20, media, provider="vendor")
    ]
    vendor.cap = None  # only our own count of slots limits the requests
    for _ in range(20):
        Runs(deployment).sweep(side_by_side=4)
        assert vendor.running == vendor.most_running == CAP or not vendor.running
        for job in [job for job in vendor.jobs.values() if job.state == "running"]:
            vendor.finish(job.video)
        sweep(parts, parts.clock() + timedelta(minutes=1))
        if not parts.of("acme").units.backlog() and not parts.of("globex").units.backlog():
            break
    assert vendor.billed == Counter({str(unit.request.key): 1 for unit in units})
    assert vendor.submissions == vendor.billed
    parts.catalog.close()


def test_provider_with_fewer_slots_than_configured(
    services: Services, vendor: Vendor, media: MediaInfo
) -> None:
    wide = with_shots(services, vendor, VendorShots, slots=50)
    vendor.cap, vendor.retry_after = 3, 4
    units = put_into_backlog(wide, "acme", 6, media, provider="with-token")
    round_ = make_round(wide, wide.clock())
    assert (round_.submitted, round_.waiting) == (3, 3)
    refused = state_of(wide, units[3])
    assert (refused.state, refused.failure) == (UnitState.QUEUED, None)
    assert "has room again" in reason_of(refused)
    assert make_round(wide, wide.clock()).submitted == 0, "the pool is paused"
    assert vendor.submissions.total() == 4
    while wide.catalog.admissions.pools()[0].paused:
        wide.sleep(0.1)
    vendor.cap = 50
    assert make_round(wide, wide.clock()).submitted == 3


class TestWakesRun:
    """The sweep wakes the held run, which makes the request itself."""

    @pytest.fixture
    def fed_files(self, services: Services, vendor: Vendor) -> Services:
        return with_shots(services, vendor, FileShots, slots=1)

    def test_run_of_file_plugin_is_woken_with_its_slot(
        self, fed_files: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        first, second, third = map(deliver, ("acme/one", "acme/two", "globex/one"))
        for key in (first, second, third):
            shots(fed_files, key)
        vendor.finish("acme/one")
        round_ = make_round(fed_files, fed_files.clock() + timedelta(minutes=1))
        assert [u.request.key for u in round_.ready] == [first, third]
        (unit,) = fed_files.of("globex").units.of_video("one")
        assert unit.state is UnitState.ADMITTED, "its run is woken"
        assert [u.id for u in make_round(fed_files, fed_files.clock()).ready][1:] == [unit.id]
        assert shots(fed_files, second).state is PhaseState.PARKED, "the slot is kept for another"
        assert shots(fed_files, third).job
        assert [u.request.key for u in make_round(fed_files, fed_files.clock()).ready] == [first]

    def test_run_reports_refusal_and_backlog_continues(
        self, services: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        narrow = with_shots(services, vendor, VendorShots, slots=1)
        first, second, third = map(deliver, ("acme/one", "globex/one", "acme/two"))
        for key in (first, second, third):
            shots(narrow, key)
        vendor.finish("acme/one")
        vendor.behave("globex/one", "refuse")
        round_ = make_round(narrow, narrow.clock() + timedelta(minutes=1))
        assert [u.request.key for u in round_.ready] == [first, second]
        failed = shots(narrow, second)
        assert failed.state is PhaseState.FAILED and "the vendor refused" in failed.message
        assert make_round(narrow, narrow.clock()).submitted == 1
        assert narrow.catalog.admissions.used(narrow.clock().date(), project="globex") == 0

    def test_immediate_result_is_stored_for_run(
        self, services: Services, deliver: Deliver, vendor: Vendor
    ) -> None:
        narrow = with_shots(services, vendor, VendorShots, slots=1)
        first, second = deliver("acme/one"), deliver("acme/two")
        shots(narrow, first)
        shots(narrow, second)
        vendor.finish("acme/one")
        vendor.behave("acme/two", "now")
        round_ = make_round(narrow, narrow.clock() + timedelta(minutes=1))
        assert [u.request.key for u in round_.ready] == [first, second]
        assert make_round(narrow, narrow.clock()).submitted == 0
        assert shots(narrow, second).state is PhaseState.DONE
        assert vendor.submissions["acme/two"] == 1

    @pytest.mark.parametrize("gone", ["the entry", "an option", "the video"])
    def test_changed_request_is_left_to_run(
        self, bounded: Services, media: MediaInfo, vendor: Vendor, gone: str
    ) -> None:
        (unit,) = put_into_backlog(bounded, "acme", 1, media, provider="with-token")
        changed = bounded
        if gone == "the entry":
            changed = replace(bounded, plugins={})
        elif gone == "an option":
            changed = with_shots(bounded, vendor, VendorShots, timeout_seconds=4)
        else:
            assert bounded.of("acme").videos.set_sha256("v0000", "1", "f" * 64)
        round_ = make_round(changed, changed.clock())
        assert [u.id for u in round_.ready] == [unit.id] and not vendor.submissions

    def test_unit_waits_if_providers_secret_is_missing(
        self, bounded: Services, media: MediaInfo
    ) -> None:
        (unit,) = put_into_backlog(bounded, "acme", 1, media, provider="with-token")
        here = replace(bounded, plugins={}, unavailable=["with-token"])
        assert make_round(here, here.clock()).ready == ()
        assert state_of(here, unit).state is UnitState.QUEUED

    def test_orphaned_waiting_unit_is_cancelled_unpaid(
        self, bounded: Services, media: MediaInfo, vendor: Vendor
    ) -> None:
        (unit,) = put_into_backlog(bounded, "acme", 1, media, provider="with-token")
        bounded.of("acme").units.set_unwanted(unit.id, True)
        assert make_round(bounded, bounded.clock()).submitted == 0
        ended = state_of(bounded, unit)
        assert ended.state is UnitState.CANCELLED and ended.failure
        assert ended.failure.message.startswith("no run needs it any more")


class TestUnresponsiveProviders:
    """They do not delay others, and their pools are paused."""

    def test_hanging_provider_does_not_delay_others(
        self, bounded: Services, media: MediaInfo, vendor: Vendor
    ) -> None:
        class Other(VendorShots):
            name = "other-shots"

        with Vendor("hang") as hanging:
            slow = Other(VendorOptions(url=hanging.url, timeout_seconds=1, slots=CAP))
            both = replace(bounded, plugins={**bounded.plugins, "slow": slow})
            stuck = put_into_backlog(both, "acme", 3, media, provider="slow")
            units = put_into_backlog(both, "globex", 3, media, provider="with-token")
            round_ = make_round(both, both.clock())
        assert round_.submitted == 3
        assert [state_of(both, u).state for u in units] == [UnitState.RUNNING] * 3
        assert hanging.submissions.total() == 1
        assert state_of(both, stuck[0]).state.parked, "its run is held: the unit is deferred"
        assert [state_of(both, u).state for u in stuck[1:]] == [UnitState.QUEUED] * 2

    def test_lost_request_is_repeated_and_polled_at_once(
        self, bounded: Services, media: MediaInfo, vendor: Vendor
    ) -> None:
        (unit,) = put_into_backlog(bounded, "acme", 1, media, provider="with-token")
        vendor.behave("acme/v0000", "drop", "soon")
        assert make_round(bounded, bounded.clock()).submitted == 0
        assert state_of(bounded, unit).state.parked
        vendor.finish("acme/v0000")
        bounded.sleep(1.2)
        round_ = make_round(bounded, bounded.clock() + timedelta(seconds=1))
        assert round_.submitted == 1
        assert [u.id for u in round_.ready] == [unit.id]
        assert vendor.billed == {"acme/v0000": 1}


SUBMITTING_STEPS = ("planned", "opened", "submitting", "submitted")


class TestKilled:
    """SIGKILL at every step of a submission by the sweep."""

    @pytest.fixture
    def deployment(
        self, vendor: Vendor, mongo_uri: str, mongo_database: str, tmp_path: Path
    ) -> Callable[[bool], Deployment]:
        return lambda token: Deployment(
            mongo_uri, mongo_database, tmp_path, vendor.url, token, slots=1
        )

    @pytest.mark.parametrize("step", SUBMITTING_STEPS)
    def test_next_sweep_completes_submission_billed_once(
        self,
        deployment: Callable[[bool], Deployment],
        services: Services,
        media: MediaInfo,
        vendor: Vendor,
        step: str,
    ) -> None:
        where = deployment(True)
        parts = services_of(where)
        first, second = put_into_backlog(parts, "acme", 2, media, provider="vendor")
        assert Runs(where).sweep(kill_at=step)
        parts.sleep(0.6)  # its lease expires
        make_round(parts, parts.clock())
        unit = state_of(parts, first)
        assert unit.state is UnitState.RUNNING and unit.job in vendor.jobs
        assert vendor.billed == {"acme/v0000": 1}
        assert state_of(parts, second).state is UnitState.QUEUED
        vendor.finish("acme/v0000")
        make_round(parts, parts.clock() + timedelta(minutes=1))
        assert state_of(parts, second).state is UnitState.RUNNING
        used = parts.catalog.admissions.used(datetime.now(UTC).date(), project="acme")
        assert used == 2 * media.duration.__ceil__()
        (pool,) = parts.catalog.admissions.pools()
        assert [slot.unit for slot in pool.holders] == [second.id]
        parts.catalog.close()

    @pytest.mark.parametrize("step", SUBMITTING_STEPS)
    def test_without_token_request_is_made_once_or_in_doubt(
        self,
        deployment: Callable[[bool], Deployment],
        deliver: Deliver,
        vendor: Vendor,
        step: str,
    ) -> None:
        where = deployment(False)
        parts = services_of(where)
        key = deliver("acme/v0000")
        record = parts.of("acme").videos.get("v0000")
        assert record is not None and record.media is not None
        (unit,) = put_into_backlog(parts, "acme", 1, record.media, provider="vendor")
        assert Runs(where).sweep(kill_at=step)
        parts.sleep(0.6)
        round_ = make_round(parts, parts.clock())
        if step in ("planned", "opened"):
            assert state_of(parts, unit).state is UnitState.RUNNING
        else:
            assert state_of(parts, unit).state is UnitState.RETURNED, "its run is woken"
            assert [u.id for u in round_.ready] == [unit.id]
            assert "video-pipeline release" in shots(parts, key).message
            assert state_of(parts, unit).state is UnitState.IN_DOUBT
        assert vendor.submissions["acme/v0000"] <= 1
        parts.catalog.close()


class TestInterrupted:
    """Requests of a process that died: all are completed, and none delays the others."""

    def interrupt(self, services: Services, unit: WorkUnit, *states: UnitState) -> None:
        units = services.of(unit.request.key.project).units
        for state in states:
            unit = bring_to(units, unit, state, services.clock())

    def test_unrepeatable_requests_do_not_delay_later_one(
        self, bounded: Services, media: MediaInfo, vendor: Vendor
    ) -> None:
        stuck = put_into_backlog(bounded, "acme", 101, media, provider="without-token")
        for one in stuck:
            self.interrupt(bounded, one, UnitState.SUBMITTING)
        (unit,) = put_into_backlog(bounded, "acme", 1, media, provider="with-token")
        self.interrupt(bounded, unit, UnitState.SUBMITTING)
        assert make_round(bounded, bounded.clock()).submitted == 1
        assert state_of(bounded, unit).state is UnitState.RUNNING
        assert state_of(bounded, stuck[0]).state is UnitState.SUBMITTING

    def test_refused_unit_is_requeued_after_crash(
        self, bounded: Services, media: MediaInfo, vendor: Vendor
    ) -> None:
        (unit,) = put_into_backlog(bounded, "acme", 1, media, provider="with-token")
        self.interrupt(bounded, unit, UnitState.SUBMITTING, UnitState.PLANNED)
        assert not state_of(bounded, unit).state.parked
        assert make_round(bounded, bounded.clock()).submitted == 1
        assert state_of(bounded, unit).state is UnitState.RUNNING
