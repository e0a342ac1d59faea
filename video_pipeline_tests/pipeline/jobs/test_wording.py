"""The commands that act on a work unit."""

import pytest

from video_pipeline.cli.jobs.list import app
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.jobs.wording import commands_for
from video_pipeline_tests.frozen.samples import KEY, work_unit


def unit(state: UnitState, job: str | None = "7") -> WorkUnit:
    request = WorkRequest(
        key=KEY,
        content="0" * 64,
        provider="vendor",
        plugin="vendor",
        account="a",
        region="r",
        operation="analyse",
        phases=(Phase.SHOTS,),
        kinds=(),
        parameters={},
        model="",
    )
    return work_unit(request, ()).model_copy(update={"state": state, "job": job})


@pytest.mark.parametrize(
    ("state", "job", "actions"),
    [
        (UnitState.QUEUED, None, {"to cancel": "cancel"}),
        (UnitState.UNANSWERED, None, {"to cancel": "cancel"}),
        (UnitState.RUNNING, "7", {"to check now": "fetch", "to cancel": "cancel"}),
        (UnitState.UNFETCHED, "7", {"to check now": "fetch", "to cancel": "cancel"}),
        (UnitState.IN_DOUBT, None, {"to give up": "release"}),
        (UnitState.FAILED, "7", {"to repeat": "retry"}),
        (UnitState.CANCELLED, None, {"to repeat": "retry"}),
        (UnitState.SETTLED, "7", {"to fetch again": "fetch"}),
        (UnitState.SETTLED, None, {"to make again": "force"}),
    ],
)
def test_commands_follow_from_the_state(
    state: UnitState, job: str | None, actions: dict[str, str]
) -> None:
    made = unit(state, job)
    expected = {what: f"video-pipeline jobs {name} {made.id}" for what, name in actions.items()}
    assert commands_for(made) == expected


@pytest.mark.parametrize("state", UnitState)
def test_commands_of_every_state_exist(state: UnitState) -> None:
    known = {command.name for command in app.registered_commands}
    told = [command.split()[2] for command in commands_for(unit(state)).values()]
    assert told and set(told) <= known
