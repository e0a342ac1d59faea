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
from video_pipeline.domain.work import NEXT, STATES, Stage, UnitState

PAGE = Path(__file__).parents[2] / "docs" / "work-units.md"
_HEAD = """# Work units

A work unit is one request to a provider. Its row is written before the request, and says later what
was used. This page is made from the code: `python -m video_pipeline_tests.unit_life.page`.

## States
"""


def page() -> str:
    """Return the page as markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield "```mermaid\nstateDiagram-v2"
    yield "    [*] --> UNSENT"
    yield from _diagram()
    yield "```\n"
    yield from _table(
        ("state", "its request is", "a phase is parked on it", "a run goes on", "meaning"),
        (
            (f"`{name}`", one.stage, _yes(one.parked), _yes(one.ready), one.meaning)
            for name, one in STATES.items()
        ),
    )
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
        "`refused`: the provider has nothing of the unit. `unknown`: this request or an earlier\n"
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
        "After a restore, a unit whose request is stored goes to `submitting` first;\n"
        "see [Backups](operations.md#backups).\n"
    )
    yield from _by_stage(FOUND_RULES)
    yield "\n## A unit that no run needs\n"
    yield "A running job is polled first; one that still runs is stopped where the provider can.\n"
    yield from _by_stage(CLOSE_RULES)


def _diagram() -> Iterator[str]:
    """Yield the stages with their states, final states apart, and the arrows between them."""
    for stage in (one for one in Stage if one is not Stage.OVER):
        names = ", ".join(state for state in UnitState if state.stage is stage)
        yield f'    state "{names}" as {stage.name}'
    for stage, after in NEXT.items():
        ends = {one if one.final else one.stage.name for one in after} - {stage.name}
        yield from (f"    {stage.name} --> {end}" for end in sorted(ends))
    yield from (f"    {state} --> [*]" for state in UnitState if state.final)


def _by_stage(rules: Mapping[Any, tuple[str, str]]) -> Iterator[str]:
    """Return a table of rules, with equal ones of a stage in one row."""
    rows = [(stage, replay, then, why) for (stage, replay), (then, why) in rules.items()]
    grouped = groupby(rows, key=lambda row: (row[0], *row[2:]))
    yield from _table(
        ("its request is", "repeating is", "what follows", "why"),
        (
            (stage, _all((row[1] for row in some), 3), then, why)
            for (stage, then, why), some in grouped
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
