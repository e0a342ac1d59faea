"""Opening hostile media in the child: allowed containers only, and no other file."""

import os
from collections.abc import Callable
from typing import Any, NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.error import ArgumentError, FFmpegError
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
# What pictures begin with, and where. Some of them a demuxer would open as a video of one frame.
_PICTURES = (
    (0, b"GIF8", "a GIF"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\0", "a TIFF picture"),
    (0, b"MM\0*", "a TIFF picture"),
    (0, b"\xff\x0a", "a JPEG XL picture"),
    (0, b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (4, b"JXL ", "a JPEG XL picture"),
    (4, b"jP  ", "a JPEG 2000 picture"),
    (4, b"ftypcrx ", "a raw picture of a camera"),
    (8, b"WEBP", "a WebP picture"),
)
# Brands of still pictures in boxes, unless the file also has a film: as an animation has.
_STILL_BRANDS = {
    **dict.fromkeys((b"avif", b"avio", b"avis"), "an AVIF picture"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx"), "a HEIC picture"),
    **dict.fromkeys((b"mif1", b"mif2", b"msf1", b"miaf"), "a HEIF picture"),
}
_BEGIN_BYTES = 64
_FIRST_BOXES = frozenset({b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip"})
# Boxes at the top of an MP4 file that are looked at. Fragmented files have thousands.
_MOST_BOXES = 16


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
        self._is_looked_at = False

    def open(self) -> InputContainer:
        """Read the headers. Raises MediaFault for anything but an allowed container."""
        if not self._is_looked_at:
            self._refuse_pictures()
            self._is_looked_at = True
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
        """Raise MediaFault for a still picture, and for two films one after the other."""
        begin, boxes = self._file().read(_BEGIN_BYTES), list[bytes]()
        kinds = [kind for at, mark, kind in _PICTURES if begin[at:].startswith(mark)]
        if begin[4:8] in _FIRST_BOXES:
            boxes = self._boxes()
        if begin[4:8] == b"ftyp" and b"moov" not in boxes:
            listed = begin[8 : int.from_bytes(begin[:4], "big")]
            brands = [listed[at : at + 4] for at in range(0, len(listed), 4)]
            kinds += [_STILL_BRANDS[brand] for brand in brands if brand in _STILL_BRANDS]
        if kinds:
            raise MediaFault(f"it is {kinds[0]}, and no video", _KINDS)
        if boxes.count(b"moov") > 1:
            raise MediaFault(
                "it is several films one after the other in one file",
                "Deliver each as a video of its own, or join them with a video editor.",
            )

    def _boxes(self) -> list[bytes]:
        """Return the kinds of the first boxes of an MP4 file."""
        file, at, kinds = self._file(), 0, list[bytes]()
        while len(kinds) < _MOST_BOXES and at < file.size:
            file.seek(at)
            head = file.read(16)
            size = int.from_bytes(head[:4], "big")
            if size == 1:
                size = int.from_bytes(head[8:], "big")
            if size < 8:
                break
            kinds.append(head[4:8])
            at += size
        return kinds

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
