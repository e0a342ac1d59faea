"""One decode for every plugin that is fed frames, and for the thumbnails.

A stream that fails is left behind with its error; the others and the decode go on.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction

from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.media.reader import (
    DecodeEnd,
    FedFrames,
    MediaReader,
    Thumbnail,
    ThumbnailSpec,
)
from video_pipeline.pipeline.jobs.unit_run import UnitDriver, plugin_broke
from video_pipeline.pipeline.source.local_copy import LocalSource
from video_pipeline.plugins.base import FrameStream, Progress, Streams
from video_pipeline.plugins.inputs import FrameBatch, Frames


@dataclass(slots=True)
class Stream:
    """A plugin's pass over the frames, and the error that ended it early."""

    driver: UnitDriver
    feed: Frames
    pass_: FrameStream
    error: PipelineError | None = None


@dataclass(slots=True)
class Pictures:
    """What one decode shall serve."""

    streams: list[Stream] = field(default_factory=list[Stream])
    thumbnails: ThumbnailSpec | None = None
    on_thumbnail: Callable[[Thumbnail], None] | None = None

    @property
    def feeds(self) -> list[Frames]:
        """What the decode is asked for; streams that want the same share it."""
        return list(dict.fromkeys(s.feed for s in self.streams))


def open_stream(driver: UnitDriver, plugin: Streams, media: MediaInfo) -> Stream:
    """Begin a unit that is fed frames. Raises ProviderError for a plugin that is fed otherwise."""
    feed = driver.planned.plugin.capabilities().fed
    if not isinstance(feed, Frames):
        raise plugin_broke(driver, TypeError(f"a stream is fed frames, not {type(feed).__name__}"))
    driver.begin()
    try:
        return Stream(driver, feed, plugin.start(driver.planned.request, media))
    except Exception as broken:
        error = plugin_broke(driver, broken)
        driver.fail(error)
        raise error from broken


def decode(
    reader: MediaReader,
    source: LocalSource,
    media: MediaInfo,
    pictures: Pictures,
    progress: Progress,
) -> DecodeEnd:
    """Decode once and feed everybody; each stream that lives to the end has its pages stored.

    Raises InputError and StorageError where the source cannot be read; then no stream has pages.
    """
    feeds, end = pictures.feeds, DecodeEnd(end=Fraction(0), frames=0)
    length = float(media.video.duration if media.video else media.duration) or 1.0
    with source.open() as opened:
        for found in reader.decode(opened, media, feeds, pictures.thumbnails):
            if isinstance(found, FedFrames):
                _feed(pictures, feeds[found.feed], found.batch)
                progress(float(found.batch.start_of(-1)) / length)
            elif isinstance(found, DecodeEnd):
                end = found
            elif pictures.on_thumbnail is not None:
                pictures.on_thumbnail(found)
    for stream in pictures.streams:
        _finish(stream, end.end)
    return end


def _feed(pictures: Pictures, feed: Frames, batch: FrameBatch) -> None:
    for stream in pictures.streams:
        if stream.feed == feed and stream.error is None:
            try:
                stream.pass_.feed(batch)
            except Exception as error:  # noqa: BLE001 - a plugin's bug must not end the others
                stream.error = plugin_broke(stream.driver, error)


def _finish(stream: Stream, end: Fraction) -> None:
    if stream.error is None:
        try:
            pages = list(stream.pass_.finish(end))
        except Exception as error:  # noqa: BLE001 - a plugin's bug must not end the others
            stream.error = plugin_broke(stream.driver, error)
        else:
            stream.driver.store(pages)
            return
    stream.driver.fail(stream.error)
