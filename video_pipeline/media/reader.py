"""The pipeline's interface to media.

Time zero is the first video frame, or the first audio sample if there is no video.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Protocol

from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import Audio, FrameBatch, Frames


class MediaLimits(Frozen):
    """The limits of one child process."""

    address_space_bytes: int = 2 << 30
    cpu_seconds: int = 4 * 3600
    wall_seconds: int = 4 * 3600  # since its start
    stall_seconds: int = 60  # without a byte from the child while the pipeline reads
    max_pixels: int = 8192 * 8192  # width times height of a frame
    threads: int = 1


class CandidateSpec(Frozen):
    """Frames as JPEGs: one each `every` seconds and one after each change, at most `most`.

    The frames shown at `moments` come on top.
    """

    width: int = 320
    every: Rational = Fraction(1)
    most: int = 4000
    moments: tuple[Rational, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """A JPEG, the moment of its frame, and when its picture began where a change was seen."""

    at: Fraction
    jpeg: bytes
    begins: Fraction | None = None


@dataclass(frozen=True, slots=True)
class FedFrames:
    """Frames for the feed with this index."""

    feed: int
    batch: FrameBatch


@dataclass(frozen=True, slots=True)
class DecodeEnd:
    """The end of a decode, and what it found."""

    decoded: DecodedVideo


class MediaReader(Protocol):
    """Reads hostile media. `source` is an open regular file with a descriptor, and stays open.

    Only `probe` also accepts a source without a descriptor, and reads as little of it as possible.
    Every method raises MediaError for media that it cannot read within the limits, and
    DecoderKilled if its process was killed from outside again and again.
    """

    def probe(self, source: BinaryIO, sha256: str) -> MediaInfo:
        """Return container and streams."""
        ...

    def audio(
        self,
        source: BinaryIO,
        media: MediaInfo,
        into: Path,
        progress: Progress = lambda fraction: None,
    ) -> Audio:
        """Write the default audio stream as raw 16 kHz mono 16-bit samples to the file `into`.

        Samples before time zero are dropped, and gaps are filled with silence.
        """
        ...

    def decode(
        self,
        source: BinaryIO,
        media: MediaInfo,
        feeds: Sequence[Frames],
        candidates: CandidateSpec | None = None,
    ) -> Iterator[FedFrames | Candidate | DecodeEnd]:
        """Decode once for all feeds and the candidates. The last value is a DecodeEnd.

        Closing the iterator ends the child.
        """
        ...
