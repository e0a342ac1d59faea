"""Every situation of a work unit in which something must be decided, as a table."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

from pydantic import JsonValue

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.errors import FailureCategory, StorageUnavailable
from video_pipeline.domain.unit_policy import CATEGORIES
from video_pipeline.domain.work import UnitState
from video_pipeline.pipeline.policies import WorkPolicy
from video_pipeline.plugins.base import JobStatus
from video_pipeline_tests.unit_life.driving import (
    DEADLINE,
    NOW,
    Script,
    Stage,
    failing,
    job_failed,
    raising,
)

_REPLAYS = ("free", "deduplicated", "unsafe")
# Why a request may fail. The others are of results, whose units have settled.
_CATEGORIES = [name for name, row in CATEGORIES.items() if not row.contradicts_media]
_OURS = StorageUnavailable("the store does not answer", remedy="Wait.")
_LATE, _TOO_LATE = DEADLINE + timedelta(minutes=1), DEADLINE + timedelta(days=3, minutes=1)


@dataclass(frozen=True)
class Case:
    """A situation, as facts by name, and how to bring it about on a stage."""

    when: dict[str, JsonValue]
    script: Callable[[], Script]
    act: Callable[[Stage], dict[str, JsonValue]]

    def driven(self, catalog: Catalog, number: int) -> dict[str, JsonValue]:
        """Bring it about with the real code, and return what became of the unit."""
        folder = Path(tempfile.mkdtemp())
        try:
            jobs = self.when.get("runs as") != "call"
            return self.act(Stage(catalog, folder, f"v{number:04}", self.script(), jobs=jobs))
        finally:
            shutil.rmtree(folder)


def cases() -> Iterator[Case]:
    """Yield every situation."""
    yield from _refused_in_a_run()
    yield from _refused_in_the_sweep()
    yield from _looked_up()
    yield from _fetched()
    yield from _found()
    yield from _renewed()
    yield from _cancelled()


def _refused_in_a_run() -> Iterator[Case]:
    for how, replay, before, category, accepted, refused in product(
        ("job", "call"), _REPLAYS, ("new", "submitting"), _CATEGORIES, (False, True), (0, 9)
    ):
        if refused and (how == "call" or (before == "submitting" and replay == "unsafe")):
            continue

        def act(stage: Stage, before: str = before, refused: int = refused) -> Any:
            if before == "submitting" or refused:
                state = UnitState.SUBMITTING if before == "submitting" else UnitState.PLANNED
                stage.refuse(stage.opened(state), refused)
            return stage.run()

        head: dict[str, JsonValue] = {"by": "run", "event": "request fails", "runs as": how}
        yield _refused(head, replay, before, category, accepted, refused, act)


def _refused_in_the_sweep() -> Iterator[Case]:
    for replay, before, category, accepted, refused in product(
        _REPLAYS, ("queued", "unanswered"), _CATEGORIES, (False, True), (0, 9)
    ):

        def act(stage: Stage, before: str = before, refused: int = refused) -> Any:
            if before == "queued":
                stage.refuse(stage.waiting(), refused)
            else:
                unit = stage.opened(UnitState.UNANSWERED)
                stage.refuse(unit, refused)
            return stage.sweep()

        head: dict[str, JsonValue] = {"by": "sweep", "event": "request fails"}
        yield _refused(head, replay, before, category, accepted, refused, act)


def _refused(
    head: dict[str, JsonValue],
    replay: str,
    before: str,
    category: FailureCategory,
    accepted: bool,
    refused: int,
    act: Callable[[Stage], dict[str, JsonValue]],
) -> Case:
    when: dict[str, JsonValue] = {
        **head,
        "replay": replay,
        "before": before,
        "category": str(category),
        "accepted": accepted,
        "refused before": refused,
    }
    return Case(when, lambda: Script(failing(category, accepted=accepted), replay=replay), act)


_STATUSES: dict[str, Callable[[], Any]] = {
    "running": lambda: JobStatus(state="running"),
    "succeeded": lambda: JobStatus(state="succeeded"),
    "unknown": lambda: None,
    "no answer": failing(FailureCategory.TRANSIENT, accepted=True),
    "denied": failing(FailureCategory.AUTH, accepted=False),
    **{f"failed: {category}": job_failed(category) for category in _CATEGORIES},
}


def _looked_up() -> Iterator[Case]:
    for by, status, late, stops in product(
        ("run", "sweep"), _STATUSES, (False, True), (False, True)
    ):

        def act(stage: Stage, by: str = by, late: bool = late) -> Any:
            begun = NOW - (_LATE if late else timedelta(minutes=1))
            stage.opened(UnitState.RUNNING, begun=begun)
            return stage.run() if by == "run" else stage.sweep()

        yield Case(
            {"by": by, "event": "job is polled", "status": status, "late": late, "stops": stops},
            lambda status=status, stops=stops: Script(poll=_STATUSES[status], stops=stops),
            act,
        )


def _fetched() -> Iterator[Case]:
    errors: dict[str, Callable[[], Any]] = {
        **{str(one): failing(one, accepted=True) for one in _CATEGORIES},
        "our store": raising(_OURS),
    }
    for error, late, before in product(errors, (False, True), (0, 3)):

        def act(stage: Stage, late: bool = late, before: int = before) -> Any:
            unit = stage.opened(
                UnitState.RUNNING, begun=NOW - (_TOO_LATE if late else timedelta(minutes=1))
            )
            for _ in range(before):
                stage.units.fetch_later(unit.id, NOW, "no answer.")
            return stage.run()

        yield Case(
            {
                "by": "run",
                "event": "result cannot be fetched",
                "error": error,
                "three days late": late,
                "unfetched before": before,
            },
            lambda error=error: Script(
                poll=lambda: JobStatus(state="succeeded"), fetch=errors[error]
            ),
            act,
        )


def _found() -> Iterator[Case]:
    """Yield what a run or the sweep finds after a process died, where the provider is well."""
    for by, state, replay, late, policy in product(
        ("run", "sweep"),
        (UnitState.PLANNED, UnitState.SUBMITTING, UnitState.IN_DOUBT),
        _REPLAYS,
        (False, True),
        ("hold", "retry"),
    ):

        def act(
            stage: Stage,
            by: str = by,
            state: UnitState = state,
            late: bool = late,
            policy: Any = policy,
        ) -> Any:
            stage.opened(state, begun=NOW - (_LATE if late else timedelta(minutes=1)))
            if by == "sweep":
                return stage.sweep()
            return stage.run(policy=WorkPolicy(attempts=2, in_doubt=policy))

        yield Case(
            {
                "by": by,
                "event": "found",
                "before": str(state),
                "replay": replay,
                "late": late,
                "policy": policy,
            },
            lambda replay=replay: Script(replay=replay),
            act,
        )


def _renewed() -> Iterator[Case]:
    """Yield requests that `in_doubt: retry` made anew, and that were refused."""
    for state, category in product(
        (UnitState.SUBMITTING, UnitState.IN_DOUBT),
        (FailureCategory.THROTTLED, FailureCategory.AUTH),
    ):
        yield Case(
            {"by": "run", "event": "renewed", "before": str(state), "category": str(category)},
            lambda c=category: Script(failing(c, accepted=False), replay="unsafe"),
            lambda stage, state=state: _run_after(stage, state),
        )


def _run_after(stage: Stage, state: UnitState) -> dict[str, JsonValue]:
    stage.opened(state)
    return stage.run(policy=WorkPolicy(attempts=2, in_doubt="retry"))


def _cancelled() -> Iterator[Case]:
    for state, replay in product(
        (UnitState.PLANNED, UnitState.SUBMITTING, UnitState.IN_DOUBT), _REPLAYS
    ):
        yield Case(
            {"event": "cancelled", "before": str(state), "replay": replay},
            lambda replay=replay: Script(replay=replay),
            lambda stage, state=state: stage.cancel(stage.opened(state)),
        )
    fetches: dict[str, Callable[[], Any]] = {
        "good": lambda: [b"page"],
        **{str(one): failing(one, accepted=True) for one in _CATEGORIES},
        "our store": raising(_OURS),
    }
    for status, fetch, late, stops in product(_STATUSES, fetches, (False, True), (False, True)):
        if status != "succeeded" and fetch != "good":
            continue

        def act(stage: Stage, late: bool = late) -> Any:
            begun = NOW - (_TOO_LATE if late else timedelta(minutes=1))
            return stage.cancel(stage.opened(UnitState.RUNNING, begun=begun))

        yield Case(
            {
                "event": "cancelled",
                "before": "running",
                "status": status,
                "fetch": fetch,
                "three days late": late,
                "stops": stops,
            },
            lambda status=status, fetch=fetch, stops=stops: Script(
                poll=_STATUSES[status], fetch=fetches[fetch], stops=stops
            ),
            act,
        )
