"""The job `clean_up`, and its schedule."""

from datetime import timedelta

import dagster as dg
import pytest

from video_pipeline.defs.runs import clean_up as clean_up_room
from video_pipeline.defs.runs.clean_up import clean_up, clean_up_nightly
from video_pipeline.pipeline.services import now_utc


@dg.asset
def shots() -> None:
    pass


@pytest.mark.parametrize(
    ("days", "preview", "left", "told"),
    [
        (0, True, 2, "Runs that would be deleted: 1. Kept, because partitions show them: 1."),
        (0, False, 1, "Runs deleted: 1. Kept, because partitions show them: 1."),
        (2, False, 2, "Runs deleted: 0. Kept, because partitions show them: 0."),
    ],
)
def test_clean_up_deletes_what_nothing_shows(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    days: int,
    preview: bool,
    left: int,
    told: str,
) -> None:
    for _ in range(2):
        dg.materialize([shots], instance=instance)
    monkeypatch.setattr(clean_up_room, "now_utc", lambda: now_utc() + timedelta(days=1))
    config = {"older_than_days": days, "preview": preview}
    ended = clean_up.execute_in_process(
        instance=instance, run_config={"ops": {"delete_old_runs": {"config": config}}}
    )
    assert told in capsys.readouterr().err
    assert len(set(instance.get_run_ids()) - {ended.run_id}) == left


def test_schedule_is_off_until_a_person_starts_it() -> None:
    assert clean_up_nightly.default_status is dg.DefaultScheduleStatus.STOPPED
    assert clean_up_nightly.job_name == "clean_up"
