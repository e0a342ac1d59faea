"""Who is next: nobody is passed over for what others have waiting, and what counts as paid."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.fair_turns import Turn, paid_seconds, place_of, turns
from video_pipeline.domain.usage import Meter, Usage

START = datetime(2026, 11, 24, tzinfo=UTC)
TURNS = st.builds(
    Turn,
    waiting=st.integers(0, 12),
    held=st.integers(0, 12),
    served=st.none() | st.integers(0, 5).map(lambda hours: START + timedelta(hours=hours)),
)
PROJECTS = st.dictionaries(st.sampled_from("abcde"), TURNS, max_size=5)


@given(PROJECTS)
def test_each_waiting_unit_gets_one_turn(projects: dict[str, Turn]) -> None:
    served = Counter(turns(projects))
    assert served == Counter({name: turn.waiting for name, turn in projects.items()})


@given(PROJECTS)
def test_next_project_holds_fewest_units(
    projects: dict[str, Turn],
) -> None:
    left = {name: turn.waiting for name, turn in projects.items()}
    held = {name: turn.held for name, turn in projects.items()}
    last = {n: t.served.timestamp() if t.served else float("-inf") for n, t in projects.items()}
    for number, name in enumerate(turns(projects)):
        waiting = [one for one, count in left.items() if count]
        assert (held[name], last[name]) == min((held[one], last[one]) for one in waiting)
        left[name] -= 1
        held[name] += 1
        last[name] = START.timestamp() * 2 + number


def test_large_project_does_not_delay_a_small_one() -> None:
    projects = {"acme": Turn(waiting=1000, held=20), "globex": Turn(waiting=1)}
    assert next(turns(projects)) == "globex"
    assert place_of(projects, "globex", 1) == 1
    assert place_of(projects, "acme", 1000) == 1001


@given(PROJECTS)
def test_places_are_those_of_the_turns(projects: dict[str, Turn]) -> None:
    order = list(turns(projects))
    for name, turn in projects.items():
        places = [place_of(projects, name, number + 1) for number in range(turn.waiting)]
        assert [order[place - 1] for place in places] == [name] * turn.waiting
        assert places == sorted(set(places))


def test_place_of_raises_without_waiting_units() -> None:
    with pytest.raises(ValueError, match="acme"):
        place_of({"acme": Turn(waiting=1)}, "acme", 2)


def test_only_paid_seconds_count_once_per_analysis() -> None:
    planned = [
        Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(90), paid=True),
        Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(90), paid=True),
        Usage(meter=Meter.AUDIO_SECONDS, quantity=Fraction(15), paid=True),
        Usage(meter=Meter.AUDIO_SECONDS, quantity=Fraction(700), paid=False),
        Usage(meter=Meter.REQUESTS, quantity=Fraction(5), paid=True),
    ]
    assert paid_seconds(planned) == 195
