"""Captions as cues: words gathered into lines that fit a screen and times that can be read.

Cues are made from canonical words, never from a provider's own captions. A cue never spans two
segments, two speakers or a pause. What is too long for one cue is halved, after a sentence or a
clause where one ends near the middle.
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
WIDTH = 42
"""Columns of a line; a wide East Asian character takes two."""
LONGEST = Fraction(7)
"""Seconds that a cue is shown at most."""
PAUSE = Fraction(1, 2)
"""Seconds of silence that begin a new cue."""
SHORTEST_MS = 1000
"""A cue is shown this long where the next one leaves it the time."""
GAP_MS = 80
"""Two frames without a cue, where there is time for them, so that a change is seen."""

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
    """One word of one line, and whether a blank stands before it."""

    text: str
    start: Fraction
    end: Fraction
    speaker: str | None
    spaced: bool


def cues(transcript: Transcript) -> list[Cue]:
    """The cues of a transcript, ordered, without overlaps, with all its words."""
    groups = [
        group
        for segment in transcript.segments
        for stretch in _stretches(_tokens(segment))
        for group in _fitting(stretch)
    ]
    return _timed(sorted(groups, key=_start))


def _tokens(segment: Segment) -> Iterator[_Token]:
    """The segment's words. Whether blanks stand between them is read from its text."""
    place = 0
    for word in segment.words or _spread(segment):
        at = place
        while segment.text[at : at + 1].isspace():
            at += 1
        follows = segment.text.startswith(word.text, at)
        spaced = at > place or not follows
        place = at + len(word.text) if follows else place
        if text := " ".join(word.text.split()):
            speaker = word.speaker or segment.speaker
            yield _Token(text, word.range.start, word.range.end, speaker, spaced)


def _spread(segment: Segment) -> Iterator[Word]:
    """Words for a segment without times of its words, each as long as its share of the text."""
    texts = segment.text.split()
    ends = list(accumulate(map(len, texts), initial=0))
    for text, (before, after) in zip(texts, pairwise(ends), strict=True):
        start, end = (
            segment.range.start + segment.range.duration * part / ends[-1]
            for part in (before, after)
        )
        yield Word(text=text, range=TimeRange(start=start, end=end))


def _stretches(tokens: Iterable[_Token]) -> Iterator[list[_Token]]:
    """Tokens between which no cue must end: of one speaker, without a pause."""
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
    """The tokens in groups that each fit a cue."""
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
    """Where to halve: after a sentence, else after a clause, else in the middle."""
    count = len(tokens)
    places = range(max(1, count // 4), max(2, count - count // 4))
    return min(places, key=lambda at: (_weakness(tokens[at - 1]), abs(2 * at - count)))


def _weakness(token: _Token) -> int:
    text = token.text.rstrip(_CLOSING)
    if text.endswith(_SENTENCE_ENDS):
        return 0
    return 1 if text.endswith(_CLAUSE_ENDS) else 2


def _lines(tokens: list[_Token]) -> tuple[str, ...]:
    """One line, or two with the longer one as short as can be."""
    whole = _joined(tokens)
    if len(tokens) == 1 or _width(whole) <= WIDTH:
        return (whole,)
    halves = [(_joined(tokens[:at]), _joined(tokens[at:])) for at in range(1, len(tokens))]
    return min(halves, key=_widest)


def _widest(lines: Iterable[str]) -> int:
    return max(map(_width, lines))


def _joined(tokens: Iterable[_Token]) -> str:
    return "".join(" " * token.spaced + token.text for token in tokens).strip()


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(one) in "WF" for one in text)


def _timed(groups: list[list[_Token]]) -> list[Cue]:
    """Cues from groups ordered by their start: each ends before the next one starts."""
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
