"""Sound lands where its timestamps say, as far as they can be believed."""

from hypothesis import example, given
from hypothesis import strategies as st

from video_pipeline.media.child.placement import (
    LONGEST_WAIT_SECONDS,
    MOST_SILENCE_SECONDS,
    Placement,
)

RATE = 1000
BOUND = 100 * RATE


def placed(*stretches: tuple[int, int], bound: int = BOUND) -> tuple[Placement, list[int]]:
    """Stretches of (claimed position, samples); what of each is silence before it, and skipped."""
    placement, told = Placement(RATE, bound), list[int]()
    expected = 0
    for claimed, samples in stretches:
        if placement.breaks(expected, claimed):
            told.append(placement.stretch(claimed))
            expected = claimed
        else:
            told.append(0)
        placement.skipped(samples)
        expected += samples
    return placement, told


def test_consecutive_audio_is_joined():
    placement, silences = placed((0, 500), (510, 500), (990, 500))
    assert (placement.written, silences) == (1500, [0, 0, 0])


def test_gap_is_filled_with_silence():
    placement, silences = placed((0, 500), (800, 500))
    assert (placement.written, silences) == (1300, [0, 300])


def test_an_overlap_is_dropped():
    placement, _ = placed((0, 1000), (700, 1000))
    assert placement.written == 1700


def test_samples_before_zero_are_dropped():
    placement, _ = placed((-300, 1000))
    assert (placement.start, placement.written) == (0, 700)


def test_late_start_is_silence_or_an_offset():
    bound = 2 * LONGEST_WAIT_SECONDS * RATE
    late, very_late = LONGEST_WAIT_SECONDS * RATE, LONGEST_WAIT_SECONDS * RATE + 1
    placement, silences = placed((late, 10), bound=bound)
    assert (placement.start, silences) == (0, [late])
    placement, silences = placed((very_late, 10), bound=bound)
    assert (placement.start, placement.written, silences) == (very_late, very_late + 10, [0])


def test_position_past_the_bound_is_ignored():
    placement, silences = placed((0, 500), (BOUND + 1, 500), (1000, 500))
    assert (placement.written, silences) == (1500, [0, 0, 0])


def test_step_far_back_is_ignored():
    placement, _ = placed((0, 5000), (0, 5000))
    assert placement.written == 10_000


@example([(2**62 + 1, 1), (2**62 - 998, 1)])
@given(st.lists(st.tuples(st.integers(-(2**63), 2**63), st.integers(1, 5000)), min_size=1))
def test_silence_is_bounded_for_any_timestamps(stretches):
    placement, silences = placed(*stretches, bound=2**62)
    assert sum(silences) <= (MOST_SILENCE_SECONDS + LONGEST_WAIT_SECONDS) * RATE
    heard = placement.written - placement.start - sum(silences)
    assert 0 <= heard <= sum(samples for _, samples in stretches)
