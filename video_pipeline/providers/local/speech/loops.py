"""Repetitions that no speaker makes: a model that lost the thread says one thing again and again.

Counting, a "no" said ten times and a refrain said four times are speech.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

# How often one phrase may follow itself, by its number of words. The limit of the last entry holds
# for longer phrases. A model that lost the thread says a word 20 to 200 times.
_ALLOWED = (12, 8, 6)
_LONGEST_PHRASE = 12
# Faster repetitions are no speech from the fifth on: seconds a word.
_SLOWEST = 0.1
_FEW = 4
# A word as long as this that shrinks as much is a loop without blanks. Whisper's own limit is 2.4.
# Phrases are not judged by it: a refrain sung twice shrinks to 1/2.5, four times to 1/4.9. Of 133
# segments of labelled recordings only loops that are found by counting shrank to less than 1/1.4.
_LONG_WORD = 32
_SHRINKS = 2.4


class Said(NamedTuple):
    """A word as the model said it, with its times in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Loop:
    """Words [first, after) only say again what the words before `first` said once."""

    first: int
    after: int
    phrase: str


def find_loop(words: Sequence[Said], allowed: int | None = None, since: int = 0) -> Loop | None:
    """Return the first loop from word `since` on.

    With `allowed`, no phrase may follow itself more often than that.
    """
    said = [_bare(word.text) for word in words]
    for at in range(since, len(words)):
        if _shrinks(said[at]):
            return Loop(at, at + 1, words[at].text[:_LONG_WORD])
        for length in range(1, min(_LONGEST_PHRASE, (len(words) - at) // 2) + 1):
            times = _times(said, at, length)
            most = _ALLOWED[min(length, len(_ALLOWED)) - 1] if allowed is None else allowed
            if times > most or (times > _FEW and _hurried(words[at : at + times * length])):
                phrase = "".join(word.text for word in words[at : at + length])
                return Loop(at + length, at + times * length, phrase)
    return None


def _times(said: Sequence[str], at: int, length: int) -> int:
    """Return how often the phrase at `at` is said in a row."""
    phrase, times = said[at : at + length], 1
    while said[at + times * length : at + (times + 1) * length] == phrase:
        times += 1
    return times


def _hurried(words: Sequence[Said]) -> bool:
    return words[-1].end - words[0].start < _SLOWEST * len(words)


def _shrinks(text: str) -> bool:
    data = text.encode()
    return len(text) >= _LONG_WORD and len(data) > _SHRINKS * len(zlib.compress(data))


def _bare(text: str) -> str:
    """Return the text as it is compared: without case, blanks and punctuation around it."""
    bare = text.strip().casefold()
    return bare.strip(".,;:!?…-–—\"'«»()¡¿、。！？ ") or bare
