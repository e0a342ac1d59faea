"""What the catalogue promises about what is due for videos, missing, removed or archived."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import Due, Known, Source, VideoRecord
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.work import WorkRequest

Sources = Callable[..., Source]
LAST = "\U0010ffff"


@pytest.fixture
def two(acme: ProjectCatalog, globex: ProjectCatalog, source: Sources, now: datetime) -> None:
    """The same video in two projects."""
    acme.videos.register(source(), now)
    globex.videos.register(source(project="globex"), now)


def known(half: ProjectCatalog) -> Known:
    (one,) = half.arrivals.known("", LAST)
    return one


def record(half: ProjectCatalog) -> VideoRecord:
    found = half.videos.get("film")
    assert found is not None
    return found


def test_range_of_keys_returns_its_videos(
    acme: ProjectCatalog, globex: ProjectCatalog, source: Sources, now: datetime
) -> None:
    for name in ("a", "a.b", "ab", "b"):
        acme.videos.register(source(name, version=name), now)
    folder = "projects/acme/videos/a/"
    assert [one.version for one in acme.arrivals.known(folder, folder + LAST)] == ["a"]
    assert {one.version for one in acme.arrivals.known(folder + "a.mp4", LAST)} == {"a", "ab", "b"}
    assert globex.arrivals.known("", LAST) == []


def test_missing_video_is_not_due_for_a_run(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    acme.arrivals.miss(known(acme), now)
    assert (acme.arrivals.due(Due.RUN, 10), acme.arrivals.count_due(Due.RUN)) == ([], 0)
    assert globex.arrivals.count_due(Due.RUN) == 1
    acme.arrivals.found(known(acme))
    assert acme.arrivals.count_due(Due.RUN) == 1


def test_postponed_run_is_due_once_the_video_is_found(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    (requested,) = acme.arrivals.due(Due.RUN, 10)
    assert acme.arrivals.postpone(requested, now + timedelta(seconds=1))
    assert not acme.arrivals.done(requested), "this arrival is another one now"
    assert acme.arrivals.count_due(Due.RUN) == 0
    acme.arrivals.found(known(acme))
    (again,) = acme.arrivals.due(Due.RUN, 10)
    assert again.arrived_at > requested.arrived_at
    assert record(globex).arrived_at == requested.arrived_at


def test_run_of_a_video_that_was_read_is_postponed_too(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    acme.videos.set_sha256("film", record(acme).source.version, "5a" * 32)
    assert acme.arrivals.done(record(acme))
    assert acme.arrivals.postpone(record(acme), now + timedelta(seconds=1))
    acme.arrivals.found(known(acme))
    assert [one.key.video for one in acme.arrivals.due(Due.RUN, 10)] == ["film"]
    assert known(globex).missing_since is None


def test_an_arrival_is_due_until_it_is_done(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog
) -> None:
    (due,) = acme.arrivals.due(Due.RUN, 10)
    assert due == record(acme)
    assert acme.arrivals.done(due)
    assert (acme.arrivals.due(Due.RUN, 10), acme.arrivals.count_due(Due.RUN)) == ([], 0)
    assert globex.arrivals.count_due(Due.RUN) == 1
    assert not acme.arrivals.done(due), "nothing was due any more"


def test_a_version_that_arrived_meanwhile_stays_due(
    two: None, acme: ProjectCatalog, source: Sources, now: datetime
) -> None:
    (due,) = acme.arrivals.due(Due.RUN, 10)
    acme.videos.register(source(version="2"), now + timedelta(seconds=1))
    assert not acme.arrivals.done(due)
    assert [one.source.version for one in acme.arrivals.due(Due.RUN, 10)] == ["2"]


def test_arrivals_are_listed_oldest_first(
    acme: ProjectCatalog, source: Sources, now: datetime
) -> None:
    for number, name in enumerate("cab"):
        acme.videos.register(source(name), now + timedelta(seconds=number))
    assert [one.key.video for one in acme.arrivals.due(Due.RUN, 2)] == ["c", "a"]


def test_missing_is_noted_once_and_cleared(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    acme.arrivals.miss(known(acme), now)
    acme.arrivals.miss(known(acme), now + timedelta(hours=1))
    assert known(acme).missing_since == now
    assert (acme.arrivals.missing(5), globex.arrivals.missing(5)) == (1, 0)
    acme.arrivals.found(known(acme))
    assert (known(acme).missing_since, acme.arrivals.missing(5)) == (None, 0)


def test_removed_video_is_due_and_can_arrive_again(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog, source: Sources, now: datetime
) -> None:
    later = now + timedelta(hours=1)
    assert acme.arrivals.remove(known(acme), later)
    assert not acme.arrivals.remove(known(acme), later), "it is removed already"
    assert acme.arrivals.due(Due.RUN, 5) == []
    (removed,) = acme.arrivals.due(Due.REMOVAL, 5)
    assert removed.removed_at == later
    assert (acme.arrivals.present(), globex.arrivals.present()) == (0, 1)
    assert globex.arrivals.due(Due.REMOVAL, 5) == []

    assert acme.videos.register(source(), later), "the same version is there again"
    assert not acme.arrivals.done(removed) and not acme.arrivals.forget(removed)
    assert record(acme) == VideoRecord(source=source(), arrived_at=later, due=Due.RUN)


def test_remove_skips_a_version_that_was_not_read(
    two: None, acme: ProjectCatalog, source: Sources, now: datetime
) -> None:
    seen = known(acme)
    acme.videos.register(source(version="2"), now)
    assert not acme.arrivals.remove(seen, now)


def test_video_is_archived_until_restored_or_new_arrival(
    two: None, acme: ProjectCatalog, globex: ProjectCatalog, source: Sources, now: datetime
) -> None:
    before = record(acme)
    assert acme.arrivals.archive(before, now)
    assert not acme.arrivals.archive(before, now), "it has changed since"
    archived = record(acme)
    assert (archived.archived_at, archived.due) == (now, Due.ARCHIVAL)
    assert (record(globex).archived_at, record(globex).due) == (None, Due.RUN)
    assert acme.arrivals.restore(archived)
    assert (record(acme).archived_at, record(acme).due) == (None, Due.RESTORATION)
    acme.arrivals.archive(record(acme), now)
    acme.videos.register(source(version="2"), now)
    assert (record(acme).archived_at, record(acme).due) == (None, Due.RUN)


def test_remove_deletes_all_rows_but_keeps_the_ledger(
    acme: ProjectCatalog,
    globex: ProjectCatalog,
    source: Sources,
    request_for: Callable[..., WorkRequest],
    now: datetime,
) -> None:
    shot = Marker(kind="shot", range=TimeRange.model_validate({"start": 0, "end": 1}))
    for half, video in ((acme, "film"), (acme, "film2"), (globex, "film")):
        half.videos.register(source(video, half.project), now)
        half.results.publish(video, PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE), [shot])
        half.events.record(video, Phase.SHOTS, PhaseState.DONE, now)
        half.units.open(request_for(video, half.project), 0, (), now)
    (seen,) = (one for one in acme.arrivals.known("", LAST) if one.video == "film")
    acme.arrivals.remove(seen, now)
    acme.results.forget("film")
    assert acme.arrivals.forget(*acme.arrivals.due(Due.REMOVAL, 5))
    assert acme.videos.get("film") is None
    assert list(acme.results.markers("film")) == [] and acme.results.statuses("film") == {}
    assert [event.key.video for event in acme.events.after(0)] == ["film2"]
    assert len(acme.units.of_video("film")) == 1
    for half, video in ((acme, "film2"), (globex, "film")):
        assert len(list(half.results.markers(video))) == len(half.results.statuses(video)) == 1


def test_a_video_that_is_not_removed_is_not_forgotten(two: None, acme: ProjectCatalog) -> None:
    assert not acme.arrivals.forget(record(acme))


def test_documents_of_the_first_schema_are_not_due(
    two: None,
    acme: ProjectCatalog,
    catalog: Catalog,
    database: object,
    source: Sources,
    now: datetime,
) -> None:
    marks = {"due": "", "missing_since": "", "removed_at": "", "archived_at": ""}
    database["videos"].update_many({}, {"$unset": marks})  # pyright: ignore
    assert record(acme) == VideoRecord(source=source(), arrived_at=now)
    assert (known(acme).due, known(acme).removed_at) == (None, None)
    acme.arrivals.miss(known(acme), now)
    assert acme.arrivals.missing(5) == 1
    assert acme.arrivals.remove(known(acme), now)
