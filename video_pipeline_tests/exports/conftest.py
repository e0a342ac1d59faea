"""A timeline to export, with something of everything in it."""

from collections.abc import Callable
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from video_pipeline.domain.media import AudioStream, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult, Provenance, Timeline, TimelineMedia
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.domain.usage import Meter, Usage

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
NTSC = FrameRate(per_second=Fraction(30000, 1001))

MakeTimeline = Callable[[Transcript], Timeline]


@pytest.fixture
def make_timeline() -> MakeTimeline:
    return _timeline


@pytest.fixture
def timeline() -> Timeline:
    spoken = TimeRange(start=Fraction(1, 3), end=Fraction(2, 3))
    word = Word(text="Grüße", range=spoken, confidence=0.5, speaker="Zoë")
    segment = Segment(text="Grüße", range=spoken, words=(word,), speaker="Zoë")
    return _timeline(Transcript(language="de", language_confidence=0.9, segments=(segment,)))


def _timeline(transcript: Transcript) -> Timeline:
    return Timeline(
        key=VideoKey(project="acme", video="intro"),
        source_name="Intro – 映像",
        media=_media(),
        phases=(_result(),),
        markers=(
            Marker(kind=Kind.SHOT, range=NTSC.range_of(0, 1)),
            Marker(
                kind="x-logo",
                range=NTSC.range_of(1, 30),
                label="acme",
                confidence=0.25,
                track="t1",
                box=Box(left=0, top=0.5, width=0.25, height=0.25),
            ),
        ),
        transcript=transcript,
        warnings=("objects: not configured",),
        published_at=NOW,
    )


def _media() -> TimelineMedia:
    video = VideoStream(
        codec="h264",
        width=1280,
        height=720,
        frame_rate=NTSC,
        time_base=Fraction(1, 30000),
        duration=Fraction(1001, 1000),
        frames=30,
    )
    audio = AudioStream(codec="aac", sample_rate=48000, channels=2, duration=Fraction(1))
    return TimelineMedia(
        container="mov,mp4",
        size=12345,
        sha256="0" * 64,
        duration=Fraction(1001, 1000),
        video=video,
        audio=audio,
    )


def _result() -> PhaseResult:
    provenance = Provenance(
        provider="light",
        plugin="pyscenedetect",
        version="0.7",
        options={"b": [1, None, {"start": "x", "end": 2.5}], "a": True},
        choice="abc",
        content="0" * 64,
        started_at=NOW,
        ended_at=NOW,
    )
    usage = Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(1001, 1000), paid=False)
    return PhaseResult(
        phase=Phase.SHOTS,
        state=PhaseState.DONE,
        provenance=provenance,
        counts={"shots": 1},
        outputs=("pictures/0.jpg",),
        usage=(usage,),
    )
