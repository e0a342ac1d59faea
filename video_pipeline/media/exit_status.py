"""What a child's exit status says to people. Pure."""

import signal

from video_pipeline.media.reader import MediaLimits

_AGAIN = "Encode it again and deliver it anew."


def death(status: int, limits: MediaLimits) -> tuple[str, str]:
    """What happened and what mends it, for a child that ended without saying so itself."""
    if status >= 0:
        return f"the process that reads it ended with status {status}", _AGAIN
    name = _signal_name(-status)
    if name == "SIGXCPU":
        return (
            f"it needs more processor time than the limit of {limits.cpu_seconds} s ({name})",
            "Deliver it shorter or smaller, or raise the limit cpu_seconds.",
        )
    if name == "SIGKILL":
        return (
            f"the process that reads it was killed from outside ({name}), not by our limits",
            "Try again; if the machine has too little memory, run fewer at once.",
        )
    return (
        f"the process that reads it crashed ({name}), within its"
        f" {limits.address_space_bytes >> 20:,} MiB and {limits.cpu_seconds} s of processor time",
        _AGAIN,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
