"""The parent's side of one media child: start, messages with timeouts, and end."""

import contextlib
import fcntl
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.errors import DecoderKilled, MediaError, PipelineError
from video_pipeline.media.protocol import BEAT, HEAD, MOST_FACTS
from video_pipeline.media.reader import MediaLimits
from video_pipeline.media.serving import Serving, descriptor_of

_START = (
    "import sys; sys.path[:0] = sys.argv[2:];"
    "from video_pipeline.media.child.worker import main; main(sys.argv[1])"
)
_PIPE_BYTES = 1 << 20
_SPARE_BYTES = 8 << 20
_BYTES_PER_PIXEL = 4
_AGAIN = "Encode it again and deliver it anew."
# No limit of the child sends these: a memory killer does, or a person.
_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM})
# How long a child may run on after it closed its pipe.
_LAST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Message:
    """One untrusted message of the child."""

    kind: str
    facts: dict[str, Any]
    payload: NDArray[np.uint8]


class Child:
    """A child that does one task on an open file, or on a source that the parent reads for it.

    A context manager that ends the child. On Linux the child also ends with the thread that
    started it.
    """

    def __init__(
        self,
        source: BinaryIO,
        where: str,
        limits: MediaLimits,
        task: str,
        arguments: Mapping[str, Any],
        batch_bytes: int,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        """`batch_bytes` are the frames of one feed that the child collects before it sends them."""
        self._where, self._limits, self._elapsed = where, limits, elapsed
        self._ends_at = elapsed() + limits.wall_seconds
        self._serving = Serving(source) if descriptor_of(source) is None else None
        job = {
            "served_bytes": self._serving.size if self._serving else None,
            "task": task,
            "arguments": arguments,
            "batch_bytes": batch_bytes,
            "parent": os.getpid(),
            "address_space_bytes": limits.address_space_bytes,
            "cpu_seconds": limits.cpu_seconds,
            "max_pixels": limits.max_pixels,
            "threads": limits.threads,
        }
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _START, json.dumps(job), *_roots()],
            stdin=self._serving.theirs.fileno() if self._serving else source,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
            cwd="/",
            bufsize=0,
            # Else a Ctrl-C in the terminal would end it before its parent, and blame the media.
            start_new_session=True,
        )
        assert self._process.stdout is not None
        self._pipe: IO[bytes] = self._process.stdout
        _enlarge(self._pipe)
        self._ready = select.poll()
        self._ready.register(self._pipe, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait()
        self._pipe.close()
        if self._serving:
            self._serving.close()

    def messages(self) -> Iterator[Message]:
        """Yield its messages up to and including `end`. Raises MediaError, DecoderKilled."""
        while True:
            message = self._message()
            if message.kind == "fault":
                raise self._fault(message.facts)
            if message.kind != BEAT:
                yield message
            if message.kind == "end":
                return

    def _fault(self, facts: Mapping[str, Any]) -> Exception:
        if self._serving and self._serving.error:
            return self._serving.error
        return MediaError(
            str(facts.get("what")), where=self._where, remedy=str(facts.get("remedy"))
        )

    def _message(self) -> Message:
        facts_size, payload_size = HEAD.unpack(self._bytes(HEAD.size))
        most = self._limits.max_pixels * _BYTES_PER_PIXEL + _SPARE_BYTES
        if facts_size > MOST_FACTS or payload_size > most:
            raise self.nonsense("a message is too long")
        try:
            facts = json.loads(self._bytes(facts_size))
            kind = str(facts["kind"])
        except (ValueError, KeyError, TypeError) as error:
            raise self.nonsense("a message has no facts") from error
        return Message(kind, facts, self._array(payload_size))

    def nonsense(self, what: str) -> MediaError:
        """Return the error for an answer that violates the protocol."""
        return MediaError(
            f"the decoding process sent an invalid answer: {what}",
            where=self._where,
            remedy="Treat the file as an attack, or encode it again.",
        )

    def _bytes(self, size: int) -> bytearray:
        found = bytearray(size)
        self._fill(memoryview(found))
        return found

    def _array(self, size: int) -> NDArray[np.uint8]:
        found = np.empty(size, np.uint8)
        self._fill(found.data)
        return found

    def _fill(self, rest: memoryview) -> None:
        while rest:
            self._await()
            count = os.readv(self._pipe.fileno(), [rest])
            if not count:
                raise self._died()
            rest = rest[count:]

    def _await(self) -> None:
        while (patience := self._patience()) > 0:
            if self._ready.poll(patience * 1000):
                return
            if self._serving is None or not self._serving.is_reading:
                break
        if self._elapsed() >= self._ends_at:
            what = f"it took longer than the limit of {self._limits.wall_seconds} s"
            remedy = "Deliver it shorter, or raise the limit wall_seconds."
        else:
            what = f"decoding stalled for {self._limits.stall_seconds} s"
            remedy = "Encode it again; on a busy machine raise the limit stall_seconds."
        raise MediaError(what, where=self._where, remedy=remedy)

    def _patience(self) -> float:
        """Return the seconds that the child may stay silent, also while it waits for the parent."""
        left = self._ends_at - self._elapsed()
        return min(float(self._limits.stall_seconds), left)

    def _died(self) -> PipelineError:
        try:
            status = self._process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:
            return self.nonsense("it closed its pipe but did not end")
        return _death(status, self._limits, self._where)


def _roots() -> list[str]:
    """Return the folders of this package and PyAV, the only ones that the child may import from."""
    found = importlib.util.find_spec("av")
    assert found is not None and found.origin is not None
    roots = (Path(__file__).parents[2], Path(found.origin).parents[1])
    return list(dict.fromkeys(str(root.resolve()) for root in roots))


def _enlarge(pipe: IO[bytes]) -> None:
    # Optional: faster, but refused if the user's pipes hold too much already.
    with contextlib.suppress(AttributeError, OSError):
        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _death(status: int, limits: MediaLimits, where: str) -> PipelineError:
    """Return the error for a child that ended without a message."""
    if -status in _FROM_OUTSIDE:
        return DecoderKilled(
            f"the decoding process was killed from outside ({_signal_name(-status)}),"
            " most likely because memory ran out",
            where=where,
            remedy="Give the machine or its container more memory, or lower max_concurrent_runs"
            " in dagster.yaml; then run it again.",
        )
    what, remedy = _fault(status, limits)
    return MediaError(what, where=where, remedy=remedy)


def _fault(status: int, limits: MediaLimits) -> tuple[str, str]:
    """Return what the media did to its child, and the remedy."""
    if status >= 0:
        return f"the decoding process ended with status {status}", _AGAIN
    name = _signal_name(-status)
    if name == "SIGXCPU":
        return (
            f"it needs more CPU time than the limit of {limits.cpu_seconds} s ({name})",
            "Deliver it shorter or smaller, or raise the limit cpu_seconds.",
        )
    return (
        f"the decoding process crashed ({name}), within its"
        f" {limits.address_space_bytes >> 20:,} MiB and {limits.cpu_seconds} s of CPU time",
        _AGAIN,
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
