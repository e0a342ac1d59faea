"""Restarts of a task whose child was killed from outside, each with less memory."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fractions import Fraction

from video_pipeline.domain.errors import DecoderKilled
from video_pipeline.media.process import Child
from video_pipeline.media.reader import Candidate, DecodeEnd, FedFrames, MediaLimits
from video_pipeline.plugins.inputs import Frames

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Thrift:
    """What a child may spend of memory to be faster."""

    most_threads: int | None
    """Each thread of the decoder holds frames. None: as many as the limits say."""
    batch_bytes: int
    """Frames of one feed that the child collects before it sends them."""

    def limits(self, limits: MediaLimits) -> MediaLimits:
        """Return these limits with no more threads."""
        threads = min(limits.threads, self.most_threads or limits.threads)
        return limits.model_copy(update={"threads": threads})


# The first start, then one after each kill.
THRIFT = (
    Thrift(most_threads=None, batch_bytes=4 << 20),
    Thrift(most_threads=1, batch_bytes=1 << 20),
    Thrift(most_threads=1, batch_bytes=1 << 18),
)


@contextmanager
def restarted(child: Child) -> Generator[Child, None, None]:
    """Use a child that is followed by another one if it is killed from outside."""
    try:
        with child:
            yield child
    except DecoderKilled as killed:
        _log.warning("%s; it is started again with less memory", killed.what)


class Delivery:
    """What the consumers of a decode have got.

    A decode that starts again begins at the first frame, with batches of another size. Each frame
    and candidate is passed on once, so that the results are those of one decode.
    """

    def __init__(self, feeds: Sequence[Frames]) -> None:
        self._every = [feed.every for feed in feeds]
        self._next = [0 for _ in feeds]
        self._last_candidate = Fraction(-1)

    def rest(
        self, value: FedFrames | Candidate | DecodeEnd
    ) -> FedFrames | Candidate | DecodeEnd | None:
        """Return what of this value was not delivered before, or None."""
        if isinstance(value, FedFrames):
            return self._frames(value)
        if isinstance(value, Candidate):
            if value.at <= self._last_candidate:
                return None
            self._last_candidate = value.at
        return value

    def _frames(self, fed: FedFrames) -> FedFrames | None:
        batch, every = fed.batch, self._every[fed.feed]
        count = len(batch.pts)
        known = max(0, (self._next[fed.feed] - batch.first) // every)
        if known >= count:
            return None
        self._next[fed.feed] = batch.first + count * every
        if not known:
            return fed
        first = batch.first + known * every
        rest = replace(batch, pixels=batch.pixels[known:], pts=batch.pts[known:], first=first)
        return FedFrames(fed.feed, rest)
