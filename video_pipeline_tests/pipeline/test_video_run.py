"""A run over one video works in the video's project only, and on one content of it."""

import pytest

from video_pipeline.domain.errors import SourceError, StorageError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.progress.own_results import check_current
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline_tests.pipeline.conftest import Deliver


def test_run_is_bound_to_the_project_of_its_video(services: Services) -> None:
    acme, globex = (VideoKey.parse(key) for key in ("acme/film", "globex/film"))
    run = VideoRun.of(services, acme)
    assert run.catalog.project == "acme"
    assert run.outputs.stat(f"{acme.prefix}a.txt") is None
    with pytest.raises(StorageError):
        run.outputs.stat(f"{globex.prefix}a.txt")


def test_run_on_another_content_than_the_current_one_raises(
    services: Services, deliver: Deliver
) -> None:
    run = VideoRun.of(services, deliver("acme/film"), "first")
    record = run.catalog.videos.get("film")
    assert record and record.sha256
    current = run.with_content(record.sha256)
    check_current(current)
    assert (current.key, current.run_id) == (run.key, "first")
    with pytest.raises(SourceError, match="newer version"):
        check_current(run.with_content("0" * 64))
