"""The import contracts, types, lint rules and format hold."""

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


def test_import_contracts_hold() -> None:
    call("from importlinter.cli import lint_imports_command; lint_imports_command()")


def test_types_hold() -> None:
    call("from pyright.cli import entrypoint; entrypoint()", "--pythonpath", sys.executable)


def test_ruff_finds_nothing() -> None:
    call("import runpy; runpy.run_module('ruff', run_name='__main__')", "check", ".")


def test_files_are_formatted() -> None:
    call("import runpy; runpy.run_module('ruff', run_name='__main__')", "format", "--check", ".")
