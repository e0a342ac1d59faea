"""The media reader: every method starts a confined child for one task and checks what it says."""

import os
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

from video_pipeline.domain.errors import MediaError
from video_pipeline.domain.media import MediaInfo, VideoStream
from video_pipeline.media.answers import NOT_AS_AGREED, decoded
from video_pipeline.media.process import Child
from video_pipeline.media.reader import (
    DecodeEnd,
    FedFrames,
    MediaLimits,
    Thumbnail,
    ThumbnailSpec,
)
from video_pipeline.media.serving import descriptor_of
from video_pipeline.media.shape import even_height
from video_pipeline.media.source import check_plain, name_of
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio, Frames

_DEFAULT_LIMITS = MediaLimits()
_SAMPLE_BYTES = 2
_MARGIN_SECONDS = 1
"""Sound is believed to go on for this long after what probing found."""


class ChildMediaReader:
    """Reads hostile media in children of its own, one a call. See MediaReader.

    An iterator of `decode` is consumed in the thread that asks it for its first value.
    """

    def __init__(self, limits: MediaLimits = _DEFAULT_LIMITS) -> None:
        self._limits = limits

    def probe(self, source: BinaryIO, sha256: str) -> MediaInfo:
        """Container and streams. Raises MediaError, SourceError."""
        if descriptor_of(source) is not None:
            check_plain(source)
        size = source.seek(0, os.SEEK_END)
        with Child(source, name_of(source), self._limits, "probe", {}) as child:
            for message in child.messages():
                facts = {name: fact for name, fact in message.facts.items() if name != "kind"}
                try:
                    return MediaInfo.model_validate({**facts, "size": size, "sha256": sha256})
                except ValueError as error:
                    raise child.nonsense("facts of no video") from error
            raise child.nonsense("no facts")

    def audio(self, source: BinaryIO, media: MediaInfo, into: Path) -> Audio:
        """Write the first audio stream to the file `into`. Raises MediaError, SourceError."""
        if media.audio is None:
            raise MediaError(
                "it has no audio",
                where=name_of(source),
                remedy="Ask for audio only where there is.",
            )
        try:
            return self._written(source, media, into)
        except BaseException:
            into.unlink(missing_ok=True)
            raise

    def _written(self, source: BinaryIO, media: MediaInfo, into: Path) -> Audio:
        arguments = {
            "rate": AUDIO_RATE,
            "zero": str(media.video.start) if media.video else None,
            "longest": str(media.duration + _MARGIN_SECONDS),
        }
        start = 0
        with self._child(source, "audio", arguments) as child, into.open("wb") as file:
            for message in child.messages():
                try:
                    if message.kind == "samples":
                        file.write(message.payload.data)
                    elif message.kind == "silence":
                        # A hole reads as zeros and takes no space.
                        file.seek(int(message.facts["samples"]) * _SAMPLE_BYTES, os.SEEK_CUR)
                    else:
                        start = int(message.facts["start"])
                except NOT_AS_AGREED as error:
                    raise child.nonsense("sound out of place") from error
            file.truncate()
            samples = file.tell() // _SAMPLE_BYTES
        return Audio(path=into, samples=samples, start=Fraction(start, AUDIO_RATE))

    def decode(
        self,
        source: BinaryIO,
        media: MediaInfo,
        feeds: Sequence[Frames],
        thumbnails: ThumbnailSpec | None = None,
    ) -> Iterator[FedFrames | Thumbnail | DecodeEnd]:
        """One decode for all feeds and the thumbnails. Raises MediaError, SourceError."""
        video = media.video
        if video is None:
            raise MediaError(
                "it has no video",
                where=name_of(source),
                remedy="Ask for frames only where there is.",
            )
        sizes = [self._size(source, feed.width, feed.height, video) for feed in feeds]
        arguments = {
            "rate": str(video.frame_rate.per_second),
            "rotation": video.rotation,
            "feeds": [
                {"size": size, "pixel_format": feed.pixel_format, "every": feed.every}
                for feed, size in zip(feeds, sizes, strict=True)
            ],
            "thumbnails": thumbnails and self._thumbnails(source, thumbnails, video),
        }
        with self._child(source, "decode", arguments) as child:
            for message in child.messages():
                try:
                    value = decoded(message, feeds, sizes, video)
                except NOT_AS_AGREED as error:
                    raise child.nonsense("frames out of shape") from error
                yield value

    def _thumbnails(
        self, source: BinaryIO, spec: ThumbnailSpec, video: VideoStream
    ) -> dict[str, Any]:
        size = self._size(source, spec.width, None, video)
        return {"size": size, "every": str(spec.every), "most": spec.most}

    def _size(
        self, source: BinaryIO, width: int, height: int | None, video: VideoStream
    ) -> tuple[int, int]:
        height = height or even_height(width, (video.width, video.height))
        if width * height > self._limits.max_pixels:
            raise MediaError(
                f"frames of {width} x {height} have more than {self._limits.max_pixels:,} pixels",
                where=name_of(source),
                remedy="Ask for smaller frames.",
            )
        return width, height

    def _child(self, source: BinaryIO, task: str, arguments: Any = None) -> Child:
        check_plain(source)
        return Child(source, name_of(source), self._limits, task, arguments or {})
