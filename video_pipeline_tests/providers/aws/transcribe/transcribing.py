"""Amazon Transcribe on a server of this machine: options, facts, work units, buckets."""

import itertools
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.time import FrameRate
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit, unit_id
from video_pipeline.plugins.base import AnalysisRequest, JobStatus, Refusal
from video_pipeline.plugins.inputs import ObjectRef
from video_pipeline.providers.aws.transcribe.options import TranscribeOptions
from video_pipeline.providers.aws.transcribe.plugin import TranscribePlugin
from video_pipeline_tests.servers.s3_servers import REGION, S3Server

THEN = datetime(2026, 1, 1, tzinfo=UTC)
SOURCE = ObjectRef(uri="s3://ingest/projects/acme/videos/one/a.mp4", version="v1")


def options(**given: Any) -> TranscribeOptions:
    """Options with what is needed."""
    return TranscribeOptions.model_validate(
        {"region": "eu-west-1", "output": {"bucket": "results"}, **given}
    )


def media(container: str = "mp4", **changed: Any) -> MediaInfo:
    """The facts of a video of four seconds with three seconds of sound."""
    audio = {"codec": "aac", "sample_rate": 48000, "channels": 2, "duration": "3003/1000"}
    picture = VideoStream(
        codec="h264",
        width=64,
        height=36,
        frame_rate=FrameRate(per_second=Fraction(25)),
        time_base=Fraction(1, 25),
        duration=Fraction(4),
    )
    sound = AudioStream.model_validate(audio | changed.pop("audio", {}))
    facts: dict[str, Any] = {"size": 100, "sha256": "0" * 64, "duration": Fraction(4)}
    return MediaInfo(container=container, **(facts | {"video": picture, "audio": sound} | changed))


def unit(
    plugin: TranscribePlugin,
    language: str | None = None,
    project: str = "acme",
    turn: int = 0,
) -> WorkUnit:
    """A work unit about to be submitted, as the plugin plans it."""
    planned = plugin.plan(AnalysisRequest(media=media(), language=language))
    assert not isinstance(planned, Refusal), planned.reason
    request = WorkRequest(
        key=VideoKey(project=project, video="one"),
        content="0" * 64,
        provider="words",
        plugin=plugin.name,
        account=plugin.account,
        region=plugin.region,
        operation=planned[0].operation,
        phases=(Phase.TRANSCRIPT,),
        kinds=(),
        parameters={**planned[0].parameters, "options": plugin.options_for(())},
        model="",
    )
    return WorkUnit(
        id=unit_id(request, turn),
        request=request,
        generation=turn,
        state=UnitState.SUBMITTING,
        planned=planned[0].usage,
        created_at=THEN,
        updated_at=THEN,
    )


_numbers = itertools.count()


@dataclass(frozen=True)
class Speech:
    """Two buckets at a server that transcribes, and plugins that ask it."""

    server: S3Server
    ingest: str
    results: str

    def plugin(self, endpoint: str | None = None, **given: Any) -> TranscribePlugin:
        """The plugin with these options; at another endpoint, where S3 stays where it is."""
        return TranscribePlugin(
            TranscribeOptions.model_validate(
                {
                    "region": REGION,
                    "endpoint": endpoint or self.server.endpoint,
                    "access_key_id": self.server.access,
                    "secret_access_key": self.server.secret,
                    "output": {"bucket": self.results},
                    **given,
                }
            )
        )

    def client(self, service: str) -> Any:
        """A client of the server."""
        return self.server.clients().client(service, self.server.endpoint)

    def deliver(self, body: bytes = b"sound", project: str = "acme") -> ObjectRef:
        """Put a project's object, once more with other bytes to replace it."""
        key = f"projects/{project}/videos/one/a.mp4"
        put = self.client("s3").put_object(Bucket=self.ingest, Key=key, Body=body)
        version = put.get("VersionId") or f"etag:{put['ETag'].strip(chr(34))}:{len(body)}"
        return ObjectRef(uri=f"s3://{self.ingest}/{key}", version=version)


def speech(server: S3Server, *, versions: bool = True) -> Speech:
    """Buckets of their own at a server; that of deliveries keeps versions."""
    number = next(_numbers)
    made = Speech(server, f"ingest-{number}", f"results-{number}")
    s3 = made.client("s3")
    for bucket in (made.ingest, made.results):
        s3.create_bucket(Bucket=bucket)
    if versions:
        s3.put_bucket_versioning(Bucket=made.ingest, VersioningConfiguration={"Status": "Enabled"})
    return made


def ended(plugin: TranscribePlugin, job: str) -> JobStatus:
    """How a job stands once it does not run any more."""
    for _ in range(200):
        status = plugin.poll([job])[job]
        if status.state != "running":
            return status
        time.sleep(0.1)
    raise AssertionError(f"{job} did not end")
