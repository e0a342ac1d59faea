"""Captions as cues: words in lines that fit a screen, at a speed that can be read.

Cues are made from the transcript's words, never from a provider's captions. A cue never spans two
segments, two speakers or a pause. Text that is too long for one cue is split, after a sentence or
a clause if one ends near the middle.
"""

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange

LINES = 2
WIDTH = 42  # columns of a line; a wide East Asian character takes two
LONGEST = Fraction(7)  # seconds of a cue
PAUSE = Fraction(1, 2)  # seconds of silence that begin a new cue
SHORTEST_MS = 1000  # unless the next cue begins earlier
GAP_MS = 80  # two frames without a cue, if there is time, so that a change is visible

_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！")
_CLAUSE_ENDS = (",", ";", ":", "–", "—", "、", "，", "；", "：")
_CLOSING = "\"'»”’)]」』"


@dataclass(frozen=True, slots=True)
class Cue:
    """One caption. Times are whole milliseconds, the end after the start."""

    start_ms: int
    end_ms: int
    lines: tuple[str, ...]
    speaker: str | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    """One word; `spaced` if a blank precedes it."""

    text: str
    start: Fraction
    end: Fraction
    speaker: str | None
    spaced: bool


def cues(transcript: Transcript) -> list[Cue]:
    """Return the cues of a transcript with all its words, ordered and without overlaps."""
    groups = [
        group
        for segment in transcript.segments
        for stretch in _stretches(_tokens(segment))
        for group in _fitting(stretch)
    ]
    return _timed(sorted(groups, key=_start))


def _tokens(segment: Segment) -> Iterator[_Token]:
    """Yield the segment's words. Its text shows where blanks separate them."""
    position = 0
    for word in segment.words or _spread(segment):
        at = position
        while segment.text[at : at + 1].isspace():
            at += 1
        follows = segment.text.startswith(word.text, at)
        spaced = at > position or not follows
        position = at + len(word.text) if follows else position
        if text := " ".join(word.text.split()):
            speaker = word.speaker or segment.speaker
            yield _Token(text, word.range.start, word.range.end, speaker, spaced)


def _spread(segment: Segment) -> Iterator[Word]:
    """Yield words for a segment without word times, each as long as its share of the text."""
    texts = segment.text.split()
    ends = list(accumulate(map(len, texts), initial=0))
    for text, (before, after) in zip(texts, pairwise(ends), strict=True):
        start, end = (
            segment.range.start + segment.range.duration * part / ends[-1]
            for part in (before, after)
        )
        yield Word(text=text, range=TimeRange(start=start, end=end))


def _stretches(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Yield runs of tokens of one speaker without a pause."""
    stretch: list[_Token] = []
    for token in tokens:
        if stretch and _must_break(stretch[-1], token):
            yield stretch
            stretch = []
        stretch.append(token)
    if stretch:
        yield stretch


def _must_break(before: _Token, after: _Token) -> bool:
    return before.speaker != after.speaker or after.start - before.end >= PAUSE


def _fitting(tokens: list[_Token]) -> Iterator[list[_Token]]:
    """Yield groups of tokens that each fit a cue."""
    if len(tokens) == 1 or _fits(tokens):
        yield tokens
        return
    at = _best_split(tokens)
    yield from _fitting(tokens[:at])
    yield from _fitting(tokens[at:])


def _fits(tokens: list[_Token]) -> bool:
    short = _end(tokens) - _start(tokens) <= LONGEST
    narrow = _width(_joined(tokens)) <= LINES * WIDTH + 1
    return short and narrow and _widest(_lines(tokens)) <= WIDTH


def _best_split(tokens: list[_Token]) -> int:
    """Return where to split: after a sentence, else after a clause, else in the middle."""
    count = len(tokens)
    candidates = range(max(1, count // 4), max(2, count - count // 4))
    return min(candidates, key=lambda at: (_weakness(tokens[at - 1]), abs(2 * at - count)))


def _weakness(token: _Token) -> int:
    text = token.text.rstrip(_CLOSING)
    if text.endswith(_SENTENCE_ENDS):
        return 0
    return 1 if text.endswith(_CLAUSE_ENDS) else 2


def _lines(tokens: list[_Token]) -> tuple[str, ...]:
    """Return one line, or two with the longer one as short as possible."""
    whole = _joined(tokens)
    if len(tokens) == 1 or _width(whole) <= WIDTH:
        return (whole,)
    splits = [(_joined(tokens[:at]), _joined(tokens[at:])) for at in range(1, len(tokens))]
    return min(splits, key=_widest)


def _widest(lines: Iterable[str]) -> int:
    return max(map(_width, lines))


def _joined(tokens: Iterable[_Token]) -> str:
    return "".join(" " * token.spaced + token.text for token in tokens).strip()


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(one) in "WF" for one in text)


def _timed(groups: list[list[_Token]]) -> list[Cue]:
    """Return cues from groups ordered by start. Each ends before the next one starts."""
    starts = list(accumulate(groups, _next_start, initial=-1))[1:]
    limits = [max(after - GAP_MS, start + 1) for start, after in pairwise([*starts, sys.maxsize])]
    return [
        Cue(start, _end_ms(group, start, limit), _lines(group), group[0].speaker)
        for group, start, limit in zip(groups, starts, limits, strict=True)
    ]


def _next_start(before: int, group: list[_Token]) -> int:
    return max(_milliseconds(_start(group)), before + 1)


def _end_ms(group: list[_Token], start: int, limit: int) -> int:
    wished = max(_milliseconds(_end(group)), start + SHORTEST_MS)
    return min(wished, start + _milliseconds(LONGEST), limit)


def _start(tokens: list[_Token]) -> Fraction:
    return min(token.start for token in tokens)


def _end(tokens: list[_Token]) -> Fraction:
    return max(token.end for token in tokens)


def _milliseconds(seconds: Fraction) -> int:
    return max(0, int((seconds * 1000 + Fraction(1, 2)) // 1))
