"""The ledger as a person looks through it: a unit by its id, pages over projects, sums."""

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
    """Three jobs that run, of two projects, in order."""
    for key in KEYS:
        analyse(services, deliver(key), [Phase.SHOTS])
    return [u for p in ("acme", "globex") for u in services.of(p).units.listing(WANTED)]


def test_pages_go_through_the_projects_and_end(services: Services, units: list[WorkUnit]) -> None:
    found: list[WorkUnit] = []
    after: str | None = None
    for _ in units:
        page = list_units(services, WANTED, after=after, limit=1)
        found += page.units
        after = page.after
    assert after is None and found == units
    assert list_units(services, WANTED, limit=3).after is None


def test_of_one_project_only_its_own_are_told(services: Services, units: list[WorkUnit]) -> None:
    page = list_units(services, WANTED, "globex")
    assert [str(unit.request.key) for unit in page.units] == ["globex/one"]
    assert find_unit(services, units[0].id, "acme") == units[0]
    with pytest.raises(InputError, match="globex"):
        find_unit(services, units[0].id, "globex")
    with pytest.raises(InputError, match="no such work unit"):
        list_units(services, WANTED, "globex", after=units[0].id)


def test_sums_are_those_of_all_projects(services: Services, units: list[WorkUnit]) -> None:
    (one,) = sum_units(services, WANTED)
    assert (one.provider, one.state, one.units) == ("with-token", UnitState.RUNNING, 3)
    assert sum(usage.quantity for usage in one.planned) == 3 * units[0].planned[0].quantity
    (of_acme,) = sum_units(services, WANTED, "acme")
    assert of_acme.units == 2
    assert sum_units(services, UnitFilter(states=UNDER_WAY, provider="speech")) == ()


@pytest.mark.parametrize(
    ("meter", "quantity", "paid", "told"),
    [
        (Meter.VIDEO_SECONDS, "150", True, "2.5 min paid"),
        (Meter.AUDIO_SECONDS, "1", False, "0.02 min"),
        (Meter.REQUESTS, "3", True, "3 requests paid"),
        (Meter.TOKENS_IN, "1200000", True, "1.2e+06 tokens in paid"),
    ],
)
def test_quantities_in_words(meter: Meter, quantity: str, paid: bool, told: str) -> None:
    usage = Usage(meter=meter, quantity=Fraction(quantity), paid=paid)
    assert quantity_of((usage,)) == told
    assert quantity_of(()) == ""
