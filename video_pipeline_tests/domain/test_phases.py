"""The phases: one spec each, in an order in which all can be made."""

import pytest

from video_pipeline.domain.phases import (
    PHASES,
    SERVED,
    STEPS,
    TEMPORAL,
    Phase,
    downstream,
    phase_of,
    phases_of,
)
from video_pipeline.domain.results.markers import Kind


def test_phases_have_one_spec_each() -> None:
    assert set(PHASES) == set(Phase)


def test_phase_follows_all_that_it_needs() -> None:
    order = list(PHASES)
    for phase, spec in PHASES.items():
        assert all(order.index(need) < order.index(phase) for need in spec.needs)


def test_steps_follow_the_steps_that_they_need() -> None:
    made = set[Phase]()
    for phases in STEPS.values():
        needed = {need for phase in phases for need in PHASES[phase].needs}
        assert needed <= made.union(phases)
        made |= set(phases)
    assert made == set(PHASES)


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        (set[Phase](), set[Phase]()),
        ({Phase.EXPORTS}, set[Phase]()),
        ({Phase.TIMELINE}, {Phase.EXPORTS}),
        ({Phase.SHOTS}, {Phase.PICTURES, Phase.SCENES, Phase.TIMELINE, Phase.EXPORTS}),
        ({Phase.SHOTS, Phase.SCENES}, {Phase.PICTURES, Phase.TIMELINE, Phase.EXPORTS}),
        ({Phase.AUDIO}, {Phase.TRANSCRIPT, Phase.SCENES, Phase.TIMELINE, Phase.EXPORTS}),
        ({Phase.SOURCE_VIDEO}, set(Phase) - {Phase.SOURCE_VIDEO}),
    ],
)
def test_downstream_is_transitive(phases: set[Phase], expected: set[Phase]) -> None:
    assert downstream(frozenset(phases)) == expected


@pytest.mark.parametrize("phase", Phase)
def test_downstream_of_downstream_is_downstream(phase: Phase) -> None:
    below = downstream(frozenset({phase}))
    assert downstream(below) <= below


def test_served_phases_read_a_stream() -> None:
    assert Phase.TRANSCRIPT in SERVED and Phase.PICTURES not in SERVED
    assert all(PHASES[phase].stream for phase in SERVED)


@pytest.mark.parametrize("kind", Kind)
def test_kind_belongs_to_exactly_one_temporal_phase(kind: Kind) -> None:
    declared = [phase for phase, spec in PHASES.items() if kind in spec.kinds]
    assert declared == [phase_of(kind)]
    assert declared[0] in TEMPORAL


@pytest.mark.parametrize(
    ("kind", "phase"),
    [
        ("shot", Phase.SHOTS),
        ("scene", Phase.SCENES),
        ("face", Phase.OBJECTS),
        ("silence", Phase.EVENTS),
        ("x-logo", Phase.EVENTS),
    ],
)
def test_phase_of_kind(kind: str, phase: Phase) -> None:
    assert phase_of(kind) is phase


def test_phases_of_kinds_are_unique_and_speech_without_kinds() -> None:
    assert phases_of(["face", "shot", "label"]) == (Phase.OBJECTS, Phase.SHOTS)
    assert phases_of([]) == (Phase.TRANSCRIPT,)
