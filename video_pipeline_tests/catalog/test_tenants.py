"""Nothing that belongs to one project is seen, changed or written through another's half."""

from collections.abc import Callable
from datetime import datetime, timedelta
from fractions import Fraction

import pytest

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.errors import CatalogError, IdentityError
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.results.transcript import Segment
from video_pipeline.domain.source import Rejection, Source
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.work import UnitFilter, UnitState, WorkRequest

SECOND = TimeRange(start=Fraction(0), end=Fraction(1))


def fill(half: ProjectCatalog, source: Source, request: WorkRequest, now: datetime) -> None:
    half.videos.register(source, now)
    rejected = Rejection(project=half.project, object_key="k", reason=half.project, at=now)
    half.videos.reject(rejected)
    half.events.record("film", Phase.SHOTS, PhaseState.RUNNING, now, message=half.project)
    rows = [Marker(kind="shot", range=SECOND, label=half.project)]
    half.results.publish("film", PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE), rows)
    said = [Segment(text=half.project, range=SECOND)]
    transcript = PhaseResult(phase=Phase.TRANSCRIPT, state=PhaseState.DONE)
    half.results.publish("film", transcript, said)
    unit = half.units.open(request, 0, (), now)
    unit = half.units.begin(unit, now, parked=False)
    half.units.accept(unit, "job-1", now, now)


@pytest.fixture
def filled(
    acme: ProjectCatalog,
    source: Callable[..., Source],
    request_for: Callable[..., WorkRequest],
    now: datetime,
) -> WorkRequest:
    """All that a project can keep, kept by acme."""
    fill(acme, source(), request_for(), now)
    return request_for()


def test_another_project_sees_nothing(
    filled: WorkRequest, acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    unit = acme.units.latest(filled)
    assert unit is not None
    assert globex.videos.get("film") is None
    assert globex.videos.listing() == [] == globex.videos.rejections()
    assert (globex.videos.delivered(["film"]), globex.videos.count_rejections()) == ({}, 0)
    assert not globex.standings.is_running()
    assert globex.standings.videos_in(*PhaseState) == set()
    assert globex.results.get("film", Phase.SHOTS) is None
    assert list(globex.results.markers("film")) == [] == list(globex.results.segments("film"))
    assert globex.results.statuses("film") == {}
    assert list(globex.results.all_statuses()) == []
    assert globex.events.after(0) == []
    assert globex.units.get(unit.id) is None
    assert globex.units.by_job("cloud", "job-1") is None
    assert globex.units.due(now) == [] == globex.units.of_video("film")
    assert globex.units.in_state(UnitState.RUNNING) == []
    every = UnitFilter(states=frozenset(UnitState))
    assert globex.units.listing(every) == [] == globex.units.listing(every, unit)
    assert globex.units.sums(every) == []


def test_another_project_changes_nothing(
    filled: WorkRequest, acme: ProjectCatalog, globex: ProjectCatalog, now: datetime
) -> None:
    unit = acme.units.latest(filled)
    assert unit is not None
    assert not globex.videos.set_sha256("film", "1", "cd" * 32)
    globex.videos.clear_rejection("k")
    assert globex.units.claim(unit.id, "me", timedelta(hours=1)) is None
    assert not globex.units.end(unit.id, now)
    with pytest.raises(CatalogError):
        globex.units.finish(unit, UnitState.FAILED, now, used=())
    assert acme.units.get(unit.id) == unit
    assert len(acme.videos.rejections()) == 1


def test_the_same_names_stand_side_by_side(
    filled: WorkRequest,
    acme: ProjectCatalog,
    globex: ProjectCatalog,
    source: Callable[..., Source],
    request_for: Callable[..., WorkRequest],
    now: datetime,
) -> None:
    fill(globex, source(project="globex"), request_for(project="globex"), now)
    for half in (acme, globex):
        assert [marker.label for marker in half.results.markers("film")] == [half.project]
        assert [segment.text for segment in half.results.segments("film")] == [half.project]
        assert [event.message for event in half.events.after(0)] == [half.project]
        assert [event.sequence for event in half.events.after(0)] == [1]
        unit = half.units.by_job("cloud", "job-1")
        assert unit is not None and unit.request.key.project == half.project


def test_what_belongs_to_another_project_is_refused(
    globex: ProjectCatalog,
    source: Callable[..., Source],
    request_for: Callable[..., WorkRequest],
    now: datetime,
) -> None:
    with pytest.raises(CatalogError, match="acme"):
        globex.videos.register(source(), now)
    with pytest.raises(CatalogError, match="acme"):
        globex.videos.reject(Rejection(project="acme", object_key="k", reason="", at=now))
    with pytest.raises(CatalogError, match="acme"):
        globex.units.open(request_for(), 0, (), now)
    with pytest.raises(CatalogError, match="acme"):
        globex.units.latest(request_for())


@pytest.mark.parametrize("name", ["", "Acme", "a/b", "../acme", "a" * 64, "acme\n"])
def test_project_view_requires_a_project_id(catalog: Catalog, name: str) -> None:
    with pytest.raises(IdentityError):
        catalog.project(name)
