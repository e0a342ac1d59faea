"""Virtual environments for servers that pin other versions of our libraries.

Each is made once in `.environments` of the checkout, from a requirements file with hashes. It is
made again when that file or the path of the checkout changes.
"""

import fcntl
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_FILES = Path(__file__).parent / "programs"
_MADE = ROOT / ".environments"
_MINUTES = 5


def interpreter(name: str) -> Path:
    """Return the Python of the environment `name`, which is made if it is missing or outdated.

    Raises CalledProcessError if it cannot be made.
    """
    _MADE.mkdir(exist_ok=True)
    venv, needed = _MADE / name, _FILES / f"{name}.txt"
    python, made_from = venv / "bin" / "python", venv / "made-from"
    wanted = hashlib.sha256(needed.read_bytes() + str(venv).encode()).hexdigest()
    with (_MADE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made_from.is_file() or made_from.read_text() != wanted:
            shutil.rmtree(venv, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(venv))
            install = ["install", "--quiet", "--no-deps", "--require-hashes", "-r", str(needed)]
            _run(str(python), "-m", "pip", "--disable-pip-version-check", *install)
            made_from.write_text(wanted)
    return python


def _run(*command: str) -> None:
    subprocess.run(command, check=True, timeout=_MINUTES * 60, stdin=subprocess.DEVNULL)
