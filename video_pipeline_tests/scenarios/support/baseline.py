"""A checkout of an earlier commit, with an environment of its own."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]


def python_of(checkout: Path) -> Path:
    """Return the interpreter of a checkout's environment."""
    return checkout / ".venv" / "bin" / "python"


@contextmanager
def checked_out(commit: str, folder: Path) -> Iterator[Path]:
    """Check a commit out into a new folder, which ends with the block.

    Its `./run` makes the environment from its own requirements.lock: once, in a minute or two.
    """
    _git("worktree", "add", "--detach", str(folder), commit)
    try:
        print(f"making the environment of {commit}", flush=True)
        made = {"cwd": folder, "capture_output": True, "text": True}
        ended = subprocess.run(["./run", "--help"], check=False, **made)
        if ended.returncode:
            raise RuntimeError(f"./run of {commit}: {ended.stdout}{ended.stderr}")
        yield folder
    finally:
        _git("worktree", "remove", "--force", str(folder))


def _git(*arguments: str) -> None:
    subprocess.run(["git", "-C", str(ROOT), *arguments], check=True, capture_output=True)
