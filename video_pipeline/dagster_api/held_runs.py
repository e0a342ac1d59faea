"""Held runs: what their tags say, which exist, and the end of those for cancelled units."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from video_pipeline.dagster_api.backfills import is_cancelled
from video_pipeline.dagster_api.client import Ask, refused
from video_pipeline.dagster_api.tags import (
    BACKFILL_TAG,
    HELD_TAG,
    PARTITION_TAG,
    RELEASED,
    UNITS_TAG,
    WAITING,
)
from video_pipeline.domain.errors import IdentityError, InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import WorkUnit
from video_pipeline.plugins.paging import pages

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


@dataclass(frozen=True)
class Held:
    """A run that is held, or was cancelled while it was."""

    run_id: str
    partition: str
    # The work units that it waits for; none if its tags name none.
    units: frozenset[str]
    backfill: str | None = None

    @property
    def key(self) -> VideoKey | None:
        """The video; None for a run that was tagged by hand."""
        try:
            return VideoKey.parse(self.partition)
        except IdentityError:
            return None


def held_of(run_id: str, tags: Mapping[str, str]) -> Held:
    """Return a held run by its tags."""
    return Held(
        run_id=run_id,
        partition=tags.get(PARTITION_TAG, ""),
        units=frozenset(filter(None, tags.get(UNITS_TAG, "").split(","))),
        backfill=tags.get(BACKFILL_TAG),
    )


def units_of_no_other(run: Held, others: Iterable[Held]) -> frozenset[str]:
    """Return the units of a run that none of the other runs waits for.

    Another run of the same video whose tags name no units may wait for any.
    """
    left = run.units
    for other in others:
        if other.partition == run.partition:
            left = left - other.units if other.units else frozenset[str]()
    return left


def of_backfill(ask: Ask, backfill: str) -> list[Held]:
    """Return the runs of a backfill that are held, or were cancelled and not handled yet."""
    return [held for held, _ in _runs(ask, {BACKFILL_TAG: backfill})]


def to_be_ended(ask: Ask, backfill: str) -> list[Held]:
    """Return the ended runs of a cancelled backfill, each with the units of no other run.

    The sensor of completions handles the runs that have not ended yet.
    """
    ended = [h for h, status in _runs(ask, {BACKFILL_TAG: backfill}) if status == "CANCELED"]
    if not ended:
        return []
    waiting = [held for held, status in _runs(ask, {}) if status == "QUEUED"]
    named = {held.backfill for held in waiting if held.backfill}
    cancelled = {backfill, *(one for one in named if one != backfill and _is_cancelled(ask, one))}
    others = [held for held in waiting if held.backfill not in cancelled]
    found = [(held, units_of_no_other(held, others)) for held in ended]
    return [
        Held(held.run_id, held.partition, units, held.backfill)
        for held, units in found
        if units or not held.units
    ]


def end_waiting(ask: Ask, units: Collection[WorkUnit]) -> list[Held]:
    """Terminate the runs that wait for one of these units, and the released ones not yet begun.

    A released run would submit its unit again. The sensor of completions requests a run for each
    other unit that they waited for. Raises ConfigurationError if a run could not be terminated.
    """
    ids = {unit.id for unit in units}
    partitions = {str(unit.request.key) for unit in units}
    tags = {PARTITION_TAG: partitions.copy().pop()} if len(partitions) == 1 else {}
    found = [
        held
        for state in (WAITING, RELEASED)
        for held, status in _runs(ask, tags, state)
        if status == "QUEUED"
        and held.partition in partitions
        and (held.units & ids or (not held.units and state == WAITING))
    ]
    if found:
        _terminate(ask, [held.run_id for held in found])
    return found


def _terminate(ask: Ask, runs: list[str]) -> None:
    response = ask(_TERMINATE, {"runs": runs})["terminateRuns"]
    results = [response, *response.get("terminateRunResults", ())]
    refusals = [one.get("message") for one in results if "message" in one]
    if refusals:
        raise refused("runs", "; ".join(map(str, refusals)))


def _is_cancelled(ask: Ask, backfill: str) -> bool:
    try:
        return is_cancelled(ask, backfill)
    except InputError:
        return False  # a deleted backfill: its run still waits


def _runs(ask: Ask, tags: dict[str, str], state: str = WAITING) -> Iterator[tuple[Held, str]]:
    """Yield held runs with these tags, and Dagster's status of each. Raises ConfigurationError."""
    wanted = [{"key": key, "value": value} for key, value in {**tags, HELD_TAG: state}.items()]

    def page_after(cursor: str | None) -> list[dict[str, Any]]:
        page = ask(_RUNS, {"filter": {"tags": wanted}, "cursor": cursor})["runsOrError"]
        if page["__typename"] != "Runs":
            raise refused("runs", page.get("message") or page["__typename"])
        return page["results"]

    def cursor_of(runs: list[dict[str, Any]]) -> str | None:
        return None if len(runs) < _PAGE else runs[-1]["runId"]

    for runs in pages(page_after, cursor_of, lambda why: refused("runs", f"no end: {why}")):
        for run in runs:
            found = {tag["key"]: tag["value"] for tag in run["tags"]}
            yield held_of(run["runId"], found), run["status"]
