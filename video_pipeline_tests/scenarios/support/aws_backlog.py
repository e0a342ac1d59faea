"""A backlog of a thousand videos, whose shots, cues and words the doubles of AWS find.

Buckets, completion queues and SNS are on ministack. Rekognition and Transcribe are the published
doubles. MongoDB is real. They all outlive the worker processes, so a worker can be killed.
"""

import math
import os
from collections.abc import Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from video_pipeline.catalog.connection import connect
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.policies import Choices, Limits, PhaseChoice, WorkPolicy
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins import registry
from video_pipeline.plugins.base import Plugin
from video_pipeline.storage.local.folder import FolderOutputs
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.testing import Double, started
from video_pipeline_tests.doubles.aws.rekognition import Settings as RekognitionSettings
from video_pipeline_tests.doubles.aws.rekognition import VideoContent
from video_pipeline_tests.doubles.aws.transcribe import Settings as TranscribeSettings
from video_pipeline_tests.doubles.aws.transcribe import Speech
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells, bucket_that_tells
from video_pipeline_tests.servers.s3_servers import REGION, S3Server, ministack
from video_pipeline_tests.servers.topics_and_queues import ROLE, topic_to_queue

PHASES = (Phase.SHOTS, Phase.EVENTS, Phase.TRANSCRIPT)
# The length of each video.
SECONDS = 2
# The shots and words of a video by the last digit of its name, the cues of every video, and the
# rows of a page. Videos of more than five shots have two pages.
SHOTS, CUES, WORDS, PAGE_ROWS = range(1, 11), 5, range(6, 16), 10
# The limit of running jobs, by the name of the provider entry.
SLOTS = {"video": 20, "words": 250}
# The project whose vendor has no idempotency tokens.
UNSAFE = "umbrella"
_DATABASE = "aws"


@dataclass(frozen=True)
class Place:
    """The addresses and settings of a worker process. It can be pickled for another process."""

    uri: str
    folder: Path
    ingest: str
    s3: str
    access: str
    secret: str
    options: Mapping[str, Mapping[str, Any]]
    """The options of the plugins, by the name of the provider entry."""
    vendor: str = ""


@dataclass(frozen=True)
class Account:
    """The servers that stand in for AWS, with their books."""

    place: Place
    rekognition: Double
    transcribe: Double
    bucket: BucketThatTells


@contextmanager
def aws_account(folder: Path, uri: str, vendor: str, running: float) -> Generator[Account]:
    """Start the servers. A job runs for `running` seconds."""
    with ExitStack() as stack:
        server = stack.enter_context(ministack(folder))
        bucket = bucket_that_tells(server)
        results = f"{bucket.name}-results"
        bucket.s3.create_bucket(Bucket=results)
        shots = topic_to_queue(server)
        words = bucket.sqs.create_queue(QueueName="words")["QueueUrl"]
        rekognition = stack.enter_context(_rekognition(server, running))
        transcribe = stack.enter_context(_transcribe(server, words, running))
        common = {"region": REGION, "access_key_id": server.access}
        common |= {"secret_access_key": server.secret}
        options = {
            "video": common
            | {"endpoint": rekognition.endpoint, "kinds": ["shot", "technical-cue"]}
            | {"topic": shots.source, "topic_role": ROLE, "completions": shots.url},
            "words": common
            | {"endpoint": transcribe.endpoint, "output": {"bucket": results}}
            | {"completions": words, "speakers": 2},
        }
        keys = (server.access, server.secret)
        place = Place(uri, folder, bucket.name, server.endpoint, *keys, options, vendor)
        yield Account(place, rekognition, transcribe, bucket)


def _rekognition(server: S3Server, running: float) -> Any:
    settings = RekognitionSettings(
        concurrent=SLOTS["video"],
        running_seconds=running,
        sns=server.endpoint,
        s3=server.endpoint,
        page_rows=PAGE_ROWS,
        videos={
            f"*{digit}/clip.mp4": VideoContent(duration=Fraction(SECONDS), rows=shots)
            for digit, shots in enumerate(SHOTS)
        },
    )
    arguments = ["--settings", settings.model_dump_json()]
    return started("video_pipeline_tests.doubles.aws.rekognition", arguments)


def _transcribe(server: S3Server, queue: str, running: float) -> Any:
    settings = TranscribeSettings(
        concurrent=SLOTS["words"],
        running_seconds=running,
        s3=server.endpoint,
        sqs=server.endpoint,
        queue=queue,
    )
    arguments = ["--settings", settings.model_dump_json()]
    return started("video_pipeline_tests.doubles.aws.transcribe", arguments)


def services(place: Place) -> Services:
    """Make the services in the calling process."""
    os.environ["AWS_ENDPOINT_URL_S3"] = place.s3
    server = S3Server("ministack", place.s3, place.access, place.secret)
    return Services(
        catalog=connect(place.uri, _DATABASE),
        ingest=S3Ingest(server.clients(attempts=4).client("s3"), place.ingest),
        outputs=FolderOutputs(place.folder / "outputs"),
        media=ChildMediaReader(),
        plugins=_plugins(place),
        choices=_CHOICES,
        scratch=place.folder / "scratch",
        policy=WorkPolicy(lease_seconds=4, backoff_seconds=0.1, workers=1),
        limits=Limits(paid_minutes_per_day=math.inf, providers=dict.fromkeys(SLOTS, math.inf)),
    )


def _plugins(place: Place) -> dict[str, Plugin]:
    names = {"video": "aws-rekognition", "words": "aws-transcribe"}
    made = {name: registry.create(names[name], given) for name, given in place.options.items()}
    return made | {"vendor": VendorShots(VendorOptions(url=place.vendor, token=False))}


_VIDEO, _WORDS, _VENDOR = (PhaseChoice(providers=(name,)) for name in ("video", "words", "vendor"))
_CHOICES = Choices(
    phases={Phase.SHOTS: _VIDEO, Phase.EVENTS: _VIDEO, Phase.TRANSCRIPT: _WORDS},
    projects={UNSAFE: {Phase.SHOTS: _VENDOR, Phase.EVENTS: PhaseChoice()}},
)


def deliver(account: Account, keys: list[str]) -> None:
    """Put a short real video under each key, register it, and record its media info.

    Only the first video is inspected: all are the same clip with different last bytes.
    """
    clip = encode(account.place.folder / "clip.mp4", seconds=SECONDS).read_bytes()
    account.place.folder.joinpath("scratch").mkdir()
    parts = services(account.place)
    known: MediaInfo | None = None
    for number, key in enumerate(map(VideoKey.parse, keys)):
        body = clip + (16).to_bytes(4, "big") + b"free" + number.to_bytes(8, "big")
        account.bucket.put(f"{key.prefix}clip.mp4", body)
        register_now(parts.ingest, parts.catalog, f"{key.prefix}clip.mp4", parts.clock())
        known = _inspected(parts, key) if known is None else _like(parts, key, known, number)
    parts.catalog.close()
    assert known is not None and known.audio is not None
    seconds = float(known.audio.duration)
    heard = {f"*{n}/clip.mp4": Speech(seconds=seconds, words=w) for n, w in enumerate(WORDS)}
    told = {name: speech.model_dump(mode="json") for name, speech in heard.items()}
    account.transcribe.configure(media=told)


def _inspected(parts: Services, key: VideoKey) -> MediaInfo:
    made = run_video(parts, key, phases=[Phase.SOURCE_VIDEO, Phase.MEDIA_INFO])
    assert all(outcome.state.good for outcome in made.values())
    record = parts.of(key.project).videos.get(key.video)
    assert record is not None and record.media is not None and record.media.audio is not None
    return record.media


def _like(parts: Services, key: VideoKey, known: MediaInfo, number: int) -> MediaInfo:
    videos, content = parts.of(key.project).videos, f"{number:064x}"
    record = videos.get(key.video)
    assert record is not None
    videos.set_sha256(key.video, record.source.version, content)
    videos.set_media(key.video, content, known.model_copy(update={"sha256": content}))
    return known
