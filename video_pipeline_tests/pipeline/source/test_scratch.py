"""The scratch folder of a run: deleted however the run ends, and limited by the quota."""

import multiprocessing
import signal
import time
from pathlib import Path

import pytest

from video_pipeline.domain.errors import StorageFull
from video_pipeline.pipeline.source.scratch import COPIES, reserve, run_folder


def test_run_folder_is_deleted_after_success_and_failure(tmp_path: Path) -> None:
    with run_folder(tmp_path) as folder:
        (folder / "audio").write_bytes(b"sound")
    with pytest.raises(KeyError), run_folder(tmp_path) as folder:
        (folder / "audio").write_bytes(b"sound")
        raise KeyError("mine")
    assert list(tmp_path.iterdir()) == []


def _killed(scratch: Path) -> None:
    with run_folder(scratch) as folder:
        reserve(scratch, folder / COPIES / "a.mp4", 1000, 1000)
        (folder / "ready").touch()
        time.sleep(60)


def test_run_folder_deletes_only_folders_of_dead_runs(
    tmp_path: Path,
) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path,))
    process.start()
    try:
        until = time.monotonic() + 30
        while not list(tmp_path.glob("*/ready")) and time.monotonic() < until:
            time.sleep(0.02)
        (left,) = tmp_path.iterdir()
        with run_folder(tmp_path):
            assert (left / COPIES / "a.mp4").stat().st_size == 1000
            with pytest.raises(StorageFull):
                reserve(tmp_path, left / "other", 1, 1000)
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
        assert left.exists()
        with run_folder(tmp_path) as folder:
            assert list(tmp_path.iterdir()) == [folder]
            reserve(tmp_path, folder / COPIES / "b.mp4", 1000, 1000)
    finally:
        process.kill()
        process.join()


def test_reserve_limits_all_copies_together(tmp_path: Path) -> None:
    with run_folder(tmp_path) as one, run_folder(tmp_path) as other:
        reserve(tmp_path, one / COPIES / "a.mp4", 600, 1000)
        with pytest.raises(StorageFull, match=r"quota of 1,000.*scratch_bytes"):
            reserve(tmp_path, other / COPIES / "b.mp4", 401, 1000)
        assert not (other / COPIES / "b.mp4").exists()
        reserve(tmp_path, other / COPIES / "b.mp4", 400, 1000)


def test_reserve_ignores_copy_of_ending_run(tmp_path: Path) -> None:
    with run_folder(tmp_path) as one, run_folder(tmp_path) as ending:
        (ending / COPIES).mkdir()
        # A dangling link looks like a copy deleted between its listing and its stat.
        (ending / COPIES / "a.mp4").symlink_to(ending / "gone")
        reserve(tmp_path, one / COPIES / "b.mp4", 1000, 1000)
        with pytest.raises(StorageFull):
            reserve(tmp_path, one / COPIES / "c.mp4", 1, 1000)
