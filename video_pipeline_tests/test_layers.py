"""The rules that tools check: which module may import which, and types."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def call(module: str, *arguments: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", module, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stdout[-5000:] + ended.stderr[-2000:]


def test_imports_flow_one_way() -> None:
    call("from importlinter.cli import lint_imports_command; lint_imports_command()")


def test_types_are_right() -> None:
    call("from pyright.cli import entrypoint; entrypoint()", "--pythonpath", sys.executable)


def test_the_text_is_as_ruff_wants_it() -> None:
    call("import runpy; runpy.run_module('ruff', run_name='__main__')", "check", ".")


def test_the_text_is_formatted() -> None:
    call("import runpy; runpy.run_module('ruff', run_name='__main__')", "format", "--check", ".")
