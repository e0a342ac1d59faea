"""Only the policy decides by a failure's category."""

import ast
from pathlib import Path

import video_pipeline

PACKAGE = Path(video_pipeline.__file__).parent
# What decides by a category itself, and why it may.
ALLOWED = {
    "domain/unit_policy.py": "the policy",
    "plugins/conformance/suite.py": "a test of the category that a plugin raises",
    "providers/aws/rekognition/calls.py": "reads the errors that it raised itself",
    "providers/aws/transcribe/plugin.py": "reads the errors that it raised itself",
}


def _decides(tree: ast.AST) -> bool:
    """Return whether something is compared with a category."""
    return any(
        isinstance(part, ast.Attribute)
        and isinstance(part.value, ast.Name)
        and part.value.id == "FailureCategory"
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare)
        for part in ast.walk(node)
    )


def test_only_the_policy_decides_by_category() -> None:
    found = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if _decides(ast.parse(file.read_text()))
    }
    assert found - ALLOWED.keys() == set(), "ask domain/unit_policy.py"
    assert found >= ALLOWED.keys() - {"domain/unit_policy.py"}, (
        "an exception is not needed any more"
    )
