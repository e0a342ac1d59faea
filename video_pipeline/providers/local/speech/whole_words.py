"""Whole words with plausible times, from what Whisper calls words.

Whisper breaks words at apostrophes and hyphens, gives some words no time and others the pause
beside them.
"""

from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import chain, pairwise

from video_pipeline.domain.results.transcript import Segment, Word, continues_word
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.providers.local.speech.loops import Said, find_loop

# Seconds of a word, if there is as much time for all of them.
SHORTEST = Fraction(1, 50)
LONGEST = Fraction(3)


class RawWord(Frozen):
    text: str
    start: Rational
    end: Rational
    probability: float


class RawSegment(Frozen):
    text: str
    start: Rational
    end: Rational
    words: tuple[RawWord, ...] = ()


def without_loops(segments: Sequence[RawSegment]) -> tuple[list[RawSegment], list[Said]]:
    """Return the segments without repetitions that are no speech, and what was cut."""
    owners = [at for at, segment in enumerate(segments) for _ in segment.words]
    words = list(chain.from_iterable(segment.words for segment in segments))
    said = [Said(word.text, float(word.start), float(word.end)) for word in words]
    cut: list[Said] = []
    since = 0
    while loop := find_loop(said, since=since):
        gone, since = said[loop.first : loop.after], loop.first
        cut.append(Said(loop.phrase, gone[0].start, gone[-1].end))
        for row in (words, owners, said):
            del row[loop.first : loop.after]
    if not cut:
        return list(segments), cut
    kept: list[RawSegment] = []
    for at, segment in enumerate(segments):
        left = tuple(word for word, owner in zip(words, owners, strict=True) if owner == at)
        if len(left) == len(segment.words):
            kept.append(segment)
        elif left:
            text = "".join(word.text for word in left)
            kept.append(segment.model_copy(update={"text": text, "words": left}))
    return kept, cut


def on_clock(
    segments: Sequence[RawSegment], start: Fraction, within: TimeRange
) -> tuple[Segment, ...]:
    """Return segments of whole words on the video's clock, whose sample 0 is heard at `start`."""

    def moment(seconds: Fraction) -> Fraction:
        whole = start + Fraction(round(seconds * 1000), 1000)
        return min(max(whole, within.start), within.end)

    joined = [list(_joined(segment.words)) for segment in segments]
    units = [_units(segment, words) for segment, words in zip(segments, joined, strict=True)]
    spans = iter(_plausible([(moment(s), moment(e)) for s, e in chain(*units)], within))
    found: list[Segment] = []
    for segment, words, own in zip(segments, joined, units, strict=True):
        ranges = [next(spans) for _ in own]
        found.append(
            Segment(
                text=segment.text.strip(),
                range=TimeRange(start=ranges[0].start, end=ranges[-1].end),
                words=tuple(
                    Word(
                        text=word.text.strip(),
                        range=range,
                        confidence=min(max(word.probability, 0.0), 1.0),
                    )
                    for word, range in zip(words, ranges, strict=False)
                ),
            )
        )
    return tuple(found)


def _units(segment: RawSegment, words: Sequence[RawWord]) -> list[tuple[Fraction, Fraction]]:
    """Return the times of the words, or of the segment where it has none."""
    return [(word.start, word.end) for word in words] or [(segment.start, segment.end)]


def _joined(words: Iterable[RawWord]) -> Iterable[RawWord]:
    """Yield whole words: what has no blank before it belongs to the word before."""
    held: list[RawWord] = []
    for word in words:
        if not word.text.strip():
            continue
        if held and not continues_word(held[-1].text, word.text):
            yield _one(held)
            held = []
        held.append(word)
    if held:
        yield _one(held)


def _one(parts: Sequence[RawWord]) -> RawWord:
    return RawWord(
        text="".join(part.text for part in parts),
        start=parts[0].start,
        end=max(part.end for part in parts),
        probability=sum(part.probability for part in parts) / len(parts),
    )


def _plausible(
    times: Sequence[tuple[Fraction, Fraction]], within: TimeRange
) -> Iterable[TimeRange]:
    """Yield ranges in order, none overlapping, each neither too short nor too long."""
    if not times:
        return
    least = min(SHORTEST, within.duration / len(times))
    starts: list[Fraction] = []
    for start, _ in times:
        starts.append(max(start, starts[-1] + least) if starts else start)
    limit = within.end
    for at in reversed(range(len(starts))):
        limit = starts[at] = min(starts[at], limit - least)
    for (start, after), (_, end) in zip(pairwise([*starts, within.end]), times, strict=True):
        yield TimeRange(start=start, end=min(max(end, start + least), start + LONGEST, after))
