"""The candidates of a video: small frames with their quality, packed in one object.

The decode keeps them, so that pictures can be chosen in a later process without the source. The
object holds a line of JSON for the content, one before each JPEG, and one at the end.
"""

import io
import json
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO

import numpy as np
from PIL import Image

from video_pipeline.domain.errors import MediaError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.media.reader import Candidate, CandidateSpec
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.video_run import VideoRun

# Half of them are for changes of picture: see CandidateSpec.
_MOST = 4000


class Rated(Frozen):
    """A candidate with its quality."""

    at: Rational
    """When its frame is shown, in seconds."""
    begins: Rational | None
    """When its picture began, if the decode saw a change."""
    sharpness: float
    """The variance of the Laplacian. Only values of similar pictures compare."""
    luma: float
    """The mean, 0 to 255."""
    contrast: float
    """The standard deviation of the luma."""
    size: int
    """Of its JPEG, in bytes."""


@dataclass(frozen=True)
class Kept:
    """The candidates of one content, in order, and the warnings of their decode."""

    candidates: tuple[Rated, ...]
    warnings: tuple[str, ...]


def spec(media: MediaInfo, moments: Collection[Fraction] = ()) -> CandidateSpec:
    """Return which frames to keep: one a second, in long videos further apart."""
    every = max(Fraction(1), media.duration / (_MOST // 2))
    return CandidateSpec(every=every, most=_MOST, moments=tuple(moments))


def are_due(run: VideoRun, shots: PhaseResult | None) -> bool:
    """Return whether pictures of these shots are to be made, and no candidates are kept for them.

    `shots` is None if this run makes them.
    """
    made = own_results.current(run, Phase.PICTURES) if shots else None
    origin = made.provenance if made else None
    if shots and origin and origin.inputs.get(Phase.SHOTS) == shots.fingerprint:
        return False
    return not _are_kept(run)


@contextmanager
def keeping(run: VideoRun) -> Generator["Keeper", None, None]:
    """Keep candidates. They replace earlier ones when the block ends, and none if it raises."""
    with run.outputs.writer(_name(run.key)) as out:
        out.write(_line({"content": run.content}))
        keeper = Keeper(out)
        yield keeper
        out.write(_line({"warnings": keeper.warnings}))


class Keeper:
    """Packs the candidates of one decode."""

    def __init__(self, out: BinaryIO) -> None:
        self._out = out
        self.warnings: tuple[str, ...] = ()

    def add(self, candidate: Candidate) -> None:
        """Rate and pack a candidate. Raises MediaError if it is no JPEG."""
        rated = _rated(candidate)
        self._out.write(_line(rated.model_dump(mode="json")) + candidate.jpeg)


def kept(run: VideoRun) -> Kept | None:
    """Return the candidates of the run's content, or None if none are kept."""
    if not _are_kept(run):
        return None
    found: list[Rated] = []
    with _opened(run) as stored:
        for rated in _each(stored):
            if isinstance(rated, tuple):
                return Kept(tuple(found), rated)
            stored.read(rated.size)
            found.append(rated)
    return None


def jpegs(run: VideoRun, moments: Collection[Fraction]) -> Iterator[tuple[Rated, bytes]]:
    """Yield the candidates of these moments with their JPEGs, in order. Raises StorageError."""
    with _opened(run) as stored:
        for rated in _each(stored):
            if isinstance(rated, Rated):
                jpeg = stored.read(rated.size)
                if rated.at in moments:
                    yield rated, jpeg


def discard(run: VideoRun) -> None:
    """Delete the candidates of the run's content. Those of another content stay."""
    if _are_kept(run):
        run.outputs.delete(_name(run.key))


def _are_kept(run: VideoRun) -> bool:
    if run.outputs.stat(_name(run.key)) is None:
        return False
    with _opened(run) as stored:
        return bool(stored.readline())


def _name(key: VideoKey) -> str:
    return f"{key.prefix}_candidates"


@contextmanager
def _opened(run: VideoRun) -> Generator[BinaryIO, None, None]:
    """Open the packed candidates behind their first line; at their end if of another content."""
    with run.outputs.open(_name(run.key)) as stored:
        if json.loads(stored.readline())["content"] == run.content:
            yield stored
        else:
            yield io.BytesIO()


def _each(stored: BinaryIO) -> Iterator[Rated | tuple[str, ...]]:
    """Yield each candidate, for the caller to read its JPEG, and the warnings last."""
    while line := stored.readline():
        facts = json.loads(line)
        if "warnings" in facts:
            yield tuple(facts["warnings"])
            return
        yield Rated.model_validate(facts)


def _line(facts: object) -> bytes:
    return json.dumps(facts).encode() + b"\n"


def _rated(candidate: Candidate) -> Rated:
    try:
        with Image.open(io.BytesIO(candidate.jpeg), formats=["JPEG"]) as image:
            gray = np.asarray(image.convert("L"), np.float32)
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise MediaError(
            "a frame of it became no JPEG",
            where=str(candidate.at),
            remedy="Encode it again and deliver it anew.",
        ) from error
    across, down = np.diff(gray, 2, axis=1)[1:-1], np.diff(gray, 2, axis=0)[:, 1:-1]
    return Rated(
        at=candidate.at,
        begins=candidate.begins,
        sharpness=round(float((across + down).var()), 3),
        luma=round(float(gray.mean()), 3),
        contrast=round(float(gray.std()), 3),
        size=len(candidate.jpeg),
    )
