"""`archive`, `restore` and `rejected`."""

import json
from collections.abc import Callable

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Due, Rejection, Source, VideoRecord
from video_pipeline.domain.work import WorkRequest
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline_tests.catalog.conftest import request_for as request_for


def record(services: Services, text: str) -> VideoRecord:
    key = VideoKey.parse(text)
    found = services.of(key.project).videos.get(key.video)
    assert found is not None
    return found


@pytest.fixture(autouse=True)
def videos(services: Services) -> None:
    """acme/begun is unfinished; acme/done and globex/done are finished."""
    for text in ("acme/done", "acme/begun", "globex/done"):
        key = VideoKey.parse(text)
        source = Source(
            key=key, object_key=f"{key.prefix}a.mp4", name=key.video, version="1", size=5
        )
        services.of(key.project).videos.register(source, now_utc(), due=None)
        for phase in list(PHASES)[: 3 if key.video == "begun" else None]:
            services.of(key.project).events.record(key.video, phase, PhaseState.DONE, now_utc())


def test_archive_takes_only_finished_videos_of_the_project(call, services: Services) -> None:
    ended = call("archive", "acme")
    assert ended.exit_code == 0 and ended.stdout.startswith("1 archived")
    assert "acme/begun: objects was not made yet" in ended.stderr
    assert record(services, "acme/done").due is Due.ARCHIVAL
    assert record(services, "acme/begun").archived_at is None
    assert record(services, "globex/done").archived_at is None
    assert call("archive", "acme", "done").stdout.startswith("0 archived")


def test_archive_and_restore_take_one_key(call, services: Services) -> None:
    assert call("archive", "acme/done").stdout.startswith("1 archived")
    assert record(services, "globex/done").archived_at is None
    assert call("restore", "acme/done").stdout.startswith("1 restored")


@pytest.mark.parametrize("command", ["archive", "restore"])
def test_project_without_videos_is_an_error(call, command: str) -> None:
    ended = call(command, "nobody")
    assert ended.exit_code == 1 and "nobody" in ended.stderr


def test_restore_of_a_removed_video_says_why_not(
    call, services: Services, request_for: Callable[..., WorkRequest]
) -> None:
    catalog = services.of("acme")
    catalog.units.open(request_for("done"), 0, (), now_utc())
    (known,) = catalog.arrivals.known("projects/acme/videos/done/", "projects/acme/videos/done0")
    catalog.arrivals.remove(known, now_utc())
    ended = call("restore", "acme/done")
    assert ended.exit_code == 1
    assert "deleted from the ingest store" in ended.stderr and "Deliver" in ended.stderr
    catalog.arrivals.forget(record(services, "acme/done"))
    ended = call("restore", "acme/done")
    assert ended.exit_code == 1
    assert "removal: delete" in ended.stderr and "Deliver" in ended.stderr
    assert "no such video" in call("restore", "acme/other").stderr


def test_archive_takes_an_unfinished_video_when_forced(call, services: Services) -> None:
    assert call("archive", "acme", "begun").exit_code == 1
    assert call("archive", "acme", "begun", "--force").exit_code == 0
    assert record(services, "acme/begun").archived_at is not None


def test_restore_puts_archived_videos_back(call, services: Services) -> None:
    call("archive", "acme", "done")
    assert call("restore", "acme").stdout.startswith("1 restored")
    restored = record(services, "acme/done")
    assert (restored.archived_at, restored.due) == (None, Due.RESTORATION)
    assert call("restore", "acme").stdout.startswith("0 restored")


def test_restore_of_a_video_that_never_ran_requests_a_run(call, services: Services) -> None:
    for project in ("acme", "globex"):
        key = VideoKey.parse(f"{project}/new")
        source = Source(key=key, object_key=f"{key.prefix}a.mp4", name="new", version="1", size=5)
        services.of(project).videos.register(source, now_utc())
    assert call("archive", "acme", "new", "--force").exit_code == 0
    assert call("restore", "acme", "new").stdout.startswith("1 restored")
    assert record(services, "acme/new").due is Due.RUN


def test_archive_refuses_a_video_that_is_being_removed(call, services: Services) -> None:
    arrivals = services.of("acme").arrivals
    (known,) = arrivals.known("projects/acme/videos/done/", "projects/acme/videos/done/z")
    arrivals.remove(known, now_utc())
    ended = call("archive", "acme", "done", "--force")
    assert ended.exit_code == 1 and "being removed" in ended.stderr


def test_archive_of_an_unknown_video_is_an_error(call) -> None:
    ended = call("archive", "acme", "nobody")
    assert ended.exit_code == 1 and "no such video" in ended.stderr


def test_rejected_shows_every_page_of_rejections(call, services: Services) -> None:
    assert "No file is rejected" in call("rejected").stderr
    for project, count in (("acme", 1002), ("globex", 1)):
        for number in range(count):
            rejection = Rejection(
                project=project, object_key=f"k{number:04}", reason="empty", at=now_utc()
            )
            services.of(project).videos.reject(rejection)
    assert len(json.loads(call("rejected", "--json").stdout)) == 1003
    (only,) = json.loads(call("rejected", "--project", "globex", "--json").stdout)
    assert (only["project"], only["reason"]) == ("globex", "empty")
    assert "k0000" in call("rejected", "--project", "globex").stdout
