"""Captions as cues: words in lines that fit a screen, at a speed that can be read.

Cues are made from the transcript's words, never from a provider's captions. A cue never spans two
speakers. Text that is too long for one cue is split, after a sentence or a clause if one ends near
the middle.

A cue is hard to read if it is shorter than 5/6 s or faster than 21 columns a second. That is
avoidable where (a) it could last longer in the silence after it, up to 7 s, (b) it could begin up
to 0.2 s before its first word, or (c) one cue could hold it and the cue before or after it: the
same speaker, a pause of less than a second between, two lines of 42 columns, 7 s. No cue is hard
to read where that is avoidable, and a single short word joins a neighbour under the terms of (c).
"""

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import accumulate, pairwise

from video_pipeline.domain.results.transcript import Segment, Transcript, Word, continues_word
from video_pipeline.domain.time import TimeRange

# Netflix, Timed Text Style Guide: General Requirements: 5/6 to 7 s, two lines, broken after
# punctuation; English Template: 42 characters a line, 17 a second; Subtitle Timing Guidelines: two
# frames between cues, which begin within two frames of the speech.
LINES = 2
WIDTH = 42  # columns of a line; a wide East Asian character takes two
LONGEST = Fraction(7)  # seconds of a cue
SHORTEST_MS = 833  # of a cue, where the words beside it and the media allow
GAP_MS = 80  # without a cue, if there is time, so that a change is visible
WISHED_MS = 1000  # of a cue, if there is time
# Columns a second. No word is left out: what no silence and no neighbour can slow down is faster.
RATE = 21
PAUSE = Fraction(1, 2)  # seconds of silence that begin a new cue
JOINED_PAUSE = Fraction(1)  # seconds of silence over which cues are joined if one is hard to read
EARLIEST_MS = 200  # that a cue which is hard to read may begin before its first word
LATEST_MS = 500  # that a cue may begin late for a short one before it
ORPHAN = 4  # columns of a word that should not stand alone

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


def cues(transcript: Transcript, end: Fraction | None = None) -> list[Cue]:
    """Return the cues of a transcript with all its words, ordered and without overlaps.

    `end` is where the media ends: no cue lasts longer.
    """
    groups = [
        group
        for segment in transcript.segments
        for stretch in _stretches(_whole(_tokens(segment)))
        for group in _fitting(stretch)
    ]
    end_ms = sys.maxsize if end is None else max(1, int(end * 1000))
    return _readable(sorted(groups, key=_start), end_ms)


def _tokens(segment: Segment) -> Iterator[_Token]:
    """Yield the segment's words. Its text shows where blanks separate them."""
    position = 0
    for word in segment.words or _spread(segment):
        at = position
        while segment.text[at : at + 1].isspace():
            at += 1
        follows = segment.text.startswith(word.text, at)
        # A cue may hold the end of one segment and the beginning of the next.
        begins = position == 0 and continues_word("a", word.text)
        spaced = at > position or not follows or begins
        position = at + len(word.text) if follows else position
        if text := " ".join(word.text.split()):
            speaker = word.speaker or segment.speaker
            yield _Token(text, word.range.start, word.range.end, speaker, spaced)


def _whole(tokens: Iterable[_Token]) -> Iterator[_Token]:
    """Yield tokens that are whole words: captions and lines do not break inside one."""
    held: _Token | None = None
    for token in tokens:
        if held and _is_one(held, token):
            text = held.text + token.text
            held = replace(held, text=text, end=max(held.end, token.end))
            continue
        if held:
            yield held
        held = token
    if held:
        yield held


def _is_one(before: _Token, after: _Token) -> bool:
    one = not after.spaced and continues_word(before.text, after.text)
    return one and not _must_break(before, after) and _width(before.text + after.text) <= WIDTH


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
    return min(
        candidates,
        key=lambda at: (
            _is_orphan(tokens[:at]) or _is_orphan(tokens[at:]),
            _weakness(tokens[at - 1]),
            abs(2 * at - count),
        ),
    )


def _is_orphan(tokens: list[_Token]) -> bool:
    return len(tokens) == 1 and _width(tokens[0].text) <= ORPHAN


def _weakness(token: _Token) -> int:
    text = token.text.rstrip(_CLOSING)
    if text.endswith(_SENTENCE_ENDS):
        return 0
    return 1 if text.endswith(_CLAUSE_ENDS) else 2


def _lines(tokens: list[_Token]) -> tuple[str, ...]:
    """Return one line, or two: broken after a clause, else with the longer one as short as can
    be."""
    whole = _joined(tokens)
    if len(tokens) == 1 or _width(whole) <= WIDTH:
        return (whole,)
    at = min(range(1, len(tokens)), key=lambda at: _awkwardness(tokens, at))
    return _joined(tokens[:at]), _joined(tokens[at:])


def _awkwardness(tokens: list[_Token], at: int) -> tuple[int, bool, int, int]:
    """Return what speaks against a second line from here, what counts most first."""
    widths = _width(_joined(tokens[:at])), _width(_joined(tokens[at:]))
    orphaned = _is_orphan(tokens[:at]) or _is_orphan(tokens[at:])
    # A clause counts only if both lines have some length.
    weakness = _weakness(tokens[at - 1]) if 3 * min(widths) >= max(widths) else 2
    return max(*widths, WIDTH), orphaned, weakness, max(widths)


def _widest(lines: Iterable[str]) -> int:
    return max(map(_width, lines))


def _joined(tokens: Iterable[_Token]) -> str:
    return "".join(" " * token.spaced + token.text for token in tokens).strip()


def _width(text: str) -> int:
    return len(text) + sum(unicodedata.east_asian_width(one) in "WF" for one in text)


def _readable(groups: list[list[_Token]], end_ms: int) -> list[Cue]:
    """Return cues of groups ordered by start. Those that should not stand alone are joined."""
    while True:
        shown = _timed(groups, end_ms)
        joined = _joined_once(groups, [*map(_stands_alone, groups, shown)])
        if len(joined) == len(groups):
            return shown
        groups = joined


def _stands_alone(group: list[_Token], cue: Cue) -> bool:
    """Return whether a cue is easy to read, and more than a short word."""
    length = cue.end_ms - cue.start_ms
    early = _milliseconds(_start(group)) - cue.start_ms > EARLIEST_MS
    return length >= _needed_ms(group) and not early and not _is_orphan(group)


def _joined_once(groups: list[list[_Token]], alone: list[bool]) -> list[list[_Token]]:
    """Return the groups, with those that should not stand alone joined to the nearer neighbour.

    No group is joined twice.
    """
    pairs = list(pairwise(groups))
    free = [_can_join(*pair) and not all(alone[at : at + 2]) for at, pair in enumerate(pairs)]
    done: list[list[_Token]] = []
    at = 0
    while at < len(groups):
        joins = at < len(pairs) and free[at]
        if joins and alone[at] and at + 1 < len(pairs) and free[at + 1]:
            joins = _pause(*pairs[at]) <= _pause(*pairs[at + 1])
        done.append(groups[at] + groups[at + 1] if joins else groups[at])
        at += 2 if joins else 1
    return done


def _needed_ms(group: list[_Token]) -> int:
    return max(SHORTEST_MS, -(-1000 * _width(_joined(group)) // RATE))


def _can_join(before: list[_Token], after: list[_Token]) -> bool:
    same = before[-1].speaker == after[0].speaker
    return same and _pause(before, after) < JOINED_PAUSE and _fits(before + after)


def _pause(before: list[_Token], after: list[_Token]) -> Fraction:
    return _start(after) - _end(before)


def _timed(groups: list[list[_Token]], end_ms: int) -> list[Cue]:
    """Return cues from groups ordered by start. Each ends before the next one starts."""
    starts = _starts(groups, end_ms)
    limits = [max(after - GAP_MS, start + 1) for start, after in pairwise(starts)] + [end_ms]
    shown: list[Cue] = []
    for group, start, limit in zip(groups, starts, limits, strict=False):
        end = _end_ms(group, start, limit)
        free = shown[-1].end_ms + GAP_MS if shown else 0
        start = _early(group, start, end, free)
        shown.append(Cue(start, end, _lines(group), group[0].speaker))
    return shown


def _early(group: list[_Token], start: int, end: int, free: int) -> int:
    """Return the start. It is earlier, within silence, for a cue that is hard to read."""
    wanted = end - min(_needed_ms(group), _milliseconds(LONGEST))
    return min(start, max(free, wanted, _milliseconds(_start(group)) - EARLIEST_MS))


def _starts(groups: list[list[_Token]], end_ms: int) -> list[int]:
    """Return when the cues begin: with their first words, or a little later for a short cue
    before; before the end of the media, and early enough to be read."""
    starts = list(accumulate(groups, _next_start, initial=-1))[1:]
    for at in range(len(starts) - 1):
        wanted = starts[at] + SHORTEST_MS + GAP_MS
        after = starts[at + 2] if at + 2 < len(starts) else end_ms + GAP_MS
        latest = min(starts[at + 1] + LATEST_MS, after - GAP_MS - _needed_ms(groups[at + 1]))
        starts[at + 1] = max(starts[at + 1], min(wanted, latest))
    # The last cue may begin before its words, to be shown long enough before the media ends. The
    # BBC's Subtitle Guidelines (5.2, as quoted by w3c/me-media-timed-events) allow 1.5 s.
    limit = end_ms
    for at in reversed(range(len(starts))):
        room = SHORTEST_MS if at == len(starts) - 1 else 1
        before = starts[at - 1] + SHORTEST_MS + GAP_MS if at else 0
        starts[at] = min(starts[at], max(limit - room, min(before, limit - 1), 0))
        limit = starts[at]
    return starts


def _next_start(before: int, group: list[_Token]) -> int:
    return max(_milliseconds(_start(group)), before + 1)


def _end_ms(group: list[_Token], start: int, limit: int) -> int:
    wished = max(_milliseconds(_end(group)), start + WISHED_MS, start + _needed_ms(group))
    return min(wished, start + _milliseconds(LONGEST), limit)


def _start(tokens: list[_Token]) -> Fraction:
    return min(token.start for token in tokens)


def _end(tokens: list[_Token]) -> Fraction:
    return max(token.end for token in tokens)


def _milliseconds(seconds: Fraction) -> int:
    return max(0, int((seconds * 1000 + Fraction(1, 2)) // 1))
