"""The held runs that Dagster knows, what is to be ended of those of a cancelled backfill, and the
end of those that wait for single work units.
"""

from collections.abc import Collection, Iterator

from video_pipeline.dagster_api.backfills import is_cancelled
from video_pipeline.dagster_api.client import Ask, refused
from video_pipeline.dagster_api.held_run import Held, awaited_by_none, held_of
from video_pipeline.dagster_api.tags import BACKFILL_TAG, HELD_TAG, PARTITION_TAG, RELEASED, WAITING
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.work import WorkUnit

_RUNS = """query($filter: RunsFilter!, $cursor: String) {
    runsOrError(filter: $filter, cursor: $cursor, limit: 500) { __typename
    ... on Runs { results { runId status tags { key value } } }
    ... on PythonError { message } ... on InvalidPipelineRunsFilterError { message } } }"""
_TERMINATE = """mutation($runs: [String!]!) { terminateRuns(runIds: $runs) { __typename
    ... on PythonError { message }
    ... on TerminateRunsResult { terminateRunResults { __typename
        ... on TerminateRunFailure { message } ... on RunNotFoundError { message }
        ... on UnauthorizedError { message } ... on PythonError { message } } } } }"""
_PAGE = 500


def of_backfill(ask: Ask, backfill: str) -> list[Held]:
    """Those of one backfill that wait, or were cancelled and are not seen to yet."""
    return [held for held, _ in _runs(ask, {BACKFILL_TAG: backfill})]


def to_be_ended(ask: Ask, backfill: str) -> list[Held]:
    """Those of a cancelled backfill that have ended, each with the units that nobody else waits
    for. Those that have not are left to the sensor."""
    ended = [h for h, status in _runs(ask, {BACKFILL_TAG: backfill}) if status == "CANCELED"]
    if not ended:
        return []
    waiting = [held for held, status in _runs(ask, {}) if status == "QUEUED"]
    named = {held.backfill for held in waiting if held.backfill}
    off = {backfill, *(one for one in named if one != backfill and _is_off(ask, one))}
    others = [held for held in waiting if held.backfill not in off]
    found = [(held, awaited_by_none(held, others)) for held in ended]
    return [
        Held(held.run_id, held.partition, units, held.backfill)
        for held, units in found
        if units or not held.units
    ]


def end_waiting(ask: Ask, units: Collection[WorkUnit]) -> list[Held]:
    """End the held runs that wait for one of these units, and those that were let go for one and
    have not begun: they would ask for it again. The sensor requests a run for each other unit that
    they waited for, once its job has ended.

    Raises ConfigurationError where one could not be ended.
    """
    ids = {unit.id for unit in units}
    partitions = {str(unit.request.key) for unit in units}
    tags = {PARTITION_TAG: partitions.copy().pop()} if len(partitions) == 1 else {}
    found = [
        held
        for stands in (WAITING, RELEASED)
        for held, status in _runs(ask, tags, stands)
        if status == "QUEUED"
        and held.partition in partitions
        and (held.units & ids or (not held.units and stands == WAITING))
    ]
    if found:
        _terminate(ask, [held.run_id for held in found])
    return found


def _terminate(ask: Ask, runs: list[str]) -> None:
    told = ask(_TERMINATE, {"runs": runs})["terminateRuns"]
    answers = [told, *told.get("terminateRunResults", ())]
    refusals = [one.get("message") for one in answers if "message" in one]
    if refusals:
        raise refused("runs", "; ".join(map(str, refusals)))


def _is_off(ask: Ask, backfill: str) -> bool:
    try:
        return is_cancelled(ask, backfill)
    except InputError:
        return False  # it was deleted; its run waits all the same


def _runs(ask: Ask, tags: dict[str, str], stands: str = WAITING) -> Iterator[tuple[Held, str]]:
    """Held runs with these tags, each with its status in Dagster's words. Raises
    ConfigurationError."""
    asked = [{"key": key, "value": value} for key, value in {**tags, HELD_TAG: stands}.items()]
    cursor: str | None = None
    while True:
        told = ask(_RUNS, {"filter": {"tags": asked}, "cursor": cursor})["runsOrError"]
        if told["__typename"] != "Runs":
            raise refused("runs", told.get("message") or told["__typename"])
        for run in told["results"]:
            found = {tag["key"]: tag["value"] for tag in run["tags"]}
            yield held_of(run["runId"], found), run["status"]
        if len(told["results"]) < _PAGE:
            return
        cursor = told["results"][-1]["runId"]
