"""Scratch goes with the run that used it, also where it was killed."""

import multiprocessing
import os
import signal
from pathlib import Path

from video_pipeline.pipeline.scratch import scratch_folder


def _killed(scratch: Path) -> None:
    with scratch_folder(scratch) as folder:
        (folder / "audio.s16").write_bytes(b"samples")
        os.kill(os.getpid(), signal.SIGKILL)


def test_it_is_removed_with_all_that_is_in_it(tmp_path: Path) -> None:
    with scratch_folder(tmp_path) as folder:
        (folder / "audio.s16").write_bytes(b"samples")
        assert folder.parent == tmp_path
    assert not list(tmp_path.iterdir())


def test_what_a_killed_run_left_goes_with_the_next_and_what_is_used_stays(tmp_path: Path) -> None:
    process = multiprocessing.get_context("spawn").Process(target=_killed, args=(tmp_path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    with scratch_folder(tmp_path) as first:
        assert not left.exists()
        with scratch_folder(tmp_path) as second:
            assert first.exists() and second.exists()
    assert not list(tmp_path.iterdir())
