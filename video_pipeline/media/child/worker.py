"""The program of the media child: one input on descriptor 0, messages on descriptor 1.

It is started without environment and without site packages other than PyAV, does one task, and
ends. Everything it needs is imported before it confines itself.
"""

import json
from collections.abc import Callable
from typing import Any

from av.error import FFmpegError

from video_pipeline.media.child.frames import decode
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.probing import probe
from video_pipeline.media.child.sandbox import confine, die_with
from video_pipeline.media.child.sound import audio
from video_pipeline.media.protocol import MediaFault, Outlet

_TASKS: dict[str, Callable[..., None]] = {"probe": probe, "audio": audio, "decode": decode}


def main(argument: str) -> None:
    """Do the task that the argument describes as JSON."""
    job = json.loads(argument)
    die_with(job["parent"])
    confine(job["address_space_bytes"], job["cpu_seconds"])
    outlet = Outlet(1)
    try:
        source = Input(0, job["max_pixels"], job["threads"], outlet.beat, job["served_bytes"])
        _TASKS[job["task"]](source, outlet, **job["arguments"])
    except BrokenPipeError:
        return
    except Exception as error:  # noqa: BLE001 - the child's last words, whatever it was
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
