"""A video whose source and results are in buckets."""

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.s3.ingest import S3Ingest
from video_pipeline.storage.s3.outputs import S3Outputs
from video_pipeline_tests.servers.buckets import MadeBucket, fetched_bytes

OWN = (Phase.AUDIO,)
ACME = VideoKey.parse("acme/intro")
OTHER = VideoKey.parse("acme2/intro")


@pytest.fixture
def remote(services: Services, moto_bucket: MadeBucket) -> Services:
    """The same deployment with both stores in one bucket."""
    client, name = moto_bucket.client, moto_bucket.name
    return replace(services, ingest=S3Ingest(client, name), outputs=S3Outputs(client, name))


@pytest.fixture
def arrived(remote: Services, moto_bucket: MadeBucket) -> Callable[[VideoKey, bytes], VideoKey]:
    def arrived(key: VideoKey, content: bytes) -> VideoKey:
        object_key = f"{key.prefix}a b+%é.mp4"
        moto_bucket.put(object_key, content)
        return register_now(remote.ingest, remote.catalog, object_key, remote.clock()).key

    return arrived


def source_video(services: Services, key: VideoKey) -> Outcome:
    return run_video(services, key, phases=[Phase.SOURCE_VIDEO])[Phase.SOURCE_VIDEO]


def media_info(services: Services, key: VideoKey) -> Outcome:
    return run_video(services, key, phases=[Phase.MEDIA_INFO])[Phase.MEDIA_INFO]


def _left(services: Services) -> list[Path]:
    return list(services.scratch.iterdir())


def test_remote_source_is_fetched_for_hash_and_for_work_only(
    remote: Services, moto_bucket: MadeBucket, arrived, short_video: Path
) -> None:
    padding = 12 << 20
    content = short_video.read_bytes() + padding.to_bytes(4, "big") + b"free" + bytes(padding - 8)
    fetched = fetched_bytes(moto_bucket.client)
    for key in (ACME, OTHER):
        arrived(key, content)
        fetched.clear()
        assert source_video(remote, key).state.good
        assert sum(fetched) == len(content)
        fetched.clear()
        assert media_info(remote, key).state.good
        assert 0 < sum(fetched) < 3 << 20
        fetched.clear()
        outcomes = analyse(remote, key, OWN)
        assert {outcome.state for outcome in outcomes.values()} == {PhaseState.DONE}
        assert sum(fetched) < len(content) + (1 << 20)
        record = remote.of(key.project).videos.get(key.video)
        assert record and record.sha256 == hashlib.sha256(content).hexdigest()
        assert _left(remote) == []
        listed = remote.outputs.project(key.project).listing(key.prefix)
        assert f"{key.prefix}audio.wav" in [found.key for found in listed]


def test_copy_beyond_quota_fails_and_leaves_nothing(
    remote: Services, arrived, short_video: Path
) -> None:
    tight = replace(remote, scratch_bytes=1000)
    key = arrived(ACME, short_video.read_bytes())
    assert source_video(tight, key).state.good and media_info(tight, key).state.good
    for outcome in analyse(tight, key, OWN).values():
        assert outcome.state is PhaseState.FAILED
        assert "storage.scratch_bytes" in outcome.message
    assert _left(tight) == []
    assert all(one.state is PhaseState.DONE for one in analyse(remote, key, OWN).values())


@pytest.mark.parametrize("gone", [True, False])
def test_object_changed_before_the_run_ends_with_reason(
    remote: Services, moto_bucket: MadeBucket, arrived, short_video: Path, gone: bool
) -> None:
    key, other = (arrived(one, short_video.read_bytes()) for one in (ACME, OTHER))
    object_key = f"{key.prefix}a b+%é.mp4"
    if gone:
        moto_bucket.client.delete_object(Bucket=moto_bucket.name, Key=object_key)
    else:
        moto_bucket.put(object_key, b"another")
    outcome = source_video(remote, key)
    assert outcome.state is (PhaseState.CANCELLED if gone else PhaseState.FAILED)
    assert ("is gone" if gone else "not the version that arrived") in outcome.message
    assert source_video(remote, other).state.good


def test_object_replaced_after_decode_keeps_consistent_results(
    remote: Services, moto_bucket: MadeBucket, arrived, short_video: Path
) -> None:
    content = short_video.read_bytes()
    key = arrived(ACME, content)
    assert source_video(remote, key).state.good and media_info(remote, key).state.good
    replaced: list[bool] = []

    def replace_it(phase: Phase, state: PhaseState, percent: int | None, message: str) -> None:
        if phase is Phase.AUDIO and state is PhaseState.DONE and not replaced:
            replaced.append(True)
            moto_bucket.put(f"{key.prefix}a b+%é.mp4", content + b"more")

    outcomes = analyse(replace(remote, notify=replace_it), key, OWN)
    assert replaced
    for outcome in outcomes.values():
        assert outcome.result
        assert outcome.result.provenance.content == hashlib.sha256(content).hexdigest()
    newer = register_now(remote.ingest, remote.catalog, f"{key.prefix}a b+%é.mp4", remote.clock())
    assert newer.version != f"etag:{len(content)}"
    assert source_video(remote, key).state.good
