"""What a container declares against what a decode finds."""

from fractions import Fraction

import pytest

from video_pipeline.domain.media import DecodedVideo, MediaInfo, VideoStream
from video_pipeline.domain.time import FrameRate

_NTSC = Fraction(30000, 1001)


def _declared(**changed: object) -> MediaInfo:
    stream = VideoStream(
        codec="h264",
        width=320,
        height=180,
        frame_rate=FrameRate(per_second=_NTSC),
        time_base=Fraction(1, 30000),
        duration=300 / _NTSC,
        frames=300,
    ).model_copy(update=changed)
    facts = {"container": "mp4", "size": 1, "sha256": "a" * 64, "audio": None}
    return MediaInfo(**facts, duration=stream.duration, video=stream)  # type: ignore[arg-type]


def _decoded(frames: int = 300, rate: Fraction = _NTSC, **facts: bool) -> DecodedVideo:
    return DecodedVideo(
        frames=frames,
        frame_rate=FrameRate(per_second=rate),
        last=(frames - 1) / rate,
        end=frames / rate,
        **facts,
    )


@pytest.mark.parametrize(
    ("declared", "decoded", "warnings"),
    [
        (_declared(), _decoded(), []),
        (_declared(frames=None), _decoded(), []),
        (_declared(frame_rate=FrameRate(per_second=Fraction(2997, 100))), _decoded(), []),
        (
            _declared(frames=301),
            _decoded(),
            ["the container declares 301 frames, but 300 were decoded"],
        ),
        (
            _declared(),
            _decoded(rate=_NTSC * Fraction(1001, 999)),
            ["the container declares 29.970 frames a second, but 30.030 were decoded"],
        ),
        (_declared(), _decoded(rate=_NTSC * Fraction(1001, 999), variable_rate=True), []),
        (
            _declared(duration=Fraction(11), frames=None),
            _decoded(),
            ["the container declares 11.000 s of video, but the last frame ends at 10.010 s"],
        ),
    ],
    ids=["equal", "no count", "a rounded rate", "frames", "rate", "a varying rate", "end"],
)
def test_differences_of_declared_and_decoded(
    declared: MediaInfo, decoded: DecodedVideo, warnings: list[str]
) -> None:
    assert list(declared.differences(decoded)) == warnings


def test_a_longer_decode_extends_the_duration() -> None:
    declared = _declared()
    assert declared.lasting(_decoded(303)).duration == 303 / _NTSC
    assert declared.lasting(_decoded(30)) == declared.lasting(None) == declared
