"""How Whisper is asked, and asked again for a window in which it lost the thread.

Nothing is sampled: the same audio gives the same words, whenever it is asked. The library's own
fallback samples, from a generator that no caller can seed again.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from video_pipeline.plugins.inputs import AUDIO_RATE
from video_pipeline.providers.local.speech.loops import Said, find_loop

# Samples of a frame, in which windows are counted, and of a window of 30 s.
_FRAME = AUDIO_RATE // 100
_WINDOW = 30 * AUDIO_RATE
# Three words that were said may not be said again by the second attempt.
_NO_REPEAT = 3
# It is believed where it is likely enough (the library's own limit) and repeats next to nothing.
_LIKELY = -1.0
_REPEATS = 4
# Windows that vote where the first one's language is doubtful.
_VOTERS = 3


def transcribe(
    whisper: Any, samples: NDArray[np.float32], language: str | None, beam_size: int
) -> tuple[Iterable[Any], Any]:
    """Return the library's segments, as they are found, and its facts."""
    ask = partial(
        whisper.transcribe,
        beam_size=beam_size,
        word_timestamps=True,
        temperature=0.0,
        # A window that went wrong must not be carried into the next one.
        condition_on_previous_text=False,
        language_detection_segments=_VOTERS,
    )
    segments, info = ask(samples, language=language)
    again = partial(ask, language=info.language, no_repeat_ngram_size=_NO_REPEAT)
    return _sound(segments, samples, again), info


def _sound(segments: Iterable[Any], samples: NDArray[np.float32], again: Any) -> Iterator[Any]:
    """Yield the segments, window by window; those of a loop as a second attempt finds them."""
    for seek, window in groupby(segments, key=attrgetter("seek")):
        heard = list(window)
        if find_loop(_said(heard)) is None:
            yield from heard
            continue
        first = seek * _FRAME
        retold = list(again(samples[first : first + _WINDOW])[0])
        yield from _shifted(retold, first / AUDIO_RATE) if _believed(retold) else heard


def _believed(segments: Sequence[Any]) -> bool:
    likely = all(segment.avg_logprob > _LIKELY for segment in segments)
    return bool(segments) and likely and find_loop(_said(segments), _REPEATS) is None


def _said(segments: Iterable[Any]) -> list[Said]:
    return [
        Said(word.word, float(word.start), float(word.end))
        for segment in segments
        for word in segment.words or ()
    ]


def _shifted(segments: Iterable[Any], by: float) -> Iterator[Any]:
    """Yield the segments of a part of the samples, on the clock of the whole."""
    for segment in segments:
        for one in (segment, *(segment.words or ())):
            one.start, one.end = float(one.start) + by, float(one.end) + by
        yield segment
