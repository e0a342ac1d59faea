"""What a phase that cannot start waits for."""

import pytest

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.progress.outcome import Outcome, waiting_for


def ended(phase: Phase, state: PhaseState, message: str = "") -> Outcome:
    return Outcome(phase=phase, state=state, message=message)


DONE = ended(Phase.AUDIO, PhaseState.DONE)
NO_MEDIA = ended(Phase.MEDIA_INFO, PhaseState.FAILED, "a.mp4: no video. Deliver one.")
BROKEN = tuple(
    ended(phase, PhaseState.FAILED, "cannot be decoded. Deliver it again.")
    for phase in (Phase.SHOTS, Phase.EVENTS)
)
PARKED = ended(Phase.TRANSCRIPT, PhaseState.PARKED, "job 7 is running")


@pytest.mark.parametrize(
    ("phase", "outcomes", "message"),
    [
        (
            Phase.SHOTS,
            [NO_MEDIA],
            "waits for media_info, which failed: a.mp4: no video. Deliver one",
        ),
        (
            Phase.EXPORTS,
            [DONE, *BROKEN, PARKED],
            "waits for shots, events, which failed: cannot be decoded. Deliver it again; "
            "transcript, which is parked: job 7 is running",
        ),
    ],
)
def test_waiting_for_names_phase_and_reason(
    phase: Phase, outcomes: list[Outcome], message: str
) -> None:
    waiting = waiting_for(phase, outcomes)
    assert waiting == Outcome(phase=phase, state=PhaseState.WAITING, message=message)


@pytest.mark.parametrize(
    ("phase", "outcomes"),
    [
        (Phase.SCENES, [DONE]),
        (Phase.AUDIO, [PARKED]),
        (Phase.SOURCE_VIDEO, [NO_MEDIA]),
        (Phase.SHOTS, [ended(Phase.MEDIA_INFO, PhaseState.CANCELLED, "the source is gone")]),
    ],
)
def test_waiting_for_nothing_is_none(phase: Phase, outcomes: list[Outcome]) -> None:
    assert waiting_for(phase, outcomes) is None
