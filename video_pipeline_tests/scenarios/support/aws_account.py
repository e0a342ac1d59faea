"""An AWS account for a deployment, and its settings in pipeline.yaml.

A bucket, a topic and queues are on a real server (ministack). Rekognition and Transcribe are
doubles in separate processes, because their jobs outlive the requesting process.

For a range of an object version, ministack returns the whole version. So videos must be shorter
than the 256 KiB that are read at once.
"""

import json
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from video_pipeline.catalog.connection import connect
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import Double, started
from video_pipeline_tests.doubles.aws import rekognition, transcribe
from video_pipeline_tests.scenarios.support.clips import lengths
from video_pipeline_tests.servers.s3_servers import REGION, S3Server, ministack
from video_pipeline_tests.servers.topics_and_queues import ROLE, new_bucket, topic_to_queue

ACCOUNT = "000000000000"
# The entries of pipeline.yaml.
VIDEO, SPEECH = "cloud-video", "cloud-speech"
_KEYS = {
    "access_key_id": {"env": "SCENARIO_KEY"},
    "secret_access_key": {"env": "SCENARIO_SECRET"},
}
_WORDS = 6


@dataclass(frozen=True)
class AwsAccount:
    """A running account. Its doubles take every video to be as long as one clip."""

    server: S3Server
    ingest: str
    rekognition: Double
    transcribe: Double
    _options: Mapping[str, Mapping[str, Any]]

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment variables that processes need to connect to it."""
        return {
            "SCENARIO_KEY": self.server.access,
            "SCENARIO_SECRET": self.server.secret,
            "AWS_ENDPOINT_URL_S3": self.server.endpoint,
        }

    @property
    def storage(self) -> str:
        """Return `storage:` of pipeline.yaml: the bucket for ingest, local outputs."""
        s3 = {"endpoint": self.server.endpoint, "region": REGION, **_KEYS}
        return f"storage: {json.dumps({'ingest': {'bucket': self.ingest}, 's3': s3})}\n"

    @property
    def providers(self) -> str:
        """Return the entries below `providers:` of pipeline.yaml."""
        plugins = {VIDEO: "aws-rekognition", SPEECH: "aws-transcribe"}
        entries = {
            name: {"plugin": plugin, "options": self._options[name]}
            for name, plugin in plugins.items()
        }
        return "".join(f"  {name}: {json.dumps(entry)}\n" for name, entry in entries.items())

    def deliver(self, uri: str, videos: Mapping[str, bytes]) -> None:
        """Put each video into the bucket, and register it as the arrivals sensor would."""
        s3 = self.server.clients(attempts=4).client("s3")
        ingest, catalog = S3Ingest(s3, self.ingest), connect(uri, "video_pipeline")
        for key, content in videos.items():
            name = f"{VideoKey.parse(key).prefix}clip.mp4"
            s3.put_object(Bucket=self.ingest, Key=name, Body=content)
            register_now(ingest, catalog, name, datetime.now(UTC))
        catalog.close()

    def run_for(self, seconds: float) -> None:
        """Set how long jobs run that start from now on."""
        for double in (self.rekognition, self.transcribe):
            double.configure(running_seconds=seconds)

    def end_jobs(self, seconds: float) -> None:
        """Advance the clocks of the doubles by so many seconds."""
        for double in (self.rekognition, self.transcribe):
            double.advance(seconds)


@contextmanager
def aws_account(
    folder: Path, clip: Path, *, jobs: int, running_seconds: float
) -> Generator[AwsAccount, None, None]:
    """Start an account that runs at most `jobs` Rekognition jobs, each for `running_seconds`."""
    with ExitStack() as stack:
        server = stack.enter_context(ministack(folder))
        ingest, results = new_bucket(server, versioned=True), new_bucket(server)
        topic = topic_to_queue(server)
        words = topic.sqs.create_queue(QueueName="transcribe-tells")["QueueUrl"]
        long = lengths(clip)
        seen = rekognition.VideoContent(
            duration=long.video, frames_per_second=long.frames_per_second
        )
        pictures = rekognition.Settings(
            concurrent=jobs,
            running_seconds=running_seconds,
            sns=server.endpoint,
            s3=server.endpoint,
            otherwise=seen,
        )
        speech = transcribe.Settings(
            running_seconds=running_seconds,
            s3=server.endpoint,
            sqs=server.endpoint,
            queue=words,
            otherwise=transcribe.Speech(seconds=float(long.audio), words=_WORDS),
        )
        of_pictures = stack.enter_context(_double("rekognition", pictures))
        of_speech = stack.enter_context(_double("transcribe", speech))
        common = {"region": REGION, "account": ACCOUNT, **_KEYS}
        told = {"topic": topic.source, "topic_role": ROLE, "completions": topic.url}
        video = {"endpoint": of_pictures.endpoint, "concurrent_jobs": jobs, **told}
        output = {"output": {"bucket": results}, "completions": words, "speakers": 2}
        options = {
            VIDEO: common | video | {"kinds": ["shot", "technical-cue"]},
            SPEECH: common | output | {"endpoint": of_speech.endpoint},
        }
        yield AwsAccount(server, ingest, of_pictures, of_speech, options)


def _double(name: str, settings: Frozen) -> Any:
    return started(
        f"video_pipeline_tests.doubles.aws.{name}", ["--settings", settings.model_dump_json()]
    )
