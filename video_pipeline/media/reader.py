"""The interface through which the pipeline sees media. Time zero is the first video frame
(the first audio sample where there is no video)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import BinaryIO, Protocol

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.values import Frozen, Rational
from video_pipeline.plugins.inputs import Audio, FrameBatch, Frames


class MediaLimits(Frozen):
    """What one child process may use."""

    address_space_bytes: int = 2 << 30
    cpu_seconds: int = 4 * 3600
    wall_seconds: int = 4 * 3600
    """Since the child started."""
    stall_seconds: int = 60
    """Without a byte from the child while the pipeline is ready to take one."""
    max_pixels: int = 8192 * 8192
    """Width times height of the picture."""
    threads: int = 1


class ThumbnailSpec(Frozen):
    """JPEG pictures of keyframes, at least `every` seconds apart, at most `most` of them."""

    width: int = 320
    every: Rational = Fraction(10)
    most: int = 360


@dataclass(frozen=True, slots=True)
class Thumbnail:
    """One JPEG and the moment that it shows."""

    at: Fraction
    jpeg: bytes


@dataclass(frozen=True, slots=True)
class FedFrames:
    """Frames for the feed with this index."""

    feed: int
    batch: FrameBatch


@dataclass(frozen=True, slots=True)
class DecodeEnd:
    """All was decoded: when the last frame ends, how many there were, what was wrong on the way."""

    end: Fraction
    frames: int
    warnings: tuple[str, ...] = ()


class MediaReader(Protocol):
    """Reads hostile media. `source` is an open plain file with a descriptor; it is not closed.
    Only `probe` also takes one without, of which it reads as little as it can.

    Every method raises MediaError, naming the remedy, for what it cannot read within the limits.
    """

    def probe(self, source: BinaryIO, sha256: str) -> MediaInfo:
        """Container and streams."""
        ...

    def audio(self, source: BinaryIO, media: MediaInfo, into: Path) -> Audio:
        """Write the first audio stream as raw 16 kHz mono 16-bit samples to the file `into`.

        Samples before time zero are left out; gaps in the stream are filled with silence.
        """
        ...

    def decode(
        self,
        source: BinaryIO,
        media: MediaInfo,
        feeds: Sequence[Frames],
        thumbnails: ThumbnailSpec | None = None,
    ) -> Iterator[FedFrames | Thumbnail | DecodeEnd]:
        """One decode for all feeds and the thumbnails; the last value is the only DecodeEnd.

        Closing the iterator ends the child.
        """
        ...
