"""The program of the media child: one input on descriptor 0, messages on descriptor 1.

It starts without environment and without site packages except PyAV, does one task, and ends. All
imports happen before it confines itself.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable
from typing import Any

from av.error import FFmpegError

from video_pipeline.media.child.audio import audio
from video_pipeline.media.child.frames import decode
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.probing import probe
from video_pipeline.media.protocol import MediaFault, Outlet

_PR_SET_PDEATHSIG = 1
_DESCRIPTORS = 32
_TASKS: dict[str, Callable[..., None]] = {"probe": probe, "audio": audio, "decode": decode}


def main(argument: str) -> None:
    """Do the task that the argument describes in JSON."""
    job = json.loads(argument)
    _die_with(job["parent"])
    _confine(job["address_space_bytes"], job["cpu_seconds"])
    outlet = Outlet(1, job["batch_bytes"])
    try:
        source = Input(0, job["max_pixels"], job["threads"], outlet.beat, job["served_bytes"])
        _TASKS[job["task"]](source, outlet, **job["arguments"])
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - the last message, for any error
        what, remedy = _explained(error, job)
        outlet.send("fault", what=what, remedy=remedy)


def _explained(error: Exception, job: dict[str, Any]) -> tuple[str, str]:
    if isinstance(error, MediaFault):
        return error.what, error.remedy
    if isinstance(error, MemoryError):
        allowed = job["address_space_bytes"] >> 20
        return (
            f"it needs more memory than the limit of {allowed:,} MiB",
            "Deliver it smaller, or raise the limit address_space_bytes.",
        )
    if isinstance(error, FFmpegError):
        return f"it cannot be decoded ({error.strerror})", "Encode it again and deliver it anew."
    return f"reading it failed with {error!r}", "Encode it again; if that fails too, report it."


def _die_with(parent: int) -> None:
    """Have the kernel kill this process when the thread that started it ends (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        # The parent ended before the line above took effect.
        os._exit(1)


def _confine(address_space_bytes: int, cpu_seconds: int) -> None:
    """Lower this process's limits: memory (Linux), CPU time, descriptors, no writes to files."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_FSIZE, 0)
    _lower(resource.RLIMIT_NOFILE, _DESCRIPTORS)
    if sys.platform == "linux":  # macOS refuses it
        _lower(resource.RLIMIT_AS, address_space_bytes)
    # The soft limit sends SIGXCPU, which names the reason; a second later comes SIGKILL.
    _lower(resource.RLIMIT_CPU, cpu_seconds, spare=1)


def _lower(kind: int, value: int, spare: int = 0) -> None:
    _, ceiling = resource.getrlimit(kind)
    if ceiling == resource.RLIM_INFINITY:
        ceiling = value + spare
    resource.setrlimit(kind, (min(value, ceiling - spare), min(value + spare, ceiling)))
