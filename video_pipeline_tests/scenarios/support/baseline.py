"""A checkout of an earlier commit, with an environment of its own."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The last lines that a failure shows.
_SHOWN = 15
ROOT = Path(__file__).resolve().parents[3]


def python_of(checkout: Path) -> Path:
    """Return the interpreter of a checkout's environment."""
    return checkout / ".venv" / "bin" / "python"


@contextmanager
def checked_out(commit: str, folder: Path, *, environment: bool = True) -> Iterator[Path]:
    """Check a commit out into a new folder, which ends with the block.

    Its `./run` makes an `environment` from its own requirements.lock: once, in a minute or two.
    """
    _git("worktree", "add", "--detach", str(folder), commit)
    try:
        if environment:
            print(f"making the environment of {commit}", flush=True)
            _make_environment(folder)
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _make_environment(checkout: Path) -> None:
    """Call `./run`, which makes the environment first. Raises RuntimeError with its last lines."""
    # Else it would import this checkout's code.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    ended = subprocess.run(
        ["./run", "--help"],
        check=False,
        cwd=checkout,
        env=variables,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        raise RuntimeError("\n".join([f"{checkout}/run:", *ended.stderr.splitlines()[-_SHOWN:]]))


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True)
