"""Which held runs and units end with a cancelled backfill or a cancelled unit."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from dagster_graphql.schema import create_schema
from graphql import parse, validate

from video_pipeline.dagster_api import held_runs
from video_pipeline.dagster_api.held_runs import end_waiting, of_backfill, to_be_ended
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit


class Records:
    """Responds as Dagster would of these runs and backfills."""

    def __init__(self, *runs: dict[str, Any], **backfills: str) -> None:
        self.runs, self.backfills = list(runs), backfills
        self.terminated: list[str] = []
        self.refusal: dict[str, str] = {}

    def __call__(self, document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        if "partitionBackfillOrError" in document:
            status = self.backfills[variables["id"]]
            found = {"__typename": "PartitionBackfill", "status": status}
            return {"partitionBackfillOrError": found}
        if "terminateRuns" in document:
            self.terminated += variables["runs"]
            answers = [self.refusal or {"__typename": "TerminateRunSuccess"}]
            told = {"__typename": "TerminateRunsResult", "terminateRunResults": answers}
            return {"terminateRuns": told}
        wanted = variables["filter"]["tags"]
        found = [run for run in self.runs if all(tag in run["tags"] for tag in wanted)]
        return {"runsOrError": {"__typename": "Runs", "results": found}}


def run(
    name: str,
    status: str,
    units: str,
    backfill: str = "",
    video: str = "acme/a",
    held: str = "waiting",
) -> dict[str, Any]:
    tags = {
        "dagster/partition": video,
        "video_pipeline/held": held,
        "video_pipeline/units": units,
    }
    if backfill:
        tags["dagster/backfill"] = backfill
    shown = [{"key": key, "value": value} for key, value in tags.items()]
    return {"runId": name, "status": status, "tags": shown}


def ended(ask: Records) -> dict[str, set[str]]:
    return {held.run_id: set(held.units) for held in to_be_ended(ask, "b1")}


@pytest.mark.parametrize("question", ["_RUNS", "_TERMINATE"])
def test_query_fits_dagsters_schema(question: str) -> None:
    assert validate(create_schema().graphql_schema, parse(getattr(held_runs, question))) == []


def test_run_that_has_not_ended_is_left_out() -> None:
    ask = Records(
        run("one", "CANCELED", "u1", "b1"), run("two", "QUEUED", "u2", "b1"), b1="CANCELING"
    )
    assert ended(ask) == {"one": {"u1"}}
    assert [held.run_id for held in of_backfill(ask, "b1")] == ["one", "two"]


def test_unit_of_another_run_is_kept() -> None:
    cancelled = run("one", "CANCELED", "u1,u2", "b1")
    ask = Records(cancelled, run("other", "QUEUED", "u2"), b1="CANCELED")
    assert ended(ask) == {"one": {"u1"}}
    assert ended(Records(cancelled, run("other", "QUEUED", "u1,u2"), b1="CANCELED")) == {}
    untold = run("other", "QUEUED", "")
    assert ended(Records(cancelled, untold, b1="CANCELED")) == {}, "it may wait for any"


def test_unit_of_another_cancelled_run_is_ended() -> None:
    cancelled = run("one", "CANCELED", "u1", "b1")
    elsewhere = run("other", "QUEUED", "", video="acme/b")
    assert ended(Records(cancelled, elsewhere, b1="CANCELED")) == {"one": {"u1"}}
    also = run("other", "QUEUED", "u1", "b2")
    assert ended(Records(cancelled, also, b1="CANCELED", b2="CANCELING")) == {"one": {"u1"}}
    assert ended(Records(cancelled, also, b1="CANCELED", b2="REQUESTED")) == {}


def test_error_is_not_read_as_no_runs() -> None:
    def ask(document: str, variables: Mapping[str, Any], /) -> dict[str, Any]:
        return {"runsOrError": {"__typename": "PythonError", "message": "the records are locked"}}

    with pytest.raises(ConfigurationError, match="locked"):
        of_backfill(ask, "b1")


def waited_for(video: str = "acme/a") -> WorkUnit:
    now = datetime(2026, 3, 1, tzinfo=UTC)
    request = WorkRequest(
        key=VideoKey.parse(video),
        **dict.fromkeys(("content", "provider", "plugin", "account", "region", "model"), "x"),
        operation="analyse",
        phases=(Phase.SHOTS,),
        kinds=(),
        parameters={},
    )
    return WorkUnit(
        id="u1",
        request=request,
        generation=0,
        state=UnitState.RUNNING,
        planned=(),
        created_at=now,
        updated_at=now,
    )


def test_pages_of_runs_that_repeat_raise() -> None:
    """500 runs are a full page, and the double answers each cursor with the same ones."""
    records = Records(*[run(f"r{n}", "QUEUED", "u", backfill="b") for n in range(500)])
    with pytest.raises(ConfigurationError, match="no end"):
        of_backfill(records, "b")


def test_end_waiting_ends_the_runs_of_a_unit() -> None:
    ask = Records(
        run("mine", "QUEUED", "u1,u2"),
        run("untold", "QUEUED", ""),
        run("ended", "CANCELED", "u1"),
        run("of another unit", "QUEUED", "u2"),
        run("of another video", "QUEUED", "u1", video="globex/a"),
    )
    assert [held.run_id for held in end_waiting(ask, [waited_for()])] == ["mine", "untold"]
    assert ask.terminated == ["mine", "untold"]
    assert end_waiting(Records(), [waited_for()]) == []


def test_end_waiting_ends_released_runs_not_begun() -> None:
    ask = Records(
        run("released", "QUEUED", "u1", held="released"),
        run("has begun", "STARTED", "u1", held="released"),
        run("of another unit", "QUEUED", "u2", held="released"),
        run("untold", "QUEUED", "", held="released"),
    )
    assert [held.run_id for held in end_waiting(ask, [waited_for()])] == ["released"]
    assert ask.terminated == ["released"]


def test_end_waiting_raises_a_refusal() -> None:
    ask = Records(run("mine", "QUEUED", "u1"))
    ask.refusal = {"__typename": "TerminateRunFailure", "message": "it has begun"}
    with pytest.raises(ConfigurationError, match="it has begun"):
        end_waiting(ask, [waited_for()])
