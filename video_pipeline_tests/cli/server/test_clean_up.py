"""`clean-up` deletes old runs and tells how many."""

import shutil
from pathlib import Path

import dagster as dg
import pytest

from video_pipeline_tests.dagster_api.test_old_runs import KEYS, ROOT, make


@pytest.mark.parametrize("age", ["90", "d", "1y", "-1d"])
def test_clean_up_with_an_invalid_age_is_an_error(call, age: str) -> None:
    ended = call("clean-up", f"--older-than={age}")
    assert ended.exit_code == 1 and "90d" in ended.output


def test_clean_up_prints_how_many_were_deleted_and_kept(call, tmp_path: Path) -> None:
    home = tmp_path / "home" / "dagster"
    home.mkdir(parents=True)
    shutil.copy(ROOT / "dagster.yaml", home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions("video_pipeline_videos", list(KEYS))
        make(instance, KEYS[0])
        make(instance, KEYS[0])
    told = call("clean-up", "--older-than", "0d", env={"DAGSTER_HOME": ""})
    assert told.exit_code == 0, told.output
    assert "Runs deleted: 1. Kept, because partitions show them: 1." in told.output
