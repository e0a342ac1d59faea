"""What a transcript shows by itself: loops, stretched words, ignored options, wrong times."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.truth.listing import listed, seconds

# How often a sequence of so many words must follow itself to be a loop. Speech repeats a word five
# times ("no, no, no"), a line of a song three times; a recogniser's loops fill half a minute.
_LOOPS = ((1, 8), (2, 6), (4, 5), (8, 4), (40, 3))
# Seconds that a word may last, and besides for each letter: "1,234,567" is one word.
_LONGEST_WORD, _LONGEST_LETTER = 2.5, 0.2
# Seconds that a word may reach out of its segment, and start before its predecessor.
_OUT_OF_SEGMENT, _BACK = 0.5, 0.05
# Below this the language is probably another one. Of excerpts of 1 to 4 s in five languages, a
# small local model was wrong in 6 of the 8 below it, and in 1 of the 105 above.
UNSURE = 0.5


@dataclass(frozen=True, slots=True)
class Spoken:
    """The words of a transcript as arrays. A segment without words counts as one stretch."""

    texts: Sequence[str]
    starts: NDArray[np.float64]
    ends: NDArray[np.float64]

    @classmethod
    def of(cls, transcript: Transcript) -> "Spoken":
        found = list(_spoken(transcript))
        return cls(
            [text for text, _ in found],
            np.array([float(range.start) for _, range in found]),
            np.array([float(range.end) for _, range in found]),
        )


def _spoken(transcript: Transcript) -> Iterator[tuple[str, TimeRange]]:
    for segment in transcript.segments:
        if segment.words:
            yield from ((word.text, word.range) for word in segment.words)
        elif segment.text.strip():
            yield segment.text, segment.range


def own_faults(transcript: Transcript, extent: TimeRange) -> Iterator[Finding]:
    """Yield the findings that need neither signals nor what was asked for."""
    yield from listed(FindingKind.LOOP, _loops(transcript))
    words = transcript.words
    yield from listed(FindingKind.STRETCHED_WORD, filter(None, map(_stretched, words)))
    segments = transcript.segments
    outside = (one for segment in segments for one in _outside(segment, extent))
    yield from listed(FindingKind.TIMES_OUTSIDE, outside)
    disordered = (one for segment in segments for one in _disordered(segment))
    yield from listed(FindingKind.OUT_OF_ORDER, disordered)


def ignored_options(
    transcript: Transcript, *, word_times: bool, speakers: bool, language: str | None
) -> Iterator[Finding]:
    """Yield what the plugin's options ask for and the transcript lacks.

    `language` is the one that was requested, None if it is detected.
    """
    spoken = [segment for segment in transcript.segments if segment.text.strip()]
    untimed = [segment for segment in spoken if not segment.words]
    if word_times and untimed:
        what = f"{len(untimed):,} of {len(spoken):,} segments have no times of words"
        yield Finding(kind=FindingKind.NO_WORD_TIMES, what=what, range=untimed[0].range)
    named = any(s.speaker or any(word.speaker for word in s.words) for s in spoken)
    if speakers and spoken and not named:
        what = "speakers were asked for, and none is named"
        yield Finding(kind=FindingKind.NO_SPEAKERS, what=what)
    sure = transcript.language_confidence
    if spoken and language is None and sure is not None and sure < UNSURE:
        what = f"the language {transcript.language} was detected with a confidence of {sure:.2f}"
        yield Finding(kind=FindingKind.UNSURE_LANGUAGE, what=what)


def within(transcript: Transcript, extent: TimeRange) -> Transcript:
    """Return the transcript with the times of words cut off at the video's end."""
    if all(word.range.within(extent) for word in transcript.words):
        return transcript
    segments = tuple(
        segment.model_copy(update={"words": tuple(_cut(word, extent) for word in segment.words)})
        for segment in transcript.segments
    )
    return transcript.model_copy(update={"segments": segments})


def _cut(word: Word, extent: TimeRange) -> Word:
    if word.range.within(extent):
        return word
    start, end = (
        min(max(moment, extent.start), extent.end) for moment in (word.range.start, word.range.end)
    )
    return word.model_copy(update={"range": TimeRange(start=start, end=end)})


def _stretched(word: Word) -> tuple[str, TimeRange] | None:
    lasts = float(word.range.duration)
    if lasts <= _LONGEST_WORD + _LONGEST_LETTER * max(0, len(word.text) - 8):
        return None
    return f"one word lasts {lasts:.1f} s", word.range


def _outside(segment: Segment, extent: TimeRange) -> Iterator[tuple[str, TimeRange]]:
    for word in segment.words:
        if not word.range.within(extent):
            yield "a word is outside the video", word.range
        elif (
            segment.range.start - word.range.start > _OUT_OF_SEGMENT
            or word.range.end - segment.range.end > _OUT_OF_SEGMENT
        ):
            yield "a word is outside its segment", word.range


def _disordered(segment: Segment) -> Iterator[tuple[str, TimeRange]]:
    for before, word in zip(segment.words, segment.words[1:], strict=False):
        if before.range.start - word.range.start > _BACK:
            yield "a word starts before the word before it", word.range


def _loops(transcript: Transcript) -> Iterator[tuple[str, TimeRange]]:
    """Yield each loop once, at the shortest period that it has."""
    tokens, ranges = _tokens(transcript)
    numbers = {token: number for number, token in enumerate(dict.fromkeys(tokens))}
    said = np.array([numbers[token] for token in tokens], np.int64)
    free = np.ones(len(said), bool)
    for first, after, period in _repetitions(said):
        if free[first:after].all():
            free[first:after] = False
            times = (after - first) // period
            words = "one word follows" if period == 1 else f"{period} words follow"
            start, end = ranges[first].start, max(ranges[first].end, ranges[after - 1].end)
            range = seconds(float(start), float(end))
            yield f"{words} {'itself' if period == 1 else 'themselves'} {times} times", range


def _tokens(transcript: Transcript) -> tuple[list[str], list[TimeRange]]:
    """Return the words without case and punctuation, each with where it is."""
    tokens, ranges = list[str](), list[TimeRange]()
    for segment in transcript.segments:
        timed = [(w.text, w.range) for w in segment.words] or [
            (text, segment.range) for text in segment.text.split()
        ]
        for text, range in timed:
            if plain := re.sub(r"[\W_]+", "", text.casefold()):
                tokens.append(plain)
                ranges.append(range)
    return tokens, ranges


def _repetitions(said: NDArray[np.int64]) -> Iterator[tuple[int, int, int]]:
    """Yield first, after and period of what repeats itself often enough, by period."""
    for period in range(1, min(_LOOPS[-1][0], len(said) // 2) + 1):
        times = next(times for longest, times in _LOOPS if period <= longest)
        same = np.concatenate([[False], said[period:] == said[:-period], [False]])
        borders = np.flatnonzero(np.diff(same.astype(np.int8)))
        for first, after in borders.reshape(-1, 2):
            if after - first >= period * (times - 1):
                yield int(first), int(after) + period, period
