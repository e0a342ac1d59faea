"""Opening hostile media in the child: allowed containers only, and no other file."""

import os
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from video_pipeline.media.protocol import MediaFault
from video_pipeline.media.remote import Positioned, RemoteFile

# Demuxers of single files. None that reads a list of others (concat, hls, dash, image2).
CONTAINERS = (
    "mov", "mp4", "matroska", "webm", "avi", "mpegts", "mpeg", "flv", "asf", "mxf",
    "ogg", "wav", "mp3", "aac", "flac",
)  # fmt: skip
_READ_BYTES = 1 << 18
_KINDS = f"Deliver a complete file of one of these kinds: {', '.join(CONTAINERS)}."
# What pictures begin with, and where. AVIF and HEIC would open as MP4, as a video of one frame.
_PICTURES = (
    (0, b"GIF8", "a GIF"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (8, b"WEBP", "a WebP picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftypheic", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIF picture"),
)
_BEGIN_BYTES = 12


class Descriptor(Positioned):
    """An open file read by position, so that children sharing it do not move each other."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor, self.size = descriptor, os.fstat(descriptor).st_size

    def read(self, size: int) -> bytes:
        """Return the next bytes, none at the end."""
        found = os.pread(self._descriptor, size, self._position)
        self._position += len(found)
        return found


class Input:
    """The input, which a task may open several times.

    `served_bytes` is the size of a source that the parent reads, None for a descriptor. `beat` is
    called for each packet, to show that a busy task has not stalled.
    """

    def __init__(
        self,
        descriptor: int,
        max_pixels: int,
        threads: int,
        beat: Callable[[], None],
        served_bytes: int | None = None,
    ) -> None:
        self.served_bytes, self.beat = served_bytes, beat
        self.descriptor, self.max_pixels, self.threads = descriptor, max_pixels, threads

    def open(self) -> InputContainer:
        """Read the headers. Raises MediaFault for anything but an allowed container."""
        self._refuse_pictures()
        options = {
            "format_whitelist": ",".join(CONTAINERS),
            "protocol_whitelist": "",
            "enable_drefs": "0",
            "max_pixels": str(self.max_pixels),
            "threads": "1",
        }
        try:
            return av.open(
                self._file(),
                "r",
                options=options,
                buffer_size=_READ_BYTES,
                metadata_errors="replace",
                io_open=_refuse,
            )
        except FFmpegError as error:
            # The error of a container that is not in the list.
            foreign = isinstance(error, ArgumentError)
            why = "its kind is not supported" if foreign else error.strerror
            raise MediaFault(f"it cannot be read as a video ({why})", _KINDS) from error

    def _refuse_pictures(self) -> None:
        begin = self._file().read(_BEGIN_BYTES)
        for at, mark, kind in _PICTURES:
            if begin[at:].startswith(mark):
                raise MediaFault(f"it is {kind}, and no video", _KINDS)

    def _file(self) -> Descriptor | RemoteFile:
        if self.served_bytes is None:
            return Descriptor(self.descriptor)
        return RemoteFile(self.descriptor, self.served_bytes)

    def prepare(self, stream: VideoStream | AudioStream, **options: str) -> None:
        """Configure a stream's decoder. Raises MediaFault for frames that are too large."""
        if isinstance(stream, VideoStream):
            self.check_size(stream.codec_context.width, stream.codec_context.height)
        context = stream.codec_context
        context.thread_count = self.threads
        context.thread_type = "AUTO" if self.threads > 1 else "NONE"
        context.options = {"max_pixels": str(self.max_pixels), **options}

    def check_size(self, width: int, height: int) -> None:
        """Raise MediaFault for more pixels than the limit."""
        if width * height > self.max_pixels:
            raise MediaFault(
                f"its frame of {width} x {height} has more than {self.max_pixels:,} pixels",
                "Deliver it smaller, or raise the limit max_pixels.",
            )


def _refuse(url: str, flags: int, options: dict[str, Any]) -> NoReturn:
    raise PermissionError(f"the media refers to another file: {url[:200]}")


def first_video(streams: Iterable[Stream]) -> VideoStream | None:
    """Return the first video stream that is no cover art."""
    for stream in streams:
        if isinstance(stream, VideoStream) and not _is_picture(stream):
            return stream
    return None


def _is_picture(stream: VideoStream) -> bool:
    still = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
    return bool(Disposition(stream.disposition) & still)


def first_audio(streams: Iterable[Stream]) -> AudioStream | None:
    return next((stream for stream in streams if isinstance(stream, AudioStream)), None)
