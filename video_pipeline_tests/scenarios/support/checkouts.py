"""Checkouts of earlier versions, to measure what has changed since."""

import contextlib
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[3]
_SETUP = "from setuptools import setup; setup()"


@contextlib.contextmanager
def checkout_of(revision: str, folder: Path) -> Generator[Path]:
    """Check a revision out below `folder`, and remove it when the block ends.

    It uses this environment's libraries, whose versions must not have changed since. Raises
    RuntimeError if the repository does not have the revision.
    """
    target = folder / f"checkout-{revision}"
    _git("worktree", "add", "--quiet", "--detach", "--force", str(target), revision)
    try:
        # Its plugins are found by the entry points that its own metadata names.
        subprocess.run(
            [sys.executable, "-c", _SETUP, "-q", "egg_info"],
            cwd=target,
            check=True,
            capture_output=True,
        )
        yield target
    finally:
        _git("worktree", "remove", "--force", str(target))


def _git(*arguments: str) -> None:
    ended = subprocess.run(["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True)
    if ended.returncode:
        raise RuntimeError(f"git {' '.join(arguments)}: {ended.stderr.strip()}")
