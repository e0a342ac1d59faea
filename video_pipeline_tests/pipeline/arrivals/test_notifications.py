"""Arrivals by notifications of a real bucket in a real queue: one look each, none lost."""

import json
import random
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain, repeat
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest

from video_pipeline.domain.errors import (
    CatalogUnavailable,
    NoticesError,
    StorageError,
    StorageUnavailable,
)
from video_pipeline.domain.source import Due
from video_pipeline.notifications.queue import Delivery
from video_pipeline.notifications.sqs import SqsNotices
from video_pipeline.pipeline.arrivals.notifications import BATCH
from video_pipeline.pipeline.arrivals.round import Memory, Round, receive
from video_pipeline.pipeline.policies import ArrivalPolicy
from video_pipeline.pipeline.services import Services
from video_pipeline.storage.s3.ingest import S3Ingest, S3ProjectIngest
from video_pipeline_tests.doubles.killed_round import (
    AFTER_ACKNOWLEDGING,
    BEFORE_ACKNOWLEDGING,
    RoundSetup,
    run_until_killed,
)
from video_pipeline_tests.pipeline.arrivals.arriving import NOW
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells, notification

NEVER_SWEEPS = Memory.model_validate({"position": {"ended": NOW}})


@pytest.fixture
def notified(services: Services, telling: BucketThatTells) -> Services:
    """A deployment with notifications of a bucket."""
    return replace(
        services,
        ingest=S3Ingest(telling.s3, telling.name),
        notices=telling.notices(),
        arrivals=ArrivalPolicy(pause_seconds=1e9),
    )


def one_round(services: Services) -> Round:
    """Make a round that does not sweep."""
    return receive(services, NEVER_SWEEPS, NOW)


def key_of(key: str, file: str = "a.mp4") -> str:
    project, video = key.split("/")
    return f"projects/{project}/videos/{video}/{file}"


def versions(services: Services, project: str = "acme") -> dict[str, tuple[str, bool]]:
    """Return the file of each video, and whether the video is present."""
    return {
        r.key.video: (r.source.object_key.rpartition("/")[2], r.removed_at is None)
        for r in services.of(project).videos.listing()
    }


def test_message_is_acknowledged_after_registration(
    notified: Services, telling: BucketThatTells
) -> None:
    for key in ("acme/one", "globex/one"):
        telling.put(key_of(key))
    telling.put(key_of("acme/one", "a.srt"))
    found = one_round(notified)
    assert {str(key) for key in found.looks.arrived} == {"acme/one", "globex/one"}
    assert telling.waiting() == 0
    assert [r.due for r in notified.of("acme").videos.listing()] == [Due.RUN]


def test_special_characters_in_keys_are_decoded(
    notified: Services, telling: BucketThatTells
) -> None:
    names = ["a b+c", "100% ü", "映像 %2B", "a&b=c?d#e"]
    for name in names:
        telling.put(f"projects/acme/videos/{name}/der Film + 1.mp4")
    # A test server may encode keys wrongly; this is how S3's documentation encodes them.
    telling.sqs.purge_queue(QueueUrl=telling.queue)
    for name in names:
        encoded = quote_plus(f"projects/acme/videos/{name}/der Film + 1.mp4", safe="/")
        telling.say(notification(telling.name, encoded))
    one_round(notified)
    assert {r.source.name for r in notified.of("acme").videos.listing()} == set(names)


def test_overwrite_is_a_new_version_and_delete_removes(
    notified: Services, telling: BucketThatTells
) -> None:
    for key in ("acme/one", "acme/two", "globex/two"):
        telling.put(key_of(key))
    one_round(notified)
    telling.put(key_of("acme/one"), b"another cut")
    telling.remove(key_of("acme/two"))
    found = one_round(notified).looks
    assert [str(key) for key in found.arrived] == ["acme/one"]
    assert [str(key) for key in found.removed] == ["acme/two"]
    assert versions(notified, "globex") == {"two": ("a.mp4", True)}


def test_duplicate_and_reordered_messages_change_nothing(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.put(key_of("acme/kept"))
    telling.put(key_of("acme/gone"))
    telling.remove(key_of("acme/gone"))
    telling.put(key_of("acme/renamed"))
    telling.put(key_of("acme/renamed", "b.mp4"))
    telling.remove(key_of("acme/renamed"))
    names = ("ObjectCreated:Put", "ObjectRemoved:Delete")
    keys = [key_of(f"acme/{video}") for video in ("kept", "gone", "renamed")]
    stale = [notification(telling.name, key, name) for key in keys for name in names] * 4
    random.Random(7).shuffle(stale)
    for body in stale:
        telling.say(body)
    found = one_round(notified)
    assert versions(notified) == {"kept": ("a.mp4", True), "renamed": ("b.mp4", True)}
    assert len(found.looks.arrived) == 2 and telling.waiting() == 0


def test_two_objects_are_ambiguous_until_one_is_left(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.put(key_of("acme/one"))
    telling.put(key_of("acme/one", "b.mov"))
    assert len(one_round(notified).looks.rejected) == 2
    telling.remove(key_of("acme/one"))
    assert len(one_round(notified).looks.arrived) == 1
    assert notified.of("acme").videos.rejections() == []


def test_object_outside_video_folder_is_rejected_until_deleted(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.put("projects/acme/a.mp4")
    telling.put("elsewhere/b.mp4")
    found = one_round(notified).looks
    assert list(found.rejected) == ["projects/acme/a.mp4"]
    assert found.strays == ["elsewhere/b.mp4"]
    telling.remove("projects/acme/a.mp4")
    one_round(notified)
    assert notified.of("acme").videos.rejections() == []


def test_unreadable_message_goes_to_dead_letters(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.say("hello")
    telling.say(json.dumps({"Event": "s3:TestEvent"}))
    telling.say(notification("theirs", key_of("acme/stolen")))
    telling.put(key_of("acme/one"))
    found = one_round(notified)
    assert (found.heard.set_aside, found.heard.left, telling.waiting()) == (2, 0, 0)
    assert any("no JSON" in reason for reason in found.heard.unreadable)
    assert versions(notified) == {"one": ("a.mp4", True)}


def test_unreadable_message_without_dead_letters_stays(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.say("hello")
    found = one_round(replace(notified, notices=telling.notices(dead_letters=False)))
    assert (found.heard.set_aside, found.heard.left, telling.waiting()) == (0, 1, 1)


def test_long_queue_drains_in_bounded_rounds(notified: Services, telling: BucketThatTells) -> None:
    telling.put(key_of("acme/one"))
    old = [
        {"Id": str(n), "MessageBody": notification(telling.name, key_of(f"acme/v{n}"))}
        for n in range(10)
    ]
    for _ in range(30):
        telling.sqs.send_message_batch(QueueUrl=telling.queue, Entries=old)
    limited = replace(notified, arrivals=ArrivalPolicy(pause_seconds=1e9, messages_a_tick=100))
    taken: list[int] = []
    while telling.waiting():
        taken.append(one_round(limited).heard.acknowledged)
    assert len(taken) >= 4 and max(taken) <= 110
    assert versions(notified) == {"one": ("a.mp4", True)}


def test_round_is_bounded_in_time(notified: Services, telling: BucketThatTells) -> None:
    for number in range(9):
        telling.say(notification(telling.name, key_of(f"acme/v{number}")))
    readings = chain([0.0] * 6, repeat(99.0))
    found = receive(notified, NEVER_SWEEPS, NOW, clock=lambda: next(readings))
    assert 0 < found.heard.left < 9 and telling.waiting() == found.heard.left


class Refused(S3Ingest):
    """A bucket in which acme's folder may not be read."""

    error = StorageError("may not be read", where="acme", remedy="Allow it.")
    times = 0

    def project(self, project: str) -> S3ProjectIngest:
        if project == "acme":
            self.times += 1
            raise self.error
        return super().project(project)


def test_message_of_failed_look_stays_queued(notified: Services, telling: BucketThatTells) -> None:
    for key in ("acme/one", "globex/one"):
        telling.put(key_of(key))
    found = one_round(replace(notified, ingest=Refused(telling.s3, telling.name)))
    assert found.troubles == {"acme": "acme: may not be read. Allow it."}
    assert versions(notified, "globex") == {"one": ("a.mp4", True)}
    assert (found.heard.left, telling.waiting()) == (1, 1)


def test_failing_project_is_tried_once_a_round(
    notified: Services, telling: BucketThatTells
) -> None:
    for number in range(25):
        telling.say(notification(telling.name, key_of(f"acme/v{number}")))
        telling.put(key_of(f"globex/v{number}"))
    refused = Refused(telling.s3, telling.name)
    found = one_round(replace(notified, ingest=refused))
    assert len(versions(notified, "globex")) == 25
    assert (found.heard.left, refused.times) == (25, 1)


class Silent(Refused):
    """A bucket that does not answer for acme."""

    error = StorageUnavailable("does not answer", where="acme", remedy="Wait.")


def test_unavailable_store_is_tried_once_a_round(
    notified: Services, telling: BucketThatTells
) -> None:
    for number in range(25):
        telling.say(notification(telling.name, key_of(f"acme/v{number}")))
    silent = Silent(telling.s3, telling.name)
    found = one_round(replace(notified, ingest=silent))
    assert (found.heard.left, silent.times) == (25, 1)


@pytest.mark.parametrize("path", ["acme/videos//a.mp4", "acme/./a.mp4", "acme//a.mp4"])
def test_invalid_key_is_rejected_and_acknowledged(
    notified: Services, telling: BucketThatTells, path: str
) -> None:
    telling.say(notification(telling.name, f"projects/{path}"))
    telling.put(key_of("globex/one"))
    found = one_round(notified)
    assert (found.troubles, found.heard.left, telling.waiting()) == ({}, 0, 0)
    (rejected,) = notified.of("acme").videos.rejections()
    assert rejected.object_key == f"projects/{path}" and "rename it" in rejected.reason
    assert versions(notified, "globex") == {"one": ("a.mp4", True)}
    receive(notified, Memory(), NOW)
    assert notified.of("acme").videos.rejections() == [], "no such object is there"


def test_failing_queue_keeps_counts_so_far(notified: Services, telling: BucketThatTells) -> None:
    class Breaking(SqsNotices):
        def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
            super().acknowledge(deliveries)
            if self.__dict__.setdefault("broken", False):
                raise NoticesError("SQS does not answer", remedy="Wait.")
            self.__dict__["broken"] = True

    for number in range(BATCH + 5):
        telling.say(notification(telling.name, key_of(f"acme/v{number}")))
    breaking = Breaking(telling.sqs, telling.name, telling.queue, wait_seconds=0)
    found = receive(replace(notified, notices=breaking), NEVER_SWEEPS, NOW)
    assert "does not answer" in found.troubles["the queue"]
    assert found.heard.acknowledged >= BATCH


def test_missing_bucket_is_reported_and_keeps_messages(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.put(key_of("acme/one"))
    found = one_round(replace(notified, ingest=S3Ingest(telling.s3, "missing-bucket")))
    (trouble,) = found.troubles.values()
    assert "missing-bucket" in trouble
    assert telling.waiting() == 1


def test_missing_queue_is_reported_and_sweep_runs(
    notified: Services, telling: BucketThatTells
) -> None:
    telling.put(key_of("acme/one"))
    missing = SqsNotices(telling.sqs, telling.name, f"{telling.queue}-missing", wait_seconds=0)
    found = receive(replace(notified, notices=missing), Memory(), NOW)
    assert "storage.ingest.notifications" in found.troubles["the queue"]
    assert [str(key) for key in found.looks.arrived] == ["acme/one"]


def test_missing_queue_and_bucket_are_both_reported(
    notified: Services, telling: BucketThatTells
) -> None:
    missing = SqsNotices(telling.sqs, telling.name, f"{telling.queue}-missing", wait_seconds=0)
    nowhere = S3Ingest(telling.s3, "missing-bucket")
    found = receive(replace(notified, ingest=nowhere, notices=missing), Memory(), NOW)
    assert len(found.troubles) == 2
    assert "missing-bucket" in found.troubles[""]
    assert "notifications" in found.troubles["the queue"]


def test_no_message_is_received_without_catalogue(
    notified: Services, telling: BucketThatTells, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down() -> list[str]:
        raise CatalogUnavailable("no MongoDB answers", remedy="Start it.")

    telling.put(key_of("acme/one"))
    monkeypatch.setattr(notified.catalog, "projects", down)
    with pytest.raises(CatalogUnavailable):
        one_round(notified)
    monkeypatch.undo()
    assert [str(key) for key in one_round(notified).looks.arrived] == ["acme/one"]


def test_sweep_finds_object_of_lost_message(notified: Services, telling: BucketThatTells) -> None:
    telling.put(key_of("acme/one"))
    telling.sqs.purge_queue(QueueUrl=telling.queue)
    found = receive(notified, Memory(), NOW)
    assert [str(key) for key in found.looks.arrived] == ["acme/one"]


@pytest.mark.parametrize("told_at", ["1999-01-01T00:00:00Z", "2999-01-01T00:00:00Z"])
def test_event_time_does_not_matter(
    notified: Services, telling: BucketThatTells, told_at: str
) -> None:
    telling.put(key_of("acme/one"))
    telling.sqs.purge_queue(QueueUrl=telling.queue)
    message: dict[str, Any] = json.loads(notification(telling.name, key_of("acme/one")))
    message["Records"][0]["eventTime"] = told_at
    telling.say(json.dumps(message))
    found = one_round(notified)
    assert [str(key) for key in found.looks.arrived] == ["acme/one"]
    record = notified.of("acme").videos.get("one")
    assert record and record.arrived_at == NOW


@pytest.mark.parametrize("dies", [BEFORE_ACKNOWLEDGING, AFTER_ACKNOWLEDGING, 0, 1, 5])
def test_killed_round_loses_and_doubles_no_arrival(
    notified: Services,
    telling: BucketThatTells,
    mongo_uri: str,
    mongo_database: str,
    tmp_path: Path,
    dies: str | int,
) -> None:
    keys = [f"{project}/v{number}" for project in ("acme", "globex") for number in range(6)]
    for key in keys:
        telling.put(key_of(key))
    run_until_killed(
        RoundSetup(
            uri=mongo_uri,
            database=mongo_database,
            server=telling.server,
            bucket=telling.name,
            queue=telling.queue,
            folder=tmp_path,
            dies=dies,
        )
    )
    until = time.monotonic() + 30
    while telling.waiting() and time.monotonic() < until:
        one_round(notified)
        time.sleep(0.2)
    assert telling.waiting() == 0
    due = [r for p in ("acme", "globex") for r in notified.of(p).arrivals.due(Due.RUN, 99)]
    assert sorted(str(record.key) for record in due) == sorted(keys)
