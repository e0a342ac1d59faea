"""Which cuts and transitions bound shots, as a table."""

import pytest

from video_pipeline.providers.local.shots.cuts import Cut
from video_pipeline.providers.local.shots.transitions.boundaries import apart, settled
from video_pipeline.providers.local.shots.transitions.extent import Transition
from video_pipeline.providers.local.shots.transitions.plain import Plain

_FRAMES = 300
_BLACK = Plain(100, 130, black=True, interrupts=False)
_BACK = Plain(100, 130, black=False, interrupts=True)
_START, _END = (Plain(a, b, black=True, interrupts=False) for a, b in ((0, 30), (270, 300)))
_OUT, _IN = Transition(80, 99, "fade"), Transition(130, 149, "fade")
_DISSOLVE = Transition(100, 119, "dissolve")

CASES = [
    pytest.param([(50, 9)], [], [], [50], 0, id="a cut"),
    pytest.param([], [_DISSOLVE], [], [110], 1, id="a dissolve, at its middle"),
    pytest.param([(50, 9)], [Transition(47, 53, "dissolve")], [], [50], 0, id="sight of a cut"),
    pytest.param([(105, 3)], [_DISSOLVE], [], [110], 1, id="weak cut within a dissolve"),
    pytest.param([], [Transition(60, 60, "cut")], [], [60], 0, id="cut that the network found"),
    pytest.param([], [_OUT, _IN], [_BLACK], [115], 1, id="fade out and in is one boundary"),
    pytest.param([(130, 9)], [_OUT], [_BLACK], [130], 1, id="fade out, then a shot at once"),
    pytest.param([(100, 9), (130, 9)], [], [_BLACK], [130], 0, id="black between two shots"),
    pytest.param([(100, 9), (130, 9)], [], [_BACK], [], 0, id="colour that interrupts a shot"),
    pytest.param([], [Transition(30, 49, "fade")], [_START], [], 1, id="fade in at the start"),
    pytest.param([], [Transition(250, 269, "fade")], [_END], [], 1, id="fade out at the end"),
    pytest.param([(30, 9)], [], [_START], [], 0, id="black, then the first shot"),
    pytest.param([(270, 9)], [], [_END], [], 0, id="black after the last shot"),
    pytest.param([], [], [Plain(0, 300, black=True, interrupts=False)], [], 0, id="all black"),
]


@pytest.mark.parametrize(("cuts", "transitions", "plain", "boundaries", "kept"), CASES)
def test_boundaries_of_cuts_and_transitions(
    cuts: list[tuple[int, float]],
    transitions: list[Transition],
    plain: list[Plain],
    boundaries: list[int],
    kept: int,
) -> None:
    found, gradual = settled([Cut(*one) for one in cuts], transitions, plain, _FRAMES)
    assert list(found) == boundaries
    assert len(gradual) == kept


def test_boundaries_are_apart_and_cuts_go_first() -> None:
    found = apart({1: "cut", 50: "dissolve", 52: "cut", 55: "cut", 56: "cut"}, least=3)
    assert list(found) == [(52, "cut"), (55, "cut")]
