"""One decode for the signals, the candidates for pictures, and every plugin that is fed frames.

A failing stream keeps its error; the decode and the other streams continue.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.media.reader import (
    Candidate,
    CandidateSpec,
    DecodeEnd,
    FedFrames,
    MediaReader,
)
from video_pipeline.pipeline.jobs.unit_run import UnitDriver, plugin_broke
from video_pipeline.pipeline.signals.measure import FEED, PictureMeter
from video_pipeline.pipeline.source.read import LocalSource
from video_pipeline.plugins.base import FrameStream, Progress, Streams
from video_pipeline.plugins.inputs import FrameBatch, Frames
from video_pipeline.plugins.signals import PictureSignals


@dataclass(slots=True)
class Stream:
    """A plugin's pass over the frames, and the error that ended it early."""

    driver: UnitDriver
    feed: Frames
    pass_: FrameStream
    error: PipelineError | None = None


@dataclass(slots=True)
class Consumers:
    """The consumers of one decode: streams, and candidates for pictures if wanted."""

    streams: list[Stream] = field(default_factory=list[Stream])
    candidates: CandidateSpec | None = None
    on_candidate: Callable[[Candidate], None] | None = None

    @property
    def feeds(self) -> list[Frames]:
        """Return the distinct feeds to decode. Those that are equal share one."""
        return list(dict.fromkeys([FEED, *(s.feed for s in self.streams)]))


def open_stream(driver: UnitDriver, plugin: Streams, media: MediaInfo) -> Stream:
    """Begin a unit that is fed frames. Raises ProviderError if its plugin wants another feed."""
    feed = driver.planned.plugin.capabilities().fed
    if not isinstance(feed, Frames):
        raise plugin_broke(
            driver.planned.provider, TypeError(f"a stream is fed frames, not {type(feed).__name__}")
        )
    driver.begin()
    try:
        return Stream(driver, feed, plugin.start(driver.planned.request, media))
    except Exception as broken:
        error = plugin_broke(driver.planned.provider, broken)
        driver.fail(error)
        raise error from broken


def decode(
    reader: MediaReader,
    source: LocalSource,
    media: MediaInfo,
    consumers: Consumers,
    progress: Progress,
) -> PictureSignals:
    """Decode once, feed all consumers, and store the pages of each stream that did not fail.

    Returns the signals of the frames. Raises InputError and StorageError if the source cannot be
    read; then no stream has pages.
    """
    feeds, meter, measured = consumers.feeds, PictureMeter(), None
    length = float(media.video.duration if media.video else media.duration) or 1.0
    with source.open() as opened:
        for found in reader.decode(opened, media, feeds, consumers.candidates):
            if isinstance(found, FedFrames):
                if feeds[found.feed] == FEED:
                    meter.feed(found.batch)
                _feed(consumers, feeds[found.feed], found.batch)
                progress(float(found.batch.start_of(-1)) / length)
            elif isinstance(found, DecodeEnd):
                measured = meter.finish(media.sha256, found.decoded)
            elif consumers.on_candidate is not None:
                consumers.on_candidate(found)
    assert measured is not None, "the last value is a DecodeEnd"
    for stream in consumers.streams:
        _finish(stream, measured.decoded.end)
    return measured


def _feed(consumers: Consumers, feed: Frames, batch: FrameBatch) -> None:
    for stream in consumers.streams:
        if stream.feed == feed and stream.error is None:
            try:
                stream.pass_.feed(batch)
            except Exception as error:  # noqa: BLE001 - a plugin's bug must not end the others
                stream.error = plugin_broke(stream.driver.planned.provider, error)


def _finish(stream: Stream, end: Fraction) -> None:
    if stream.error is None:
        try:
            pages = list(stream.pass_.finish(end))
        except Exception as error:  # noqa: BLE001 - a plugin's bug must not end the others
            stream.error = plugin_broke(stream.driver.planned.provider, error)
        else:
            stream.driver.store(pages)
            return
    stream.driver.fail(stream.error)
