"""Tests of finding, listing and summing work units."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import UnitFilter, UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.queries import (
    UNDER_WAY,
    find_unit,
    list_units,
    quantity_of,
    sum_units,
)
from video_pipeline.pipeline.services import Services

KEYS = ("acme/one", "acme/two", "globex/one")
WANTED = UnitFilter(states=UNDER_WAY)


@pytest.fixture
def units(services: Services, deliver: Callable[..., VideoKey]) -> list[WorkUnit]:
    """Return three units with running jobs, of two projects, in order."""
    for key in KEYS:
        analyse(services, deliver(key), [Phase.SHOTS])
    return [u for p in ("acme", "globex") for u in services.of(p).units.listing(WANTED)]


def test_list_units_pages_through_all_projects(services: Services, units: list[WorkUnit]) -> None:
    found: list[WorkUnit] = []
    after: str | None = None
    for _ in units:
        page = list_units(services.catalog, WANTED, after=after, limit=1)
        found += page.units
        after = page.after
    assert after is None and found == units
    assert list_units(services.catalog, WANTED, limit=3).after is None


def test_list_and_find_are_limited_to_one_project(
    services: Services, units: list[WorkUnit]
) -> None:
    page = list_units(services.catalog, WANTED, "globex")
    assert [str(unit.request.key) for unit in page.units] == ["globex/one"]
    assert find_unit(services.catalog, units[0].id, "acme") == units[0]
    with pytest.raises(InputError, match="globex"):
        find_unit(services.catalog, units[0].id, "globex")
    with pytest.raises(InputError, match="no such work unit"):
        list_units(services.catalog, WANTED, "globex", after=units[0].id)


def test_sum_units_adds_all_projects(services: Services, units: list[WorkUnit]) -> None:
    (one,) = sum_units(services.catalog, WANTED)
    assert (one.provider, one.state, one.units) == ("with-token", UnitState.RUNNING, 3)
    assert sum(usage.quantity for usage in one.planned) == 3 * units[0].planned[0].quantity
    (of_acme,) = sum_units(services.catalog, WANTED, "acme")
    assert of_acme.units == 2
    assert sum_units(services.catalog, UnitFilter(states=UNDER_WAY, provider="speech")) == ()


def test_quantity_of_sums_each_meter_for_people() -> None:
    paid = Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(13), paid=True)
    free = Usage(meter=Meter.REQUESTS, quantity=Fraction(1), paid=False)
    told = quantity_of((paid, free, paid))
    assert told == "1 request, not billed; 26 s of video, paid"
    assert quantity_of(()) == ""
