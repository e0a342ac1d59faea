"""The child's task `audio`: the audio stream as 16 kHz mono, on the clock of the video."""

from fractions import Fraction

from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler

from video_pipeline.media.child.decoding import Damage, frames_of, read
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.placement import Placement
from video_pipeline.media.child.streams import choose_audio
from video_pipeline.media.protocol import MediaFault, Outlet

_SAMPLE_BYTES = 2
_PIECE_BYTES = 1 << 16


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
    start = None if zero is None else Fraction(zero)
    frames = 0
    for packet in read(source, container, (stream,), damage):
        for frame in frames_of(packet, damage):
            frames += 1
            moment = _moment(frame)
            if start is None:
                start = moment or Fraction(0)
            samples.take(frame, None if moment is None else moment - start)
    if not frames and damage.warnings:
        raise MediaFault("none of its audio can be decoded", "Encode the audio again.")
    samples.flush()
    outlet.send("end", start=samples.placement.start, warnings=damage.warnings)


def _moment(frame: AudioFrame) -> Fraction | None:
    if frame.pts is None or frame.time_base is None:
        return None
    return frame.pts * frame.time_base
