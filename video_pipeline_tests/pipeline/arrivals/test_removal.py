"""The removal of a video: what each policy deletes and keeps, and recovery after a kill."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Due, Removal, VideoRecord
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.arrivals.look import Looks
from video_pipeline.pipeline.arrivals.removal import Allowance, carry_out, finish
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.read import read_source
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.store import StoredObject
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
ONE, NEIGHBOUR, OTHERS = "acme/one", "acme/one-more", "globex/one"


@pytest.fixture
def made(services: Services, deliver: Deliver, vendor: Vendor) -> Services:
    """Three videos with shots, raw pages and work units.

    One has the same name in another project, and one name begins with another.
    """
    for name in (ONE, NEIGHBOUR, OTHERS):
        vendor.behave(name, "now")
        analyse(services, deliver(name), [Phase.SHOTS])
        with services.outputs.project(name.split("/")[0]).writer(
            f"{VideoKey.parse(name).prefix}timeline.json"
        ) as writer:
            writer.write(b"{}")
    return services


def removed(services: Services, key: str = ONE) -> VideoRecord:
    """Mark the video as removed, and return its record."""
    parsed = VideoKey.parse(key)
    catalog = services.of(parsed.project)
    (known,) = catalog.arrivals.known(parsed.prefix, f"{parsed.prefix}\U0010ffff")
    assert catalog.arrivals.remove(known, services.clock())
    record = catalog.videos.get(parsed.video)
    assert record is not None
    return record


def having(services: Services, policy: Removal) -> Services:
    return replace(services, removals={"acme": policy})


def finished(services: Services, record: VideoRecord) -> bool:
    project = record.key.project
    return finish(services.of(project).arrivals, record, services.removal_of(project))


def left(services: Services, key: str = ONE) -> dict[str, bool]:
    """Return which data of a video still exists."""
    parsed = VideoKey.parse(key)
    catalog, outputs = services.of(parsed.project), services.outputs.project(parsed.project)
    return {
        "record": catalog.videos.get(parsed.video) is not None,
        "rows": any(catalog.results.markers(parsed.video)),
        "statuses": bool(catalog.results.statuses(parsed.video)),
        "outputs": any(outputs.listing(parsed.prefix)),
        "raw": any(outputs.listing(parsed.raw_prefix)),
        "ledger": bool(catalog.units.of_video(parsed.video)),
    }


EVERYTHING = dict.fromkeys(["record", "rows", "statuses", "outputs", "raw", "ledger"], True)


def everything_of_the_others_is_there(services: Services) -> bool:
    return all(left(services, key) == EVERYTHING for key in (NEIGHBOUR, OTHERS))


@pytest.mark.parametrize("policy", [Removal.KEEP, Removal.ARCHIVE])
def test_keep_and_archive_policy_delete_nothing(made: Services, policy: Removal) -> None:
    services = having(made, policy)
    record = removed(services)
    carry_out(services, record, Allowance())
    assert finished(services, record)
    assert left(services) == EVERYTHING
    after = services.of("acme").videos.get("one")
    archived = policy is Removal.ARCHIVE
    assert after and after.removed_at and after.due is (Due.ARCHIVAL if archived else None)
    assert (after.archived_at is not None) is archived


@pytest.mark.parametrize("policy", [Removal.KEEP, Removal.ARCHIVE])
def test_kept_video_has_no_open_or_failed_phase(made: Services, policy: Removal) -> None:
    services, key = having(made, policy), VideoKey.parse(ONE)
    report = Reporter(VideoRun.of(services, key))
    report.tell(Phase.OBJECTS, PhaseState.RUNNING)
    report.tell(Phase.EVENTS, PhaseState.FAILED, message="out of order")
    carry_out(services, removed(services), Allowance())
    statuses = services.of("acme").results.statuses("one")
    assert {phase: status.state for phase, status in statuses.items()} == {
        **dict.fromkeys((Phase.SOURCE_VIDEO, Phase.MEDIA_INFO, Phase.SHOTS), PhaseState.DONE),
        Phase.OBJECTS: PhaseState.CANCELLED,
        Phase.EVENTS: PhaseState.CANCELLED,
    }
    assert statuses[Phase.EVENTS].message == "the video was removed; failed before: out of order"


def test_delete_policy_keeps_units_and_other_videos(made: Services) -> None:
    services = having(made, Removal.DELETE)
    record = removed(services)
    carry_out(services, record, Allowance())
    assert finished(services, record)
    assert left(services) == dict.fromkeys(EVERYTHING, False) | {"ledger": True}
    assert everything_of_the_others_is_there(services)
    assert services.of("acme").arrivals.due(Due.REMOVAL, 9) == []


@pytest.mark.parametrize("survives", range(4))
def test_killed_removal_is_completed_by_the_next(
    made: Services, tmp_path: Path, survives: int
) -> None:
    services = having(made, Removal.DELETE)
    record = removed(services)
    with pytest.raises(Killed):
        carry_out(
            replace(services, outputs=Dying(tmp_path / "outputs", survives)), record, Allowance()
        )
    (due,) = services.of("acme").arrivals.due(Due.REMOVAL, 9)
    carry_out(services, due, Allowance())
    assert finished(services, due)
    assert left(services) == dict.fromkeys(EVERYTHING, False) | {"ledger": True}
    assert everything_of_the_others_is_there(services)


def test_deletion_continues_over_several_rounds(made: Services) -> None:
    services = having(made, Removal.DELETE)
    record = removed(services)
    portions = 1
    while not carry_out(services, record, Allowance(deletions=1)):
        portions += 1
    assert portions > 1
    assert finished(services, record)
    assert left(services) == dict.fromkeys(EVERYTHING, False) | {"ledger": True}


def test_allowance_is_shared_by_all_removals_of_a_round(made: Services) -> None:
    services = having(made, Removal.DELETE)
    records = [removed(services), removed(services, NEIGHBOUR)]
    outputs, (one, _) = services.outputs.project("acme"), (record.key for record in records)
    of_one = [*outputs.listing(one.prefix), *outputs.listing(one.raw_prefix)]
    allowance = Allowance(deletions=len(of_one) + 1)
    done = [carry_out(services, record, allowance) for record in records]
    assert done == [True, False] and allowance.is_spent


@pytest.mark.parametrize("listings", range(1, 5))
def test_removal_stops_if_the_video_arrives_again(
    made: Services, tmp_path: Path, listings: int
) -> None:
    services = having(made, Removal.DELETE)
    record = removed(services)
    new = f"{record.key.prefix}new.json"

    def arrives_anew() -> None:
        catalog = services.of("acme")
        catalog.videos.register(record.source, services.clock() + timedelta(seconds=1))
        catalog.events.record("one", Phase.SHOTS, PhaseState.RUNNING, services.clock())
        with services.outputs.project("acme").writer(new) as writer:
            writer.write(b"{}")

    overtaken = Overtaken(tmp_path / "outputs", listings, arrives_anew)
    assert not carry_out(replace(services, outputs=overtaken), record, Allowance())
    assert services.outputs.project("acme").stat(new)
    assert left(services)["statuses"] and not finished(services, record)


class Overtaken(FolderOutputs):
    """Outputs that call `then` at the listing of this number."""

    def __init__(self, root: Path, listings: int, then: Callable[[], None]) -> None:
        super().__init__(root)
        self._left, self._then = listings, then

    def project(self, project: str):
        outputs = super().project(project)
        listing = outputs.listing

        def overtaken(prefix: str) -> Iterator[StoredObject]:
            self._left -= 1
            if not self._left:
                self._then()
            return listing(prefix)

        outputs.listing = overtaken
        return outputs


class Killed(BaseException):
    """The process ends here."""


class Dying(FolderOutputs):
    """Outputs of a process that is killed after so many deletions."""

    def __init__(self, root: Path, survives: int) -> None:
        super().__init__(root)
        self._left = survives

    def project(self, project: str):
        outputs = super().project(project)
        delete = outputs.delete

        def dying(key: str) -> None:
            if not self._left:
                raise Killed
            self._left -= 1
            delete(key)

        outputs.delete = dying
        return outputs


@pytest.mark.parametrize("policy", list(Removal))
def test_removal_cancels_and_counts_parked_units(
    services: Services, deliver: Deliver, vendor: Vendor, policy: Removal
) -> None:
    for name in (ONE, OTHERS):
        analyse(services, deliver(name), [Phase.SHOTS])
    services = having(services, policy)
    record = removed(services)
    carry_out(services, record, Allowance())
    (unit,) = services.of("acme").units.of_video("one")
    assert unit.state is UnitState.CANCELLED and unit.settled == unit.planned
    (other,) = services.of("globex").units.of_video("one")
    assert other.state is UnitState.RUNNING


def test_removal_cancels_units_of_unavailable_provider(
    services: Services, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    def silent(*_: object) -> None:
        raise ConnectionError("no answer")

    analyse(services, deliver(ONE), [Phase.SHOTS])
    record = removed(services)
    monkeypatch.setattr(services.plugins["with-token"], "poll", silent)
    carry_out(services, record, Allowance())
    (unit,) = services.of("acme").units.of_video("one")
    assert unit.state is UnitState.CANCELLED


def test_removal_leaves_leased_unit_to_a_later_round(services: Services, deliver: Deliver) -> None:
    analyse(services, deliver(ONE), [Phase.SHOTS])
    record = removed(services)
    units = services.of("acme").units
    (unit,) = units.of_video("one")
    assert units.claim(unit.id, "a sweep elsewhere", timedelta(minutes=1))
    assert not carry_out(services, record, Allowance()), "it is still due"
    units.release(unit.id, "a sweep elsewhere")
    assert carry_out(services, record, Allowance())
    assert units.of_video("one")[0].state is UnitState.CANCELLED


def test_arrival_waits_for_deletion_of_removed_video(made: Services) -> None:
    services = having(made, Removal.DELETE)
    source = removed(services).source
    first = Looks(services, services.clock(), allowance=Allowance(deletions=1))
    first.into(source.object_key, {source.object_key: source.version})
    assert (first.arrived, first.pending) == ([], {source.object_key: source.version})
    second = Looks(services, services.clock())
    second.into(source.object_key, first.pending)
    assert second.arrived == [source.key]


def test_arrival_deletes_results_of_removed_video(
    made: Services,
) -> None:
    services = having(made, Removal.DELETE)
    record = removed(services)
    looks = Looks(services, services.clock())
    looks.into(record.source.object_key, {record.source.object_key: record.source.version})
    assert looks.arrived == [record.key]
    assert left(services) == dict.fromkeys(EVERYTHING, False) | {"ledger": True, "record": True}
    assert not finished(services, record), "another arrival than the removed one"
    assert everything_of_the_others_is_there(services)


def test_read_source_of_removed_video_raises(made: Services) -> None:
    record = removed(made)
    carry_out(made, record, Allowance())
    finished(made, record)
    with pytest.raises(SourceError, match="was removed"):
        read_source(record.key, made.ingest, made.of("acme").videos)
