"""Faults planted in good transcripts and shots: a name, five sizes, and what must be found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from random import Random
from typing import Generic, TypeVar

import numpy as np

from benchmarks.truth_media import Film, Recording
from video_pipeline.domain.results.findings import FindingKind
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.plugins.signals import LOUDNESS_STEP

_K = FindingKind


Subject = TypeVar("Subject", Film, Recording)


@dataclass(frozen=True)
class Plant(Generic[Subject]):
    """A kind of fault. `make` returns None where the subject has no place for that size."""

    name: str
    unit: str
    sizes: tuple[float, ...]
    kinds: tuple[FindingKind, ...]
    make: Callable[[Subject, float, Random], Subject | None]
    aims: tuple[float, ...] = ()
    """Sizes that need not be found."""


def span(start: float | Fraction, end: float | Fraction) -> TimeRange:
    first = Fraction(round(start * 1000), 1000)
    return TimeRange(start=first, end=max(first, Fraction(round(end * 1000), 1000)))


# --- Transcripts -------------------------------------------------------------------------------


def _with(one: Recording, *segments: Segment, **more: object) -> Recording:
    changed = one.transcript.model_copy(update={"segments": segments, **more})
    return replace(one, transcript=changed)


def _mapped(one: Recording, moved: Callable[[Word], Word | None]) -> Recording:
    """Return the recording with other words. A segment lasts as long as its words."""
    segments = list[Segment]()
    for segment in one.transcript.segments:
        words = tuple(filter(None, map(moved, segment.words)))
        if words:
            range = span(words[0].range.start, max(word.range.end for word in words))
            text = " ".join(word.text for word in words)
            segments.append(
                segment.model_copy(update={"words": words, "range": range, "text": text})
            )
    return _with(one, *segments)


def _spoken(texts: Sequence[str], start: float, each: float) -> Segment:
    words = tuple(
        Word(text=text, range=span(start + n * each, start + (n + 1) * each))
        for n, text in enumerate(texts)
    )
    return Segment(text=" ".join(texts), range=span(start, words[-1].range.end), words=words)


def _until(one: Recording, end: float) -> Recording:
    """Return the first seconds of a recording, of sound and words."""
    moment = Fraction(round(end * 1000), 1000)
    speech = [s for s in one.sound.speech or () if s.start < moment]
    cut = tuple(TimeRange(start=s.start, end=min(s.end, moment)) for s in speech)
    loudness = one.sound.loudness[: round(end / LOUDNESS_STEP)]
    changed = {"speech": cut, "loudness": loudness, "duration": moment}
    media = one.media.model_copy(update={"duration": moment})
    shorter = replace(one, sound=one.sound.model_copy(update=changed), media=media)
    return _mapped(shorter, lambda word: word if word.range.end <= moment else None)


def _nothing(one: Recording, size: float, _: Random) -> Recording | None:
    heard = 0.0
    for speech in one.sound.speech or ():
        heard += float(speech.duration)
        if heard >= size:
            end = float(speech.end) - (heard - size)
            return replace(_until(one, end), transcript=Transcript())
    return None


def _invented(one: Recording, size: float, _: Random) -> Recording:
    """Append a minute of silence, with words in it."""
    end = float(one.media.duration)
    texts = ("Thanks for watching this video and see you in the next one" * 4).split()
    longer = one.media.model_copy(update={"duration": one.media.duration + 60})
    loudness = np.append(one.sound.loudness, np.full(600, 255, np.uint8))
    changed = {"loudness": loudness, "duration": one.sound.duration + 60}
    words = _spoken(texts[: int(size)], end + 20, 0.35)
    return replace(
        _with(one, *one.transcript.segments, words),
        media=longer,
        sound=one.sound.model_copy(update=changed),
    )


def _left_out(one: Recording, size: float, random: Random) -> Recording | None:
    """Leave out the words of so many seconds of speech, from anywhere."""
    speech = list(one.sound.speech or ())
    for first in random.sample(range(len(speech)), len(speech)):
        heard = 0.0
        for after in range(first, len(speech)):
            heard += float(speech[after].duration)
            if heard >= size:
                start, end = speech[first].start, speech[after].end
                gone = TimeRange(start=start, end=end)
                kept = _mapped(one, lambda word, gone=gone: _unless(word, gone))
                return kept if kept.transcript.segments else None
    return None


def _unless(word: Word, gone: TimeRange) -> Word | None:
    return None if word.range.overlaps(gone) else word


def _cut_off(one: Recording, size: float, _: Random) -> Recording | None:
    """Leave out the words of the last so many seconds of speech."""
    heard = 0.0
    for speech in reversed(one.sound.speech or ()):
        heard += float(speech.duration)
        if heard >= size:
            gone = TimeRange(start=speech.start, end=one.media.duration)
            return _mapped(one, lambda word, gone=gone: _unless(word, gone))
    return None


def _loop_of(count: int) -> Callable[[Recording, float, Random], Recording]:
    def looped(one: Recording, size: float, random: Random) -> Recording:
        """Replace words by a repetition of some of them, over the same time."""
        words = one.transcript.words
        first = random.randrange(max(1, len(words) - 60))
        texts = [word.text for word in words[first : first + count]] * int(size)
        start = float(words[first].range.start)
        end = float(words[min(len(words), first + 50) - 1].range.end)
        loop = _spoken(texts, start, (end - start) / len(texts))
        kept = _mapped(one, lambda word: _unless(word, loop.range))
        segments = sorted((*kept.transcript.segments, loop), key=lambda s: s.range.start)
        return _with(one, *segments)

    return looped


def _stretched(one: Recording, size: float, random: Random) -> Recording:
    words = [word for word in one.transcript.words if len(word.text) <= 8]
    chosen = random.choice(words)
    start = chosen.range.start
    longer = chosen.model_copy(update={"range": span(start, start + Fraction(size))})
    return _mapped(one, lambda word: longer if word is chosen else word)


def _untimed(one: Recording, size: float, random: Random) -> Recording:
    segments = list(one.transcript.segments)
    for n in random.sample(range(len(segments)), min(len(segments), int(size))):
        segments[n] = segments[n].model_copy(update={"words": ()})
    return _with(one, *segments)


def _nameless(one: Recording, size: float, _: Random) -> Recording:
    asked = one.asked.model_copy(update={"speakers": True})
    return replace(_with(one, *one.transcript.segments[: int(size)]), asked=asked)


def _unsure(one: Recording, size: float, _: Random) -> Recording:
    return _with(one, *one.transcript.segments, language_confidence=size)


def _moved(one: Recording, offset: float, rate: float) -> Recording:
    def moved(word: Word) -> Word:
        start, end = (
            max(0.0, float(at) * (1 + rate) + offset) for at in (word.range.start, word.range.end)
        )
        return word.model_copy(update={"range": span(start, end)})

    return _mapped(one, moved)


def _late(one: Recording, size: float, random: Random) -> Recording:
    return _moved(one, random.choice((-1, 1)) * size, 0)


def _fast(one: Recording, size: float, random: Random) -> Recording:
    return _moved(one, 0, random.choice((-1, 1)) * size / 100)


def _outside(one: Recording, size: float, _: Random) -> Recording:
    last = one.transcript.segments[-1]
    end = one.media.duration + Fraction(size)
    word = last.words[-1].model_copy(update={"range": span(end - Fraction(1, 5), end)})
    changed = last.model_copy(update={"words": (*last.words[:-1], word)})
    return _with(one, *one.transcript.segments[:-1], changed)


def _back(one: Recording, size: float, random: Random) -> Recording | None:
    """Let a word start so long before the word before it."""
    segments = list(one.transcript.segments)
    places = [
        (n, m)
        for n, segment in enumerate(segments)
        for m, word in enumerate(segment.words[:-1])
        if word.range.start > size
    ]
    if not places:
        return None
    n, m = random.choice(places)
    words = list(segments[n].words)
    start = words[m].range.start - Fraction(size)
    words[m + 1] = words[m + 1].model_copy(update={"range": span(start, start + Fraction(1, 5))})
    segments[n] = segments[n].model_copy(update={"words": tuple(words)})
    return _with(one, *segments)


SPOKEN: tuple[Plant[Recording], ...] = (
    Plant("no word", "s of speech", (3.5, 5, 10, 30, 60), (_K.EMPTY_OVER_SPEECH,), _nothing),
    Plant("invented", "words", (3, 5, 8, 15, 40), (_K.WORDS_WITHOUT_SPEECH,), _invented),
    Plant("left out", "s of speech", (8, 12, 16, 30, 60), (_K.SPEECH_WITHOUT_WORDS,), _left_out),
    Plant("cut off", "s of speech", (8, 12, 16, 30, 60), (_K.SPEECH_WITHOUT_WORDS,), _cut_off),
    Plant("a word loops", "times", (8, 12, 25, 50, 112), (_K.LOOP,), _loop_of(1)),
    Plant("a sentence loops", "times", (4, 5, 6, 8, 12), (_K.LOOP,), _loop_of(8)),
    Plant("stretched", "s", (3, 4, 6, 10, 20), (_K.STRETCHED_WORD,), _stretched),
    Plant("no word times", "segments", (1, 2, 4, 8, 99), (_K.NO_WORD_TIMES,), _untimed),
    Plant("no speakers", "segments", (1, 2, 4, 8, 99), (_K.NO_SPEAKERS,), _nameless),
    Plant("unsure", "confidence", (0.49, 0.4, 0.3, 0.2, 0.1), (_K.UNSURE_LANGUAGE,), _unsure),
    Plant("late or early", "s", (0.3, 0.5, 1, 2, 5), (_K.DRIFT,), _late, aims=(0.1, 0.2)),
    Plant("another rate", "%", (1, 1.5, 2, 3, 4.2), (_K.DRIFT,), _fast, aims=(0.2, 0.5)),
    Plant("beyond the end", "s", (0.1, 0.5, 1, 5, 60), (_K.TIMES_OUTSIDE,), _outside),
    Plant("out of order", "s", (0.1, 0.3, 0.5, 1, 5), (_K.OUT_OF_ORDER,), _back),
)


# --- Shots and boxes ---------------------------------------------------------------------------


def _bordered(one: Film, borders: Sequence[Fraction]) -> Film:
    every = sorted({Fraction(0), *borders, one.media.duration})
    made = (Marker(kind=Kind.SHOT, range=TimeRange(start=a, end=b)) for a, b in pairwise(every))
    return replace(one, shots=tuple(made))


def _borders(one: Film) -> list[Fraction]:
    return [shot.range.start for shot in one.shots[1:]]


def _one_shot(one: Film, size: float, _: Random) -> Film | None:
    """Keep the pictures up to the given number of cuts, and one shot over all of them."""
    if len(one.cuts) < size:
        return None
    end = [*one.cuts, one.media.duration][int(size)]
    after = one.pictures.index_at(end)
    series = ("ticks", "luma", "contrast", "change", "change_in_a_second")
    cut = {name: getattr(one.pictures, name)[:after] for name in series}
    return replace(_bordered(one, ()), pictures=one.pictures.model_copy(update=cut))


def _missed(one: Film, size: float, random: Random) -> Film | None:
    if len(one.cuts) < size + 1 or size < len(one.cuts) * 0.2:
        return None
    gone = random.sample(one.cuts, int(size))
    return _bordered(one, [border for border in _borders(one) if border not in gone])


def _added(one: Film, size: float, random: Random) -> Film | None:
    """Add boundaries over a second away from each labelled one."""
    borders, added = _borders(one), list[Fraction]()
    for _ in range(2000):
        moment = Fraction(random.randrange(1000, round(one.media.duration * 1000) - 1000), 1000)
        far = all(abs(moment - other) > Fraction(3, 2) for other in borders)
        if far and all(abs(moment - other) > Fraction(1, 2) for other in added):
            added.append(moment)
        if len(added) == size:
            return _bordered(one, [*borders, *added])
    return None


def _shifted(one: Film, size: float, _: Random) -> Film | None:
    end = one.media.duration
    moved = [border + Fraction(size) for border in _borders(one)]
    return _bordered(one, [b for b in moved if b < end]) if len(one.cuts) >= 3 else None


def _apart(one: Film, size: float, random: Random) -> Film | None:
    """Let a shot end so much earlier, or begin so much earlier."""
    long = [n for n, shot in enumerate(one.shots[:-1]) if shot.range.duration > size]
    if not long:
        return None
    n, shots = random.choice(long), list(one.shots)
    shot, following = shots[n].range, shots[n + 1].range
    by = Fraction(size)
    if random.random() < 0.5:
        shots[n] = shots[n].model_copy(update={"range": span(shot.start, shot.end - by)})
    else:
        earlier = span(following.start - by, following.end)
        shots[n + 1] = shots[n + 1].model_copy(update={"range": earlier})
    return replace(one, shots=tuple(shots))


def _boxed(one: Film, size: float, random: Random) -> Film:
    at = random.randrange(int(one.media.duration) - 1)
    box = Box(left=0.9, top=0.4, width=0.1 + size / 100, height=0.2)
    return replace(one, shots=(*one.shots, Marker(kind=Kind.FACE, range=span(at, at + 1), box=box)))


SHOWN: tuple[Plant[Film], ...] = (
    Plant("one shot", "cuts", (4, 6, 8, 10, 12), (_K.ONE_SHOT_OVER_CUTS,), _one_shot, (3,)),
    Plant("cuts missed", "cuts", (4, 5, 6, 8, 12), (_K.MISSED_CUTS,), _missed, (3,)),
    Plant(
        "shots added", "boundaries", (4, 6, 8, 10, 12), (_K.SHOTS_WITHOUT_CHANGE,), _added, (1, 2)
    ),
    Plant(
        "shots shifted",
        "s",
        (0.4, 0.6, 1, 2, 5),
        (_K.MISSED_CUTS, _K.SHOTS_WITHOUT_CHANGE),
        _shifted,
    ),
    Plant("shots apart", "s", (0.2, 0.4, 1, 2, 3), (_K.SHOTS_APART,), _apart),
    Plant("box outside", "%", (3, 5, 10, 30, 50), (_K.BOX_OUTSIDE,), _boxed),
)
