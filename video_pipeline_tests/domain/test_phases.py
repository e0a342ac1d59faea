"""The road: every phase once, in an order in which all can be done."""

import pytest

from video_pipeline.domain.phases import ANALYSIS, ROAD, SERVED, Phase, downstream


def test_every_phase_is_on_the_road() -> None:
    assert list(ROAD) == list(dict.fromkeys(ROAD)) and set(ROAD) == set(Phase)


def test_each_phase_comes_after_what_it_hangs_on() -> None:
    order = list(ROAD)
    for phase, needs in ROAD.items():
        assert all(order.index(need) < order.index(phase) for need in needs)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        (set[Phase](), set[Phase]()),
        ({Phase.EXPORTS}, set[Phase]()),
        ({Phase.TIMELINE}, {Phase.EXPORTS}),
        ({Phase.SHOTS}, {Phase.SCENES, Phase.TIMELINE, Phase.EXPORTS}),
        ({Phase.SHOTS, Phase.SCENES}, {Phase.TIMELINE, Phase.EXPORTS}),
        ({Phase.AUDIO}, {Phase.TRANSCRIPT, Phase.SCENES, Phase.TIMELINE, Phase.EXPORTS}),
        ({Phase.SOURCE_VIDEO}, set(Phase) - {Phase.SOURCE_VIDEO}),
    ],
)
def test_downstream_is_all_that_hangs_on_it(phases: set[Phase], expected: set[Phase]) -> None:
    assert downstream(frozenset(phases)) == expected


def test_what_hangs_on_downstream_is_downstream() -> None:
    for phase in Phase:
        below = downstream(frozenset({phase}))
        assert downstream(below) <= below


def test_the_shared_step_and_the_served_phases_are_on_the_road() -> None:
    assert set(ANALYSIS) | set(SERVED) <= set(ROAD)
    assert Phase.TRANSCRIPT in SERVED and Phase.THUMBNAILS not in SERVED
