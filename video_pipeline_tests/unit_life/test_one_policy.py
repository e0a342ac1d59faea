"""Only few modules decide by a failure's category or a unit's state."""

import ast
from pathlib import Path

import pytest

import video_pipeline

PACKAGE = Path(video_pipeline.__file__).parent
# What decides by a category itself, and why it may.
BY_CATEGORY = {
    "domain/unit_policy.py": "the policy",
    "plugins/conformance/suite.py": "a test of the category that a plugin raises",
    "providers/aws/rekognition/calls.py": "reads the errors that it raised itself",
    "providers/aws/transcribe/plugin.py": "reads the errors that it raised itself",
}
# What compares with a single state, and why its stage does not suffice.
BY_STATE = {
    "domain/unit_policy.py": "the policy",
    "domain/work.py": "the table of states",
    "catalog/units.py": "its transitions and queries",
    "defs/parked/cancellations.py": "units that the sweep is about to submit",
    "defs/videos/unfinished.py": "shows when a job is looked up",
    "pipeline/backfill/repeat_unit.py": "only settled units have a result",
    "pipeline/jobs/cancel.py": "a cancelled unit takes its group with it",
    "pipeline/jobs/close.py": "failed units have a reason",
    "pipeline/jobs/existing_pages.py": "only a settled unit has whole pages",
    "pipeline/jobs/unit_run.py": "only a settled unit has whole pages",
    "pipeline/analysis/planner.py": "only settled units are read again",
    "pipeline/sweep/backlog.py": "a unit in the backlog, and one that is missing there",
    "pipeline/sweep/round.py": "an ended job holds no slot",
}


def _compares_with(tree: ast.AST, enum: str) -> bool:
    return any(
        isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id == enum
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for part in ast.walk(node)
    )


@pytest.mark.parametrize(
    ("enum", "allowed"), [("FailureCategory", BY_CATEGORY), ("UnitState", BY_STATE)]
)
def test_few_modules_decide_themselves(enum: str, allowed: dict[str, str]) -> None:
    found = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if _compares_with(ast.parse(file.read_text()), enum)
    }
    assert found - allowed.keys() == set(), "ask domain/unit_policy.py, or the state's stage"
    assert allowed.keys() - found <= {"domain/unit_policy.py"}, "an exception is not needed"
