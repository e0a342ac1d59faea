"""The input of the frozen values: one deployment, one video, and its work units."""

from collections.abc import Mapping
from fractions import Fraction
from functools import cache
from pathlib import Path

from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey, video_id_for
from video_pipeline.domain.phases import Phase, phases_of
from video_pipeline.domain.source import Source, VideoRecord
from video_pipeline.domain.time import FrameRate
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import (
    UnitState,
    WorkRequest,
    WorkUnit,
    unit_id,
)
from video_pipeline.pipeline.analysis.planner import Assigner, Subject
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.plugins.base import Plugin
from video_pipeline.settings import Settings, load_settings
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline_tests.frozen.doubles import NOW

HERE = Path(__file__).parent
GENERATIONS = range(3)

KEY = VideoKey(project="acme", video="trailer")
FOREIGN = VideoKey(project="big-acme", video=video_id_for("Straße über Köln.mp4"))
CONTENT = "5a" * 32
MEDIA = MediaInfo(
    container="mp4",
    size=1_000_000,
    sha256=CONTENT,
    duration=Fraction(1001, 10),
    video=VideoStream(
        codec="h264",
        width=1280,
        height=720,
        frame_rate=FrameRate(per_second=Fraction(30_000, 1001)),
        time_base=Fraction(1, 30_000),
        duration=Fraction(1001, 10),
        frames=3000,
    ),
    audio=AudioStream(codec="aac", sample_rate=48_000, channels=2, duration=Fraction(100)),
)
OBJECT_KEY = "projects/acme/videos/trailer/trailer.mp4"
SOURCE = Source(key=KEY, object_key=OBJECT_KEY, name="trailer", version="v1", size=1_000_000)
RECORD = VideoRecord(source=SOURCE, arrived_at=NOW, sha256=CONTENT, media=MEDIA)


@cache
def settings() -> Settings:
    """Return the settings of deployment.yaml, without this machine's environment variables."""
    return load_settings(HERE / "deployment.yaml", {})


def planned(plugins: Mapping[str, Plugin]) -> list[tuple[str, str | None, Planned]]:
    """Return the requests that the product's planner makes, as (entry, language, request)."""
    found: list[tuple[str, str | None, Planned]] = []
    uri = S3Ingest(None, "deliveries").project(KEY.project).uri(OBJECT_KEY)
    for name, plugin in plugins.items():
        kinds = plugin.capabilities().kinds
        phases = list(phases_of(kinds))
        wished = (
            [None] if kinds or name in ("whisper-tiny", "transcribe-redacted") else [None, "de"]
        )
        for language in wished:
            planner = Assigner(KEY, CONTENT, Subject(MEDIA, language, uri))
            found += [(name, language, one) for one in planner.plan(name, plugin, phases)]
    planner = Assigner(FOREIGN, "ab" * 32, Subject(MEDIA, "en", ""))
    for name in ("scenedetect-default", "whisper-default"):
        phase = Phase.SHOTS if name.startswith("scene") else Phase.TRANSCRIPT
        found += [(name, "en", one) for one in planner.plan(name, plugins[name], [phase])]
    return found


def work_unit(request: WorkRequest, planned: tuple[Usage, ...]) -> WorkUnit:
    return WorkUnit(
        id=unit_id(request, 0),
        request=request,
        generation=0,
        state=UnitState.SUBMITTING,
        planned=planned,
        created_at=NOW,
        updated_at=NOW,
    )
