"""Where speech is found, on the video's clock."""

from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from video_pipeline.domain.media import MediaInfo
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio
from video_pipeline.providers.local.speech.activity import speech_activity
from video_pipeline.providers.local.speech.pieces import pieces
from video_pipeline.samples import drawn, truth_of

Listen = Callable[[Path], tuple[MediaInfo, Audio]]

TALK, TRAILER = drawn()


@pytest.mark.parametrize(
    "late",
    [pytest.param(0, id="at once"), pytest.param(70, id="after a long silence")],
)
def test_activity_agrees_with_the_spoken_sentences(
    listen: Listen, tmp_path: Path, late: int
) -> None:
    """Silence before the talk does not make the network deaf, and the clock takes it back."""
    audio = listen(TALK)[1]
    path = tmp_path / "late.s16"
    with path.open("wb") as file:
        file.seek(2 * late * AUDIO_RATE)
        file.write(audio.path.read_bytes())
    found = speech_activity(
        Audio(path, late * AUDIO_RATE + audio.samples, audio.start - Fraction(late))
    )
    for spoken in truth_of(TALK).speech:
        within = [heard for heard in found if heard.overlaps(spoken.range)]
        assert abs(within[0].start - spoken.range.start) < Fraction(1, 4)
        assert abs(within[-1].end - spoken.range.end) < Fraction(1, 4)
    assert all(before.end < after.start for before, after in pairwise(found))


@pytest.mark.parametrize("samples", [0, 1, 512, 5 * AUDIO_RATE])
def test_silence_has_no_speech(tmp_path: Path, samples: int) -> None:
    path = tmp_path / "silence.s16"
    np.zeros(samples, "<i2").tofile(path)
    assert speech_activity(Audio(path, samples)) == ()


def test_music_has_no_speech(listen: Listen) -> None:
    assert speech_activity(listen(TRAILER)[1]) == ()


def test_piece_leads_back_to_the_times_of_the_audio(listen: Listen) -> None:
    """The middle of a word says which part it belongs to, and a word stays in its part."""
    audio = listen(TALK)[1]
    (piece,) = pieces(audio, speech_activity(audio)[:1])
    (first, after), *others = piece.parts
    assert not others
    assert piece.span(1.0, 1.25) == (1.0 + first / AUDIO_RATE, 1.25 + first / AUDIO_RATE)
    assert piece.span(after / AUDIO_RATE - 0.5, 99)[1] == round(after / AUDIO_RATE, 4)
    assert len(piece.read(audio)) == after - first
