"""The choice of the streams to analyse, the same in every task of the child."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Generic, TypeVar

from av.audio.stream import AudioStream
from av.container import InputContainer
from av.stream import Disposition
from av.video.stream import VideoStream

from video_pipeline.media.child.decoding import Damage, read
from video_pipeline.media.child.opening import Input

# Codecs of pictures, of which some can also be films.
_PICTURE_CODECS = frozenset({
    "mjpeg", "png", "bmp", "tiff", "webp", "gif", "jpeg2000", "jpegls", "jpegxl", "targa", "ppm",
})  # fmt: skip
_COVER = Disposition.attached_pic | Disposition.timed_thumbnails | Disposition.still_image
# Packets of another film, and of all streams, after which a second picture is not expected.
_FILM_PACKETS, _MOST_PACKETS = 50, 5000
# A single picture that is shown for so many seconds is a film where there is no other.
_LONG_SECONDS = 1
_UNKNOWN = "no decoder knows it"

S = TypeVar("S", VideoStream, AudioStream)


@dataclass(frozen=True, slots=True)
class Choice(Generic[S]):
    """The stream to analyse, None without one, and warnings of those that are left out."""

    stream: S | None
    warnings: list[str] = field(default_factory=list[str])


def choose_video(source: Input, container: InputContainer) -> Choice[VideoStream]:
    """Return the default film, else the first: no cover art, and no still picture.

    A film that no decoder knows is chosen if there is no other, so that it is not passed over.
    """
    streams = [one for one in container.streams.video if not Disposition(one.disposition) & _COVER]
    unfit = dict.fromkeys(_pictures(source, streams), "it is a still picture")
    unknown = {one.index for one in streams if not _is_decodable(one)}
    if len(unfit.keys() | unknown) < len(streams):
        unfit |= dict.fromkeys(unknown, _UNKNOWN)
    return _chosen("video", streams, unfit)


def choose_audio(container: InputContainer) -> Choice[AudioStream]:
    """Return the default audio that can be decoded, else the first."""
    streams = list(container.streams.audio)
    unfit = {one.index: _UNKNOWN for one in streams if not _is_decodable(one)}
    return _chosen("audio", streams, unfit)


def _is_decodable(stream: VideoStream | AudioStream) -> bool:
    context = stream.codec_context
    if isinstance(stream, AudioStream):
        return context is not None and stream.codec_context.sample_rate > 0
    return context is not None


def _chosen(kind: str, streams: Sequence[S], unfit: Mapping[int, str]) -> Choice[S]:
    fit = [one for one in streams if one.index not in unfit]
    defaults = [one for one in fit if Disposition(one.disposition) & Disposition.default]
    stream = next(iter(defaults or fit), None)
    numbers = {one.index: number for number, one in enumerate(streams, 1)}
    reason = ""
    if stream is not None:
        is_default = 0 < len(defaults) < len(fit)
        what = "the default" if is_default else "the first"
        reason = f"stream {numbers[stream.index]} is {what}"
    return Choice(
        stream,
        [
            f"{kind} stream {numbers[one.index]} of {len(streams)} ({_described(one)})"
            f" is left out: {unfit.get(one.index, reason)}"
            for one in streams
            if stream is None or one.index != stream.index
        ],
    )


def _described(stream: VideoStream | AudioStream) -> str:
    known = stream.codec_context is not None
    codec = stream.codec.canonical_name if known else "unknown codec"
    language = stream.language
    return f"{language[:20]}, {codec}" if language and language != "und" else codec


def _pictures(source: Input, streams: Sequence[VideoStream]) -> set[int]:
    """Return which streams are single pictures, from the first packets of a container of its own.

    Only streams of a picture's codec cost this look.
    """
    doubtful = {
        one.index
        for one in streams
        if one.codec_context is not None and one.codec.canonical_name in _PICTURE_CODECS
    }
    if not doubtful:
        return set()
    films = {one.index for one in streams} - doubtful
    counts, long = Counter[int](), set[int]()
    with source.open() as container:
        for packet in read(source, container, tuple(container.streams), Damage()):
            index, base = packet.stream.index, packet.stream.time_base or Fraction(0)
            counts[index] += bool(packet.size)
            if (packet.duration or 0) * base >= _LONG_SECONDS:
                long.add(index)
            if (
                all(counts[one] > 1 for one in doubtful)
                or any(counts[one] >= _FILM_PACKETS for one in films)
                or counts.total() >= _MOST_PACKETS
            ):
                break
    return {one for one in doubtful if counts[one] <= 1 and (films or one not in long)}
