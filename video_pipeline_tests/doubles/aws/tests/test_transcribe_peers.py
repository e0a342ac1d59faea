"""The real peers of Transcribe: what ministack and moto do, and the double does the same.

Ministack runs jobs to their end, tells EventBridge and writes results; moto only walks through the
states, one at each Get, and writes nothing.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from video_pipeline.testing import serving
from video_pipeline.testing.double import client
from video_pipeline_tests.doubles.aws.tests.transcribe.asking import (
    KEY,
    PATIENCE_SECONDS,
    ended,
    get,
    put_media,
    result,
    start,
)
from video_pipeline_tests.doubles.aws.transcribe import Settings, Transcribe
from video_pipeline_tests.servers.s3_servers import S3Server, moto
from video_pipeline_tests.servers.topics_and_queues import new_bucket, rule_to_queue

SPEAKERS = {"ShowSpeakerLabels": True, "MaxSpeakerLabels": 2}


@dataclass(frozen=True)
class Peer:
    """Something that speaks Transcribe, and an S3 beside it."""

    client: Any
    s3: Any
    bucket: str


@pytest.fixture
def in_ministack(peers: S3Server) -> Peer:
    bucket, s3 = new_bucket(peers), peers.clients().client("s3")
    put_media(s3, bucket)
    return Peer(client("transcribe", peers.endpoint), s3, bucket)


@pytest.fixture
def in_moto(tmp_path: Path) -> Iterator[Peer]:
    with moto(tmp_path) as server:
        bucket, s3 = new_bucket(server), server.clients().client("s3")
        put_media(s3, bucket)
        yield Peer(client("transcribe", server.endpoint), s3, bucket)


@pytest.fixture
def in_double(peers: S3Server, in_ministack: Peer) -> Iterator[Peer]:
    with serving(Transcribe(Settings(running_seconds=0.1, s3=peers.endpoint))) as double:
        yield Peer(double.client("transcribe"), in_ministack.s3, in_ministack.bucket)


@pytest.fixture(params=["in_ministack", "in_moto", "in_double"])
def peer(request: pytest.FixtureRequest) -> Peer:
    return request.getfixturevalue(request.param)


def name_of_this_run() -> str:
    return f"unit-{time.monotonic_ns()}"


def test_ended_job_names_its_result(peer: Peer) -> None:
    name = name_of_this_run()
    start(peer.client, peer.bucket, name)
    job = ended(peer.client, name)
    assert job["TranscriptionJobStatus"] == "COMPLETED"
    assert job["Transcript"]["TranscriptFileUri"].endswith(f"{peer.bucket}/results/{name}.json")
    assert job["Media"]["MediaFileUri"] == f"s3://{peer.bucket}/{KEY}"


def test_job_name_is_unique(peer: Peer) -> None:
    name = name_of_this_run()
    start(peer.client, peer.bucket, name)
    with pytest.raises(peer.client.exceptions.ConflictException, match="already exists"):
        start(peer.client, peer.bucket, name)


def test_unknown_job_has_one_of_two_error_codes(peer: Peer) -> None:
    """Accept both codes: ministack uses that of the model, moto that of the service."""
    with pytest.raises(ClientError, match=r"(BadRequest|NotFound)Exception.*couldn't be found"):
        get(peer.client, "nobody")


def test_list_finds_a_job_by_part_of_its_name(peer: Peer) -> None:
    name = name_of_this_run()
    start(peer.client, peer.bucket, f"{name}-of-acme")
    found = peer.client.list_transcription_jobs(JobNameContains=name)["TranscriptionJobSummaries"]
    assert [job["TranscriptionJobName"] for job in found] == [f"{name}-of-acme"]


@pytest.mark.parametrize("which", ["in_ministack", "in_double"])
def test_results_have_the_same_form(which: str, request: pytest.FixtureRequest) -> None:
    peer: Peer = request.getfixturevalue(which)
    name = name_of_this_run()
    start(peer.client, peer.bucket, name, Settings=SPEAKERS)
    ended(peer.client, name)
    told = result(peer.s3, peer.bucket, f"results/{name}.json")
    assert (told["jobName"], told["status"]) == (name, "COMPLETED")
    first, *_ = told["results"]["items"]  # ministack's have no speaker: only the segments do
    assert {"type", "alternatives", "start_time", "end_time"} <= first.keys()
    assert isinstance(first["start_time"], str)
    segment, *_ = told["results"]["speaker_labels"]["segments"]
    assert {"start_time", "end_time", "speaker_label", "items"} <= segment.keys()
    audio, *_ = told["results"]["audio_segments"]
    assert {"id", "transcript", "start_time", "end_time", "items"} <= audio.keys()


def test_ministack_sends_events_to_the_queue(peers: S3Server, in_ministack: Peer) -> None:
    queue, name = rule_to_queue(peers), name_of_this_run()
    start(in_ministack.client, in_ministack.bucket, name)
    heard: list[Any] = []
    until = time.monotonic() + PATIENCE_SECONDS
    while not heard and time.monotonic() < until:
        told = queue.bodies(wait_seconds=1)
        heard = [e["detail"] for e in told if e["detail"]["TranscriptionJobName"] == name]
    assert heard == [{"TranscriptionJobName": name, "TranscriptionJobStatus": "COMPLETED"}]
