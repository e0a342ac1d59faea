"""The child's task `audio`: the audio stream as 16 kHz mono, on the clock of the video."""

from array import array
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, cast

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from video_pipeline.media.child.decoding import Damage, frames_of, read
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.placement import Placement
from video_pipeline.media.child.streams import choose_audio
from video_pipeline.media.protocol import MediaFault, Outlet

_SAMPLE_BYTES = 2
_PIECE_BYTES = 1 << 16


# Codes of a sample in struct, the middle, and the loudest; by the format's name without the "p".
_FORMATS: dict[str, tuple[Any, int, int]] = {
    "u8": ("B", 128, 128),
    "s16": ("h", 0, 1 << 15),
    "s32": ("i", 0, 1 << 31),
    "flt": ("f", 0, 1),
    "dbl": ("d", 0, 1),
}
_PAIRS = (("FL", "FR"), ("BL", "BR"), ("SL", "SR"), ("FLC", "FRC"))
# Samples of a pair that are compared in a stretch of so many seconds.
_COMPARED, _STRETCH_SECONDS = 32, Fraction(1, 50)
# The mix of two channels cancels below this share of their own energy. Alike channels give 1,
# unlike ones a half.
_CANCELS = 0.05
# Energy of a sample below which all is silence: 80 dB under the loudest.
_SILENCE = 1e-8
_REPORTED_SECONDS = 1


class _Pair:
    """Two channels that belong together, and whether their mix cancels at the moment."""

    def __init__(self, left: int, right: int) -> None:
        self.left, self.right = left, right
        self.cancels = False
        self._samples = self._compared = 0
        self._own = self._mixed = 0.0

    def take(self, frame: AudioFrame) -> None:
        """Compare the frame's samples, and decide when a stretch is complete."""
        step = max(1, frame.samples // _COMPARED)
        lefts, rights = (_channel(frame, one)[::step] for one in (self.left, self.right))
        _, middle, loudest = _FORMATS[frame.format.name.removesuffix("p")]
        for left, right in zip(lefts, rights, strict=True):
            left, right = (left - middle) / loudest, (right - middle) / loudest
            self._own += (left * left + right * right) / 2
            self._mixed += (left + right) * (left + right) / 4
        self._compared += len(lefts)
        self._samples += frame.samples
        if self._samples >= frame.sample_rate * _STRETCH_SECONDS:
            loud = self._own > _SILENCE * self._compared
            self.cancels = loud and self._mixed < _CANCELS * self._own
            self._samples = self._compared = 0
            self._own = self._mixed = 0.0


class _Inversion:
    """Replaces a right channel that is the left one inverted, so that the mix is not silent.

    Other frames stay as they are. Each stretch is judged by itself, from the stream alone: a
    restarted decode gives the same samples.
    """

    def __init__(self) -> None:
        self._layout = ""
        self._pairs: list[_Pair] = []
        self._cancelled = self._all = Fraction(0)

    def mend(self, frame: AudioFrame) -> None:
        """Copy left to right where their mix cancels."""
        if frame.layout.name != self._layout:
            self._layout, self._pairs = frame.layout.name, _pairs(frame)
        if frame.format.name.removesuffix("p") not in _FORMATS:
            return
        length = Fraction(frame.samples, frame.sample_rate)
        self._all += length
        for pair in self._pairs:
            pair.take(frame)
        inverted = [pair for pair in self._pairs if pair.cancels]
        for pair in inverted:
            _copy(frame, pair.left, pair.right)
        self._cancelled += length if inverted else 0

    @property
    def warnings(self) -> list[str]:
        """Return a warning if more than a moment was inverted."""
        if self._cancelled < min(_REPORTED_SECONDS, self._all / 2) or not self._cancelled:
            return []
        return [
            f"right and left cancel each other in {float(self._cancelled):.1f} of"
            f" {float(self._all):.1f} s of audio; only the left channel is used there"
        ]


def _pairs(frame: AudioFrame) -> list[_Pair]:
    names = {channel.name: index for index, channel in enumerate(frame.layout.channels)}
    found = [_Pair(names[one], names[other]) for one, other in _PAIRS if {one, other} <= set(names)]
    return found or ([_Pair(0, 1)] if frame.layout.nb_channels == 2 else [])


def _channel(frame: AudioFrame, number: int) -> Sequence[float]:
    """Return the samples of one channel."""
    code = _FORMATS[frame.format.name.removesuffix("p")][0]
    if frame.format.is_planar:
        return memoryview(cast(bytes, frame.planes[number])).cast(code)[: frame.samples]
    width = frame.layout.nb_channels
    whole = memoryview(cast(bytes, frame.planes[0])).cast(code)
    return whole[number : frame.samples * width : width]


def _copy(frame: AudioFrame, source: int, target: int) -> None:
    frame.make_writable()
    if frame.format.is_planar:
        frame.planes[target].update(bytes(frame.planes[source]))
        return
    code, width = _FORMATS[frame.format.name][0], frame.layout.nb_channels
    samples = array(code, bytes(frame.planes[0]))
    end = frame.samples * width
    samples[target:end:width] = samples[source:end:width]
    frame.planes[0].update(samples.tobytes())


class _Samples:
    """Resamples each stretch, and sends samples and silence in order."""

    def __init__(self, rate: int, bound: int, outlet: Outlet) -> None:
        self._rate, self._outlet = rate, outlet
        self.placement = Placement(rate, bound)
        self._resampler: AudioResampler | None = None
        self._form: tuple[object, ...] = ()
        self._expected = Fraction(0)
        self._waiting = bytearray()

    def take(self, frame: AudioFrame, at: Fraction | None) -> None:
        """Add a frame whose timestamp claims this moment, in seconds from time zero."""
        claimed = round((self._expected if at is None else at) * self._rate)
        form = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self.placement.breaks(round(self._expected * self._rate), claimed):
            self._stretch(claimed)
        elif form != self._form:
            self.flush()
            self._stretch(self.placement.written)
        self._form = form
        self._expected += Fraction(frame.samples, frame.sample_rate)
        self._resample(frame)

    def _stretch(self, claimed: int) -> None:
        self.flush()
        silence = self.placement.stretch(claimed)
        if silence:
            self._outlet.send("silence", samples=silence)
        self._expected = Fraction(claimed, self._rate)
        self._resampler = AudioResampler("s16", "mono", self._rate)

    def _resample(self, frame: AudioFrame | None) -> None:
        if self._resampler is None:
            return
        for ready in self._resampler.resample(frame):
            if ready is None:
                continue
            skip = self.placement.skipped(ready.samples)
            found = memoryview(ready.planes[0])[: ready.samples * _SAMPLE_BYTES]
            self._waiting += found[skip * _SAMPLE_BYTES :]
        if len(self._waiting) >= _PIECE_BYTES:
            self._send()

    def flush(self) -> None:
        """End the stretch, and send all that is buffered."""
        self._resample(None)
        self._resampler = None
        self._send()

    def _send(self) -> None:
        if self._waiting:
            self._outlet.send("samples", [memoryview(bytes(self._waiting))])
            self._waiting.clear()


def audio(source: Input, outlet: Outlet, *, rate: int, zero: str | None, longest: str) -> None:
    """Send the samples from time zero on, then the end. Raises MediaFault.

    `zero` is time zero on the container's clock, in seconds as a rational, None for the first
    sample. A timestamp after `longest` is not plausible.
    """
    container = source.open()
    stream = choose_audio(container).stream
    if stream is None:
        raise MediaFault("it has no audio that can be decoded", "Deliver the audio as AAC.")
    source.prepare(stream)
    samples, damage = _Samples(rate, round(Fraction(longest) * rate), outlet), Damage()
    inversion = _Inversion()
    start = None if zero is None else Fraction(zero)
    frames = 0
    for packet in read(source, container, (stream,), damage):
        for frame in frames_of(packet, damage):
            frames += 1
            moment = _moment(frame)
            if start is None:
                start = moment or Fraction(0)
            inversion.mend(frame)
            samples.take(frame, None if moment is None else moment - start)
    if not frames and damage.warnings:
        raise MediaFault("none of its audio can be decoded", "Encode the audio again.")
    samples.flush()
    outlet.send("end", start=samples.placement.start, warnings=damage.warnings + inversion.warnings)


def _moment(frame: AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base
