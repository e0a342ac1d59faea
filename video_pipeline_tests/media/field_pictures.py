"""H.264 of field pictures, written bit by bit, as no encoder of PyAV makes them."""

import io
from fractions import Fraction
from pathlib import Path
from typing import Self

import av

# Macroblocks in width and height.
_SIZE = 4
_GOP = 10
_IDR, _SLICE, _SPS, _PPS = 5, 1, 7, 8
_PCM_MACROBLOCK = 25
_DELIMITER = b"\0\0\0\1\x09\x30"


class _Bits:
    """Codes of H.264 in a row. See ITU-T H.264, 9.1."""

    def __init__(self) -> None:
        self.text = ""

    def u(self, *values: int, width: int = 1) -> Self:
        self.text += "".join(format(value, f"0{width}b") for value in values)
        return self

    def ue(self, *values: int) -> Self:
        for value in values:
            code = format(value + 1, "b")
            self.text += "0" * (len(code) - 1) + code
        return self

    def aligned(self) -> Self:
        self.text += "0" * (-len(self.text) % 8)
        return self

    def unit(self, kind: int) -> bytes:
        """Return a NAL unit with these bits as content."""
        self.u(1).aligned()
        raw, zeros = bytearray(), 0
        for byte in int(self.text, 2).to_bytes(len(self.text) // 8, "big"):
            if zeros >= 2 and byte <= 3:
                raw.append(3)
                zeros = 0
            raw.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return b"\0\0\0\1" + bytes([3 << 5 | kind]) + bytes(raw)


def _headers(rate: int) -> bytes:
    """Return the parameters of main profile, 8 bits of frame number, order by decoding."""
    sps = _Bits().u(77, 0, 30, width=8).ue(0, 4, 2, 1).u(0).ue(_SIZE - 1, _SIZE // 2 - 1)
    # Fields or frames, no adaptive frames, direct inference, no cropping, usage information.
    sps.u(0, 0, 1, 0, 1).u(0, 0, 0, 0, 1).u(1, 2 * rate, width=32).u(1, 0, 0, 0, 0)
    pps = _Bits().ue(0, 0).u(0, 0).ue(0, 0, 0).u(0, 0, 0).ue(0, 0, 0).u(1, 0, 0)
    return sps.unit(_SPS) + pps.unit(_PPS)


def _field(number: int, bottom: bool, level: int) -> bytes:
    """Return one gray field."""
    is_idr = number == 0 and not bottom
    bits = _Bits().ue(0, 7, 0).u(number % 256, width=8).u(1, bottom)
    if is_idr:
        bits.ue(0).u(0)
    bits.u(0).ue(0, 1)
    for _ in range(_SIZE * _SIZE // 2):
        bits.ue(_PCM_MACROBLOCK).aligned().u(*[level] * 256, *[128] * 128, width=8)
    return bits.unit(_IDR if is_idr else _SLICE)


def write_fields(path: Path, frames: int, rate: int, *, paired: bool) -> None:
    """Write a film of field pictures. `paired`: both fields of a frame are one packet."""
    units: list[bytes] = []
    for number in range(frames):
        head = _headers(rate) if number % _GOP == 0 else b""
        first, second = (_field(number, bottom, 40 + number * 2) for bottom in (False, True))
        fields = [_DELIMITER + head + first, _DELIMITER + second]
        units += [b"".join(fields)] if paired else fields
    raw = av.open(io.BytesIO(b"".join(units)), format="h264")
    with raw, av.open(str(path), "w") as output:
        stream = output.add_stream_from_template(raw.streams.video[0])
        for number, unit in enumerate(units):
            packet = av.Packet(unit)
            packet.stream, packet.time_base = stream, Fraction(frames, rate * len(units))
            packet.pts = packet.dts = number
            packet.duration, packet.is_keyframe = 1, number == 0
            output.mux(packet)
