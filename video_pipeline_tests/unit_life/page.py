"""Write docs/work-units.md from the policy.

python -m video_pipeline_tests.unit_life.page
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from video_pipeline.domain.unit_policy import (
    CATEGORIES,
    CLOSE_RULES,
    FOUND_RULES,
    JOB_RULES,
    REQUEST_RULES,
)
from video_pipeline.domain.work import MOVES, UnitState

PAGE = Path(__file__).parents[2] / "docs" / "work-units.md"
_HEAD = """# Work units

A work unit is one request to a provider. Its row is written before the request, and says later what
was used. This page is made from the code: `python -m video_pipeline_tests.unit_life.page`.

## States
"""
_STATES = {
    UnitState.INTENT: "planned, or in the backlog: no request is under way",
    UnitState.SUBMITTING: "a request is being made, or its answer was lost",
    UnitState.RUNNING: "the provider has a job",
    UnitState.IN_DOUBT: "it may be billed; `jobs release` lets it be requested again",
    UnitState.SETTLED: "its raw pages are stored and its usage is known",
    UnitState.FAILED: "it ended without a result; a new generation may follow",
    UnitState.CANCELLED: "no run needed it; a new generation may follow",
}


def page() -> str:
    """Return the page as markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "```mermaid\nstateDiagram-v2"
    yield "    [*] --> intent"
    for before, states in MOVES.items():
        yield from (f"    {before} --> {after}" for after in UnitState if after in states)
        if not states:
            yield f"    {before} --> [*]"
    yield "```\n"
    yield from _table(("state", "meaning"), ((f"`{s}`", text) for s, text in _STATES.items()))
    yield "\n## Why a provider did not deliver\n"
    yield from _table(
        ("category", "holds", "of the request", "a result is lost", "next provider", "why"),
        (
            (
                f"`{name}`",
                row.nature,
                _yes(row.of_the_request),
                _yes(row.result_lost),
                _yes(row.next_provider),
                row.why,
            )
            for name, row in CATEGORIES.items()
        ),
    )
    yield "\n## A request that failed\n"
    yield (
        "`refused`: the provider has nothing of the unit. `unheard`: this request or an earlier\n"
        "one may have been accepted. A unit that was refused `work.deferrals` times while others\n"
        "were accepted is not deferred again: it fails, and the next provider is asked. The sweep\n"
        "lets a run do that.\n"
    )
    yield from _table(
        ("answer", "repeating is", "holds", "in a run", "last try", "in the sweep", "why"),
        (
            (
                rule.answer,
                _all(rule.replay, 3),
                _all(rule.nature, 3),
                rule.in_run,
                rule.last_in_run,
                rule.in_sweep,
                rule.why,
            )
            for rule in REQUEST_RULES
        ),
    )
    yield "\n## A job that was polled\n"
    yield from _table(
        ("the provider reports", "past its deadline", "what follows", "why"),
        (
            (state or "no such job", _yes(late), step, why)
            for (state, late), (step, why) in JOB_RULES.items()
        ),
    )
    yield "\n## A unit found after its process died\n"
    yield (
        "A unit whose pages are all stored is read, whatever its state. A token past the job's\n"
        "deadline is not recognised: repeating is `unsafe` then. With `in_doubt: retry` in\n"
        "pipeline.yaml a unit is not held in doubt: it fails, and a new request is made.\n"
    )
    yield from _by_state(FOUND_RULES)
    yield "\n## A unit that no run needs\n"
    yield "A running job is polled first; one that still runs is stopped where the provider can.\n"
    yield from _by_state(CLOSE_RULES)


def _by_state(rules: Mapping[Any, tuple[str, str]]) -> Iterator[str]:
    """Return a table of rules, with equal ones of a state in one row."""
    rows = [(state, replay, then, why) for (state, replay), (then, why) in rules.items()]
    grouped = groupby(rows, key=lambda row: (row[0], *row[2:]))
    yield from _table(
        ("state", "repeating is", "what follows", "why"),
        (
            (f"`{state}`", _all((row[1] for row in some), 3), then, why)
            for (state, then, why), some in grouped
        ),
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{' --- |' * len(head)}"
    yield from (f"| {' | '.join(map(str, row))} |" for row in rows)


def _all(values: Iterable[str], count: int) -> str:
    """Return the values as a list, or `any` if there are all of them."""
    found = sorted(str(value) for value in values)
    return "any" if len(found) == count else ", ".join(found)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"


if __name__ == "__main__":
    PAGE.write_text(page())
