"""Words against speech activity: nothing over speech, words over none, speech without words."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.truth.listing import listed, seconds
from video_pipeline.pipeline.truth.words import Spoken

# Seconds of speech over which an empty transcript is no answer. A detector of speech takes shouts
# and singing for up to a second of speech.
_EMPTY = 3.0
# Seconds that a word may lie beside speech, and how many words or seconds in a row are too much.
_BESIDE, _WORDS, _SECONDS = 0.5, 3, 2.0
# Seconds around each word in which speech is covered, and how long it may be uncovered.
_COVERS, _UNCOVERED = 1.0, 4.0


def heard(spoken: Spoken, speech: tuple[TimeRange, ...]) -> Iterator[Finding]:
    """Yield what the words contradict in the speech that was heard."""
    starts = np.array([float(one.start) for one in speech])
    ends = np.array([float(one.end) for one in speech])
    if len(spoken.texts):
        yield from listed(FindingKind.WORDS_WITHOUT_SPEECH, _invented(spoken, starts, ends))
        yield from listed(FindingKind.SPEECH_WITHOUT_WORDS, _uncovered(spoken, starts, ends))
    elif (total := float((ends - starts).sum())) >= _EMPTY:
        what = f"no word, and {total:.0f} s of speech are heard"
        range = seconds(starts[0], ends[-1])
        yield Finding(kind=FindingKind.EMPTY_OVER_SPEECH, what=what, range=range)


def _invented(
    spoken: Spoken, starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> Iterator[tuple[str, TimeRange]]:
    """Yield each run of words beside which no speech is heard."""
    next_end = np.searchsorted(ends, spoken.starts - _BESIDE, "right")
    next_start = np.append(starts, np.inf)[next_end]
    silent = np.concatenate([[False], next_start > spoken.ends + _BESIDE, [False]])
    for first, after in np.flatnonzero(np.diff(silent.astype(np.int8))).reshape(-1, 2):
        start, end = float(spoken.starts[first]), float(spoken.ends[first:after].max())
        # A segment without words counts as many.
        words = sum(len(text.split()) for text in spoken.texts[first:after])
        if words >= _WORDS or end - start >= _SECONDS:
            yield f"{words} words, and no speech is heard", seconds(start, end)


def _uncovered(
    spoken: Spoken, starts: NDArray[np.float64], ends: NDArray[np.float64]
) -> Iterator[tuple[str, TimeRange]]:
    """Yield each stretch between words in which speech is heard for long."""
    order = np.argsort(spoken.starts, kind="stable")
    until = np.maximum.accumulate(spoken.ends[order]) + _COVERS
    gap_starts = np.concatenate([[-np.inf], until])
    gap_ends = np.append(spoken.starts[order] - _COVERS, np.inf)
    for gap_start, gap_end in zip(gap_starts, gap_ends, strict=True):
        if gap_end <= gap_start:
            continue
        lasts = np.minimum(ends, gap_end) - np.maximum(starts, gap_start)
        within = lasts > 0
        if (total := float(lasts[within].sum())) >= _UNCOVERED:
            start = max(float(starts[within][0]), gap_start)
            end = min(float(ends[within][-1]), gap_end)
            yield f"{total:.0f} s of speech without a word", seconds(start, end)
