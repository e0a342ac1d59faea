"""CPU and wall seconds of processes, by the kernel's own accounting."""

import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient


@dataclass(frozen=True)
class Run:
    """One measured run: CPU and wall seconds, and its answer."""

    cpu: float
    wall: float
    answer: dict[str, Any] = field(default_factory=dict[str, Any])


def measured(
    arguments: Sequence[str], environment: Mapping[str, str], checkout: Path | None = None
) -> Run:
    """Run Python, and measure its process and all processes that it waited for.

    It imports the code of the checkout, by default of this one. The answer is the last line of
    output if that is a JSON object.
    """
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(done.stderr[-4000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    last = done.stdout.rstrip().rpartition("\n")[2]
    answer = json.loads(last) if last.startswith("{") else {}
    return Run(cpu, time.monotonic() - started, answer)


def server_seconds(uri: str) -> float:
    """Return the CPU-seconds that the MongoDB server has used so far."""
    with MongoClient[dict[str, Any]](uri) as client:
        pid = client.admin.command("serverStatus")["pid"]
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
