"""Tests of a catalogue that is new, or older than the outputs: what is stored is not paid again."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pymongo import MongoClient

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit, unit_id
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.existing_pages import Folder, generation_to_open
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline.plugins.base import Slots
from video_pipeline.storage.store import ProjectOutputs
from video_pipeline_tests.doubles.backups import NOTHING, Documents, dumped, load
from video_pipeline_tests.doubles.job_plugin import VendorShots
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
WHOLE, REQUESTED = Folder(whole=True), Folder(whole=False)
OURS = Folder(whole=False, forced_by="run-1")
SETTLED, FAILED = UnitState.SETTLED, UnitState.FAILED
RUNNING, IN_DOUBT = UnitState.RUNNING, UnitState.IN_DOUBT


def row(state: UnitState, generation: int = 0) -> WorkUnit:
    request = WorkRequest(
        key=VideoKey(project="acme", video="film"),
        content="5a" * 32,
        provider="vendor",
        plugin="vendor-shots",
        account="local",
        region="local",
        operation="analyse",
        phases=(Phase.SHOTS,),
        kinds=("shot",),
        parameters={},
        model="",
    )
    return WorkUnit(
        id=unit_id(request, generation),
        request=request,
        generation=generation,
        state=state,
        planned=(),
        created_at=NOW,
        updated_at=NOW,
    )


@pytest.mark.parametrize(
    ("latest", "newer", "expected", "why"),
    [
        (None, {}, 0, "nothing is known of it"),
        (None, {0: WHOLE}, 0, "its pages are adopted"),
        (None, {0: REQUESTED}, 0, "its request may have been made"),
        (None, {0: WHOLE, 1: REQUESTED}, 0, "whole pages are worth more than a later request"),
        (None, {0: WHOLE, 1: WHOLE, 2: REQUESTED}, 1, "the latest whole pages"),
        (None, {0: REQUESTED, 2: REQUESTED}, 2, "the latest request"),
        (row(FAILED), {}, 1, "the next generation"),
        (row(FAILED), {1: REQUESTED}, 1, "it was made after the backup"),
        (row(FAILED), {2: WHOLE}, 2, "generation 1 was refused and left nothing"),
        (row(RUNNING), {}, None, "the row is the latest"),
        (row(RUNNING), {1: REQUESTED}, 1, "the row has ended since, or 1 would not exist"),
        (row(IN_DOUBT), {1: WHOLE}, 1, "it was released after the backup"),
        (row(SETTLED), {}, None, "its pages are there"),
        (row(SETTLED), {1: WHOLE}, 1, "it was forced after the backup"),
        (row(SETTLED), {1: REQUESTED}, None, "its own pages are whole"),
    ],
)
def test_newest_stored_generation_is_continued(
    latest: WorkUnit | None, newer: Mapping[int, Folder], expected: int | None, why: str
) -> None:
    assert generation_to_open(latest, newer) == expected, why


@pytest.mark.parametrize(
    ("latest", "newer", "expected", "why"),
    [
        (None, {}, 0, "there is nothing to go past"),
        (None, {0: WHOLE}, 1, "stored pages are not what was asked for"),
        (None, {0: WHOLE, 1: REQUESTED}, 2, "the first generation without a folder"),
        (None, {1: WHOLE}, 0, "the same, before a later one"),
        (None, {0: WHOLE, 1: OURS}, 1, "this run has made its request already"),
        (row(SETTLED), {}, 1, "the next generation"),
        (row(SETTLED), {1: REQUESTED, 2: WHOLE}, 3, "the first one without a folder"),
        (row(SETTLED), {1: OURS}, 1, "this run has made its request already"),
        (row(FAILED), {1: WHOLE}, 2, "the first one without a folder"),
        (row(RUNNING), {}, None, "a request under way is joined"),
        (row(RUNNING), {1: WHOLE}, 2, "that request has ended since"),
    ],
)
def test_forced_request_goes_past_what_is_stored(
    latest: WorkUnit | None, newer: Mapping[int, Folder], expected: int | None, why: str
) -> None:
    assert generation_to_open(latest, newer, forced_by="run-1") == expected, why


@pytest.mark.parametrize(
    ("newer", "expected"), [({}, 1), ({1: REQUESTED}, 1), ({1: WHOLE, 2: REQUESTED}, 1)]
)
def test_lost_pages_are_replaced_by_stored_ones(newer: Mapping[int, Folder], expected: int) -> None:
    assert generation_to_open(row(SETTLED), newer, is_lost=True) == expected


@dataclass
class Video:
    """One video, its runs, and the backups of its catalogue."""

    services: Services
    deliver: Deliver
    vendor: Vendor
    database: Any
    key: VideoKey

    def run(self, forced_by: str = "", **changes: Any) -> Outcome:
        services = replace(self.services, **changes)
        outcomes = analyse(services, self.key, {Phase.SHOTS}, run_id="r", forced_by=forced_by)
        return outcomes[Phase.SHOTS]

    def run_until(self, step: str, forced_by: str = "") -> None:
        """Make a run that dies at a step."""

        def die(name: str) -> None:
            if name == step:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            self.run(forced_by, on_step=die)

    def backup(self) -> Documents:
        return dumped(self.database)

    def restore(self, backup: Documents = NOTHING) -> None:
        """Restore a backup of MongoDB, by default an empty one, and let the video arrive."""
        load(self.database, backup)
        self.deliver(str(self.key))

    @property
    def units(self) -> list[WorkUnit]:
        found = self.services.of(self.key.project).units.of_video(self.key.video)
        return sorted(found, key=lambda unit: unit.generation)

    @property
    def states(self) -> list[tuple[int, UnitState]]:
        return [(unit.generation, unit.state) for unit in self.units]

    @property
    def outputs(self) -> ProjectOutputs:
        return self.services.outputs.project(self.key.project)

    def raw(self, generation: int = 0) -> RawPages:
        request = self.units[0].request
        return RawPages(self.outputs, self.key, unit_id(request, generation))

    def forget_requests(self) -> None:
        """Delete every request.json, as none was written by earlier versions."""
        for stored in list(self.outputs.listing(self.key.raw_prefix)):
            if stored.key.endswith("request.json"):
                self.outputs.delete(stored.key)

    @property
    def asked(self) -> int:
        return self.vendor.submissions[str(self.key)]


@pytest.fixture
def database(mongo_uri: str, mongo_database: str) -> Iterator[Any]:
    with MongoClient[dict[str, Any]](mongo_uri, tz_aware=True) as client:
        yield client[mongo_database]


@pytest.fixture(params=["with-token", "without-token"])
def film(
    request: pytest.FixtureRequest,
    choosing: Choosing,
    deliver: Deliver,
    vendor: Vendor,
    database: Any,
) -> Video:
    """A video at a provider that recognises tokens, and at one that does not."""
    vendor.default = "now"
    services = choosing(Phase.SHOTS, request.param)
    return Video(services, deliver, vendor, database, deliver("acme/film"))


@pytest.fixture
def unsafe(choosing: Choosing, deliver: Deliver, vendor: Vendor, database: Any) -> Video:
    """A video at a provider that may bill a repeated request again."""
    services = choosing(Phase.SHOTS, "without-token")
    return Video(services, deliver, vendor, database, deliver("acme/film"))


@pytest.fixture
def tokened(services: Services, deliver: Deliver, vendor: Vendor, database: Any) -> Video:
    """A video at a provider that recognises tokens."""
    return Video(services, deliver, vendor, database, deliver("acme/film"))


def test_request_is_recorded_before_it_is_made(film: Video) -> None:
    film.run_until("submitting")
    record = film.raw().requested()
    assert record and (record.generation, record.forced_by) == (0, "") and film.asked == 0
    assert isinstance(record.request, dict) and record.request["provider"] == film.run().provider
    assert film.raw().requested() == record, "a repeated request is not recorded again"


def test_refused_request_leaves_no_record(film: Video) -> None:
    film.vendor.default = "refuse"
    film.run()
    assert film.states == [(0, FAILED)] and film.raw().requested() is None
    film.restore()
    film.vendor.default = "now"
    assert film.run().state is PhaseState.DONE and film.states == [(0, SETTLED)]


def test_deferred_request_leaves_no_record(film: Video) -> None:
    film.vendor.default = "full"
    assert film.run().state is PhaseState.PARKED
    assert film.states == [(0, UnitState.QUEUED)] and film.raw().requested() is None


def test_record_of_a_refused_request_proves_nothing(
    unsafe: Video, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(RawPages, "forget_request", lambda _: None)  # as if S3 failed
    unsafe.vendor.default = "full"
    assert unsafe.run().state is PhaseState.PARKED
    assert unsafe.states == [(0, UnitState.QUEUED)] and unsafe.raw().requested()
    unsafe.vendor.default = "now"
    assert unsafe.run().state is PhaseState.DONE and unsafe.states == [(0, SETTLED)]


@pytest.mark.parametrize("version", ["today's", "earlier, without request.json"])
def test_new_catalogue_adopts_stored_pages(film: Video, version: str) -> None:
    before = film.run()
    (made,) = film.units
    if version != "today's":
        film.forget_requests()
    film.restore()
    after = film.run()
    (unit,) = film.units
    assert after.state is PhaseState.DONE and after.result and before.result
    assert after.result.counts == before.result.counts
    assert (unit.id, unit.state, unit.settled) == (made.id, SETTLED, made.settled)
    assert film.asked == 1
    assert film.services.catalog.admissions.used(film.services.clock().date()) == 0


def test_older_catalogue_adopts_stored_pages(film: Video) -> None:
    film.run_until("opened")
    backup = film.backup()
    assert film.run().state is PhaseState.DONE
    film.restore(backup)
    assert film.run().state is PhaseState.DONE
    assert film.states == [(0, SETTLED)] and film.asked == 1


def test_other_projects_pages_are_not_adopted(film: Video) -> None:
    film.run()
    film.restore()
    other = replace(film, key=film.deliver("globex/film"))
    assert other.run().state is PhaseState.DONE and other.asked == 1


def test_forgotten_job_is_found_by_its_token(tokened: Video) -> None:
    job = tokened.run().job
    tokened.restore()
    assert tokened.run().job == job and tokened.vendor.billed["acme/film"] == 1
    tokened.vendor.finish("acme/film")
    assert tokened.run().state is PhaseState.DONE and tokened.states == [(0, SETTLED)]


def test_forgotten_request_without_token_is_in_doubt(unsafe: Video) -> None:
    unsafe.run()
    unsafe.restore()
    assert unsafe.run().state is PhaseState.FAILED
    assert unsafe.states == [(0, IN_DOUBT)] and unsafe.asked == 1
    (unit,) = unsafe.units
    assert unit.settled == unit.planned, "it may be billed"


def test_expired_token_is_in_doubt(tokened: Video) -> None:
    tokened.run()
    tokened.restore()
    days = timedelta(days=2)
    late = replace(tokened.services, clock=lambda: datetime.now(UTC) + days)
    assert replace(tokened, services=late).run().state is PhaseState.FAILED
    assert tokened.states == [(0, IN_DOUBT)] and tokened.asked == 1
    (unit,) = tokened.units
    assert unit.submitted_at and unit.submitted_at < late.clock() - days / 2


def test_request_after_backup_of_failed_row_is_continued(unsafe: Video) -> None:
    unsafe.vendor.default = "fail"
    unsafe.run()
    backup = unsafe.backup()
    assert unsafe.states == [(0, FAILED)]
    unsafe.vendor.default = "later"
    unsafe.run()
    unsafe.restore(backup)
    unsafe.run()
    assert unsafe.states == [(0, FAILED), (1, IN_DOUBT)] and unsafe.asked == 2


def test_row_that_ended_after_backup_is_ended(film: Video) -> None:
    film.vendor.default = "later"
    film.run()
    backup = film.backup()
    film.vendor.finish("acme/film")
    film.run()
    film.vendor.default = "now"
    assert film.run(forced_by="run-1").state is PhaseState.DONE
    film.restore(backup)
    assert film.run().state is PhaseState.DONE
    assert film.states == [(0, FAILED), (1, SETTLED)] and film.asked == 2
    assert film.units[0].settled == film.units[0].planned, "it was billed"


def test_forced_run_pays_again_with_new_catalogue(film: Video) -> None:
    film.run()
    for generation, run in enumerate(("run-1", "run-2"), 1):
        film.restore()
        assert film.run(forced_by=run).state is PhaseState.DONE
        assert film.states == [(generation, SETTLED)] and film.asked == generation + 1


def test_adopted_request_stays_that_of_the_run_that_forced_it(film: Video) -> None:
    film.run()
    film.run(forced_by="run-1")
    film.restore()
    film.run()
    assert film.run(forced_by="run-1").state is PhaseState.DONE
    assert film.states == [(1, SETTLED)] and film.asked == 2


@pytest.mark.parametrize("step", ["submitting", "stored", "settled"])
def test_forced_run_that_died_makes_one_request(tokened: Video, step: str) -> None:
    tokened.vendor.default = "now"
    tokened.run()
    backup = tokened.backup()
    tokened.run_until(step, forced_by="run-1")
    tokened.restore(backup)
    assert tokened.run(forced_by="run-1").state is PhaseState.DONE
    assert tokened.run(forced_by="run-1").state is PhaseState.DONE
    assert tokened.states == [(0, SETTLED), (1, SETTLED)]
    assert tokened.vendor.billed["acme/film"] == 2


def test_gap_of_refused_generation_is_passed(film: Video) -> None:
    film.vendor.behave("acme/film", "refuse", "now")
    film.run()
    film.run()
    assert film.states == [(0, FAILED), (1, SETTLED)]
    film.restore()
    assert film.run().state is PhaseState.DONE
    assert film.states == [(1, SETTLED)] and film.asked == 2


class _OneSlot(VendorShots):
    """The vendor with one slot, which another project's job holds."""

    def slots(self, operation: str) -> Slots:
        return Slots(shared_by="all", limit=1)


def test_backlog_of_older_catalogue_is_not_submitted(unsafe: Video) -> None:
    plugin = _OneSlot(unsafe.services.plugins["without-token"].options)
    services = replace(unsafe.services, plugins={"without-token": plugin})
    film, other = (
        replace(unsafe, services=services),
        replace(unsafe, services=services, key=unsafe.deliver("globex/film")),
    )
    other.run()
    assert film.run().state is PhaseState.PARKED and film.asked == 0, "no slot is free"
    backup = film.backup()
    film.vendor.finish("globex/film")
    make_round(services, services.clock() + timedelta(minutes=1))
    other.run()
    make_round(services, services.clock() + timedelta(minutes=1))
    assert film.asked == 1
    film.restore(backup)
    film.vendor.finish("globex/film")
    make_round(services, services.clock() + timedelta(minutes=1))
    other.run()
    ready = make_round(services, services.clock() + timedelta(minutes=1)).ready
    assert [unit.request.key for unit in ready] == [film.key], "a run decides"
    used = services.catalog.admissions.used(services.clock().date(), project="acme")
    assert used == 0, "no minutes are taken a second time"
    film.run()
    assert film.states == [(0, IN_DOUBT)] and film.asked == 1


class _Counting:
    """A project's outputs that count the calls below `_raw/`."""

    def __init__(self, outputs: ProjectOutputs, calls: list[str]) -> None:
        self._outputs, self._calls = outputs, calls

    def __getattr__(self, name: str) -> Any:
        made = getattr(self._outputs, name)

        def call(key: str, *more: Any) -> Any:
            if key.startswith("_raw/"):
                self._calls.append(name)
            return made(key, *more)

        return call if callable(made) else made


class _CountingStore:
    def __init__(self, services: Services) -> None:
        self._outputs, self.calls = services.outputs, list[str]()

    def project(self, project: str) -> Any:
        return _Counting(self._outputs.project(project), self.calls)


def test_new_video_costs_one_listing_and_one_record(film: Video) -> None:
    film.vendor.default = "later"
    store = _CountingStore(film.services)
    film.run(outputs=store)
    assert store.calls == ["listing", "writer"]
