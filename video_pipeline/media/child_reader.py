"""The media reader: each method starts a confined child for one task and checks its messages."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from fractions import Fraction
from io import UnsupportedOperation
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.errors import MediaError, SourceError
from video_pipeline.domain.media import DecodedVideo, MediaInfo, VideoStream
from video_pipeline.domain.time import Timecode
from video_pipeline.media.process import Child, Message
from video_pipeline.media.reader import (
    Candidate,
    CandidateSpec,
    DecodeEnd,
    FedFrames,
    MediaLimits,
)
from video_pipeline.media.restarts import THRIFT, Delivery, Thrift, restarted
from video_pipeline.media.serving import descriptor_of
from video_pipeline.media.shape import even_height
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio, FrameBatch, Frames

_DEFAULT_LIMITS = MediaLimits()
# Raised by reading an answer that is not of the agreed form.
_NOT_AS_AGREED = (KeyError, IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError)
_SAMPLE_BYTES = 2
# Audio may last this much longer than probing found.
_MARGIN_SECONDS = 1


class ChildMediaReader:
    """Reads hostile media in a child for each call. See MediaReader.

    A child that is killed from outside is started again, with less memory each time.

    Consume an iterator of `decode` in the thread that takes its first value.
    """

    def __init__(self, limits: MediaLimits = _DEFAULT_LIMITS) -> None:
        self._limits = limits

    def probe(self, source: BinaryIO, sha256: str) -> MediaInfo:
        """See MediaReader. Raises MediaError, SourceError, DecoderKilled."""
        if descriptor_of(source) is not None:
            _check_plain(source)
        size = source.seek(0, os.SEEK_END)
        for start in self._starts(source, "probe", {}):
            with start as child:
                for message in child.messages():
                    facts = {name: fact for name, fact in message.facts.items() if name != "kind"}
                    try:
                        found = MediaInfo.model_validate({**facts, "size": size, "sha256": sha256})
                        return _with_valid_timecode(found)
                    except ValueError as error:
                        raise child.nonsense("facts of no video") from error
                raise child.nonsense("no facts")
        raise AssertionError("the last start returns or raises")

    def audio(
        self,
        source: BinaryIO,
        media: MediaInfo,
        into: Path,
        progress: Progress = lambda fraction: None,
    ) -> Audio:
        """See MediaReader. Raises MediaError, SourceError, DecoderKilled."""
        if media.audio is None:
            raise MediaError(
                "it has no audio",
                where=_name_of(source),
                remedy="Request audio only of videos that have it.",
            )
        _check_plain(source)
        arguments = {
            "rate": AUDIO_RATE,
            "zero": str(media.video.start) if media.video else None,
            "longest": str(media.duration + _MARGIN_SECONDS),
        }
        try:
            for start in self._starts(source, "audio", arguments):
                with start as child, into.open("wb") as file:
                    return _written(child, into, file, media, progress)
        except BaseException:
            into.unlink(missing_ok=True)
            raise
        raise AssertionError("the last start returns or raises")

    def decode(
        self,
        source: BinaryIO,
        media: MediaInfo,
        feeds: Sequence[Frames],
        candidates: CandidateSpec | None = None,
    ) -> Iterator[FedFrames | Candidate | DecodeEnd]:
        """See MediaReader. Raises MediaError, SourceError, DecoderKilled."""
        video = media.video
        if video is None:
            raise MediaError(
                "it has no video",
                where=_name_of(source),
                remedy="Request frames only of videos that have them.",
            )
        _check_plain(source)
        sizes = [self._size(source, feed.width, feed.height, video) for feed in feeds]
        arguments = {
            "rate": str(video.frame_rate.per_second),
            "rotation": video.rotation,
            "mirrored": video.mirrored,
            "feeds": [
                {"size": size, "pixel_format": feed.pixel_format, "every": feed.every}
                for feed, size in zip(feeds, sizes, strict=True)
            ],
            "candidates": candidates and self._candidates(source, candidates, video),
        }
        delivery = Delivery(feeds)
        for start in self._starts(source, "decode", arguments):
            with start as child:
                for message in child.messages():
                    try:
                        value = delivery.rest(_decoded(message, feeds, sizes, video))
                    except _NOT_AS_AGREED as error:
                        raise child.nonsense("frames out of shape") from error
                    if value is not None:
                        yield value
                return

    def _candidates(
        self, source: BinaryIO, spec: CandidateSpec, video: VideoStream
    ) -> dict[str, Any]:
        size = self._size(source, spec.width, None, video)
        moments = [str(moment) for moment in spec.moments]
        return {"size": size, "every": str(spec.every), "most": spec.most, "moments": moments}

    def _size(
        self, source: BinaryIO, width: int, height: int | None, video: VideoStream
    ) -> tuple[int, int]:
        height = height or even_height(width, (video.width, video.height))
        if width * height > self._limits.max_pixels:
            raise MediaError(
                f"frames of {width} x {height} have more than {self._limits.max_pixels:,} pixels",
                where=_name_of(source),
                remedy="Request smaller frames.",
            )
        return width, height

    def _starts(
        self, source: BinaryIO, task: str, arguments: Mapping[str, Any]
    ) -> Iterator[AbstractContextManager[Child, bool | None]]:
        """Yield a child for the task, and the next one after each that was killed from outside."""
        *firsts, last = THRIFT
        for thrift in firsts:
            yield restarted(self._child(source, task, arguments, thrift))
        yield self._child(source, task, arguments, last)

    def _child(
        self, source: BinaryIO, task: str, arguments: Mapping[str, Any], thrift: Thrift
    ) -> Child:
        limits = thrift.limits(self._limits)
        return Child(source, _name_of(source), limits, task, arguments, thrift.batch_bytes)


def _with_valid_timecode(media: MediaInfo) -> MediaInfo:
    if media.timecode is None or media.video is None:
        return media
    try:
        Timecode.parse(media.timecode, media.video.frame_rate)
    except ValueError as error:
        warning = f"its timecode is left out: {error}"
        update = {"timecode": None, "warnings": (*media.warnings, warning)}
        return media.model_copy(update=update)
    return media


def _written(
    child: Child, into: Path, file: BinaryIO, media: MediaInfo, progress: Progress
) -> Audio:
    total = float(media.duration) * AUDIO_RATE * _SAMPLE_BYTES or 1.0
    start, warnings = 0, ()
    for message in child.messages():
        try:
            if message.kind == "samples":
                file.write(message.payload.data)
            elif message.kind == "silence":
                # A hole in the file reads as zeros and takes no space.
                file.seek(int(message.facts["samples"]) * _SAMPLE_BYTES, os.SEEK_CUR)
            else:
                start = int(message.facts["start"])
                warnings = tuple(map(str, message.facts["warnings"]))
        except _NOT_AS_AGREED as error:
            raise child.nonsense("audio out of place") from error
        progress(min(1.0, file.tell() / total))
    file.truncate()
    samples = file.tell() // _SAMPLE_BYTES
    return Audio(into, samples, Fraction(start, AUDIO_RATE), warnings=warnings)


def _decoded(
    message: Message,
    feeds: Sequence[Frames],
    sizes: Sequence[tuple[int, int]],
    video: VideoStream,
) -> FedFrames | Candidate | DecodeEnd:
    """Return the value of `decode` for one message."""
    facts = message.facts
    if message.kind == "frames":
        feed = int(facts["feed"])
        batch = FrameBatch(
            pixels=_pixels(message, sizes[feed], feeds[feed].pixel_format == "gray"),
            pts=np.array(facts["pts"], np.int64),
            time_base=video.time_base,
            first=int(facts["first"]),
        )
        return FedFrames(feed, batch)
    if message.kind == "candidate":
        begins = facts["begins"]
        return Candidate(
            Fraction(facts["at"]),
            message.payload.tobytes(),
            None if begins is None else Fraction(begins),
        )
    found = {name: fact for name, fact in facts.items() if name != "kind"}
    return DecodeEnd(DecodedVideo.model_validate(found))


def _pixels(message: Message, size: tuple[int, int], gray: bool) -> NDArray[np.uint8]:
    """Return the payload without padding, as (n, height, width), or with 3 more for colour."""
    width, height = size
    row = width if gray else width * 3
    count, stride = len(message.facts["pts"]), int(message.facts["stride"])
    rows = message.payload.reshape(count, height, stride)[:, :, :row]
    shape = (count, height, width) if gray else (count, height, width, 3)
    return np.ascontiguousarray(rows).reshape(shape)


def _check_plain(source: BinaryIO) -> None:
    """Raise SourceError unless the source is a regular file opened without a symlink."""
    try:
        mode = os.fstat(source.fileno()).st_mode
    except UnsupportedOperation as error:
        raise _not_plain(source, "has no descriptor") from error
    name = getattr(source, "name", None)
    if not stat.S_ISREG(mode):
        raise _not_plain(source, "is no plain file")
    if isinstance(name, str) and Path(name).is_symlink():
        raise _not_plain(source, "was opened by a symlink")


def _not_plain(source: BinaryIO, what: str) -> SourceError:
    return SourceError(
        f"the source {what}", where=_name_of(source), remedy="Deliver the video as a plain file."
    )


def _name_of(source: BinaryIO) -> str:
    """Return the source's name for errors: the file's name without its folder."""
    name = getattr(source, "name", None)
    return Path(name).name if isinstance(name, str) else "the source"
