"""What a person reads of a result: facts as plain text, whatever names and words hold."""

from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import boto3
import dagster as dg
import pytest

from video_pipeline.defs.videos.facts import Reading, facts
from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.results.transcript import Segment, Word
from video_pipeline.domain.source import Source, VideoRecord
from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.storage.s3.outputs import S3Outputs
from video_pipeline_tests.defs.opened import Opened

KEY, FOREIGN = VideoKey.parse("acme/talk"), VideoKey.parse("globex/talk")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOSTILE = "# [x](http://a.b) <img src=x>|\u202e\u200f'\"`\n" + "x" * 250
PICTURE = VideoStream(
    codec="h264",
    width=1920,
    height=1080,
    frame_rate=FrameRate(per_second=Fraction(30000, 1001)),
    time_base=Fraction(1, 30000),
    duration=Fraction(26),
)
AUDIO = AudioStream(codec="aac", sample_rate=44_100, channels=2, duration=Fraction(51, 2))
MEDIA = MediaInfo(
    container="mp4",
    size=1_234_567,
    sha256="5a" * 32,
    duration=Fraction(26),
    video=PICTURE,
    audio=AUDIO,
)


def span(start: int, end: int) -> TimeRange:
    return TimeRange(start=Fraction(start), end=Fraction(end))


def record(name: str = "talk", media: MediaInfo | None = MEDIA, size: int = 1_234_567):
    object_key = f"{KEY.prefix}{name.replace('/', '_')}.mp4"
    source = Source(key=KEY, object_key=object_key, name=name, version="1", size=size)
    return VideoRecord(source=source, arrived_at=NOW, sha256="5a" * 32, media=media)


def result(phase: Phase, outputs: tuple[str, ...] = (), **counts: int) -> PhaseResult:
    return PhaseResult(phase=phase, state=PhaseState.DONE, counts=counts, outputs=outputs)


@pytest.fixture
def run(stage: Opened) -> VideoRun:
    return VideoRun.of(stage.services, KEY)


@pytest.fixture
def in_buckets(run: VideoRun) -> VideoRun:
    """Return the run with stores in buckets of AWS, which are not asked."""
    client = boto3.client(
        "s3", region_name="eu-central-1", aws_access_key_id="a", aws_secret_access_key="b"
    )
    ingest = S3Ingest(client, "videos").project("acme")
    return replace(run, ingest=ingest, outputs=S3Outputs(client, "results").project("acme"))


def shown(value: Any) -> Any:
    return value.value if isinstance(value, dg.MetadataValue) else value


def read(run: VideoRun, of: PhaseResult, known: VideoRecord | None = None) -> dict[str, Any]:
    return {name: shown(value) for name, value in facts(Reading(run, known, of)).items()}


def test_source_in_a_folder_has_its_path(run: VideoRun, stage: Opened) -> None:
    told = read(run, result(Phase.SOURCE_VIDEO, bytes=1), record())
    assert list(told) == ["key", "address", "size", "arrived", "SHA-256"]
    assert told["address"].endswith(f"/ingest/{KEY.prefix}talk.mp4")
    assert told["size"] == "1.2 MB (1,234,567 bytes)"
    assert told["arrived"] == NOW.timestamp()
    assert told["SHA-256"] == "5a5a5a5a5a5a..."


def test_source_in_a_bucket_has_address_and_console(in_buckets: VideoRun) -> None:
    told = read(in_buckets, result(Phase.SOURCE_VIDEO), record())
    assert told["address"] == f"s3://videos/{KEY.prefix}talk.mp4"
    assert told["console"].startswith("https://console.aws.amazon.com/s3/object/videos?")
    assert "Signature" not in str(told)


def test_source_outside_of_the_layout_has_no_address(run: VideoRun) -> None:
    source = record().source.model_copy(update={"object_key": "elsewhere/talk.mp4"})
    told = read(run, result(Phase.SOURCE_VIDEO), record().model_copy(update={"source": source}))
    assert told["key"] == "elsewhere/talk.mp4" and "address" not in told


@pytest.mark.parametrize("buckets", [False, True])
def test_hostile_name_is_text_as_it_is(run: VideoRun, in_buckets: VideoRun, buckets: bool) -> None:
    found = facts(
        Reading(in_buckets if buckets else run, record(HOSTILE), result(Phase.SOURCE_VIDEO))
    )
    assert printable(HOSTILE.replace("/", "_")) in shown(found["address"])
    assert not [one for one in found.values() if isinstance(one, dg.MarkdownMetadataValue)]


@pytest.mark.parametrize(
    ("size", "told"),
    [(0, "0 bytes"), (1, "1 byte"), (1000, "1.0 kB (1,000 bytes)"), (5 * 10**12, "5.0 TB (5,0")],
)
def test_size_is_readable_and_exact(run: VideoRun, size: int, told: str) -> None:
    assert read(run, result(Phase.SOURCE_VIDEO), record(size=size))["size"].startswith(told)


def test_media_is_told_in_the_fields_words(run: VideoRun) -> None:
    assert read(run, result(Phase.MEDIA_INFO, streams=2), record()) == {
        "duration": "0:00:26.000",
        "container": "mp4",
        "picture": "1920 x 1080",
        "frame rate": "29.97 (30000/1001)",
        "video": "h264",
        "audio": "aac, 44,100 Hz, 2 channels",
        "streams": "0:00:26.000 of video, 0:00:25.500 of audio",
    }


def test_timecode_and_reel_are_shown(run: VideoRun) -> None:
    media = MEDIA.model_copy(update={"timecode": "01:00:00:00", "reel": "A001"})
    found = read(run, result(Phase.MEDIA_INFO), record(media=media))
    assert (found["timecode"], found["reel"]) == ("01:00:00:00", "A001")


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"rotation": 90}, {"picture": "1920 x 1080, turned by 90 degrees"}),
        ({"mirrored": True}, {"picture": "1920 x 1080, mirrored"}),
        ({"variable_rate": True}, {"frame rate": "29.97 (30000/1001), but it varies"}),
        ({"frame_rate": FrameRate(per_second=Fraction(25))}, {"frame rate": "25"}),
    ],
)
def test_media_names_what_is_unusual(
    run: VideoRun, changes: dict[str, Any], told: dict[str, str]
) -> None:
    media = MEDIA.model_copy(update={"video": PICTURE.model_copy(update=changes), "audio": None})
    found = read(run, result(Phase.MEDIA_INFO), record(media=media))
    assert told.items() <= found.items() and "audio" not in found


@pytest.mark.parametrize(
    ("phase", "counts", "told"),
    [
        (Phase.TRANSCRIPT, {"words": 1, "segments": 1, "speakers": 0}, "1 word, 1 segment"),
        (Phase.TRANSCRIPT, {"words": 0, "segments": 0}, "0 words, 0 segments"),
        (
            Phase.EVENTS,
            {"silence": 2, "black": 1, "x-goal": 3},
            "2 silences, 1 black range, 3 x-goals",
        ),
        (Phase.OBJECTS, {"label": 1200, "tracks": 1}, "1,200 labels, 1 track"),
        (Phase.EXPORTS, {"files": 2}, "2 files"),
        (Phase.AUDIO, {"samples": 8000}, "0:00:00.500 of audio"),
        (Phase.AUDIO, {"samples": 0}, "no audio"),
    ],
)
def test_counts_name_what_was_found(
    run: VideoRun, phase: Phase, counts: dict[str, int], told: str
) -> None:
    assert read(run, result(phase, (), **counts))["result"] == told


def test_files_link_to_the_console_and_are_not_presigned(in_buckets: VideoRun) -> None:
    told = read(in_buckets, result(Phase.EXPORTS, (f"{KEY.prefix}timeline.json",)))["files"]
    address = f"s3://results/{KEY.prefix}timeline.json"
    assert told.startswith(f"- [` {address} `](https://console.aws.amazon.com/s3/object/results?")
    assert "Signature" not in told


def test_many_files_are_cut_short(run: VideoRun) -> None:
    names = tuple(f"{KEY.prefix}pictures/{n:010}.jpg" for n in range(1200))
    lines = read(run, result(Phase.PICTURES, names))["files"].splitlines()
    assert len(lines) == 21 and lines[-1] == "- and 1,180 more"


def publish(stage: Opened, key: VideoKey, text: str) -> None:
    """Publish two shots, a label and some words of a video."""
    results = stage.services.of(key.project).results
    shots = [Marker(kind=Kind.SHOT, range=span(0, 10)), Marker(kind=Kind.SHOT, range=span(10, 26))]
    label = Marker(kind=Kind.LABEL, range=span(1, 2), label="tree")
    word = Word(text=text, range=span(3, 4))
    results.publish(key.video, result(Phase.SHOTS, shot=2), shots)
    results.publish(key.video, result(Phase.OBJECTS, label=1), [label])
    spoken = Segment(text=text, range=span(3, 4), words=(word,))
    results.publish(key.video, result(Phase.TRANSCRIPT, words=1), [spoken])
    for phase in (Phase.SHOTS, Phase.OBJECTS, Phase.TRANSCRIPT):
        events = stage.services.of(key.project).events
        events.record(key.video, phase, PhaseState.DONE, NOW)


def test_timeline_counts_by_kind_of_its_own_project(stage: Opened, run: VideoRun) -> None:
    publish(stage, KEY, HOSTILE)
    publish(stage, FOREIGN, "secret")
    found = facts(Reading(run, record(), result(Phase.TIMELINE, markers=3, words=1)))
    assert found["result"] == "2 shots, 1 label, 1 word"
    assert found["duration"] == "0:00:26.000"
    assert found["first words"] == printable(" ".join(HOSTILE.split()))
    bar = found["over time"]
    assert isinstance(bar, dg.MarkdownMetadataValue) and len(bar.value) < 1000
    assert bar.value.startswith("![2 shots in 0:00:26.000](data:image/png;base64,")
    assert "speech in green" in bar.value


def test_long_speech_is_cut_after_its_first_words(stage: Opened, run: VideoRun) -> None:
    publish(stage, KEY, "word " * 30)
    told = read(run, result(Phase.TIMELINE), record())["first words"]
    assert told == "word " * 24 + "..."


def test_shots_without_duration_have_no_bar(stage: Opened, run: VideoRun) -> None:
    publish(stage, KEY, "word")
    assert "over time" in read(run, result(Phase.SHOTS, shot=2), record())
    assert read(run, result(Phase.SHOTS, shot=2), record(media=None)) == {"result": "2 shots"}
