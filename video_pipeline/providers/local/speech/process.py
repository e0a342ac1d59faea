"""The parent's side of the speech process: start, messages in time, reuse, and end.

Whisper cannot be interrupted while it decodes a window, but its process can be ended.
"""

import atexit
import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from threading import Lock
from typing import IO, NamedTuple

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.providers.local.speech.worker import Message, send

_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]);"
    "from video_pipeline.providers.local.speech.worker import main; main(*sys.argv[2:])"
)
# Variables by which the numeric libraries choose their code, and with it the last digits.
_KEPT = ("CT2_", "KMP_", "LD_LIBRARY_PATH", "MKL_", "NPY_", "OMP_", "OPENBLAS_")
# Keep freed memory for the next window, as the run's own process does (glibc, mallopt(3)). `try` of
# ten minutes of 720p took 67 CPU-seconds without it, and 63 with it.
_MALLOC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}
_TICK_SECONDS = 0.5
# Ten minutes. A window of 30 s takes a large model one or two on a busy machine.
_SILENT_TICKS = 1200
_PIECE_BYTES = 1 << 16
_TAIL_BYTES = 500


class Model(NamedTuple):
    """What a process has loaded."""

    folder: Path
    compute_type: str
    threads: int


class SpeechProcess:
    """A process with one model. It ends when this process does, however that happens."""

    def __init__(self, process: "subprocess.Popen[bytes]", printed: IO[bytes]) -> None:
        """`printed` is the file with what the process prints."""
        self._process, self._printed = process, printed

    @classmethod
    def start(cls, model: Model) -> "SpeechProcess":
        printed = tempfile.TemporaryFile("a+b")  # noqa: SIM115 - `end` closes it
        roots = [str(Path(__file__).parents[4]), *(path for path in sys.path if path)]
        process = subprocess.Popen(
            [sys.executable, "-I", "-c", _START, json.dumps(roots), *map(str, model)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            env=_environment(),
            bufsize=0,
            # Else a Ctrl-C in the terminal would end it before its parent.
            start_new_session=True,
        )
        return cls(process, printed)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process.poll() is None

    def ask(self, request: Message, where: str) -> Iterator[Message]:
        """Yield the messages of the answer, at least one each half second.

        Raises ProviderError if the process fails, dies or stays silent.
        """
        assert self._process.stdin is not None
        self._printed.truncate(0)
        # Else it has just died, and the next read says so.
        with contextlib.suppress(BrokenPipeError):
            send(self._process.stdin.fileno(), request)
        silent = 0
        for line in self._lines(where):
            silent = 0 if line else silent + 1
            if silent >= _SILENT_TICKS:
                raise _failed(f"it was silent for {silent * _TICK_SECONDS:g} s", where)
            message: Message = json.loads(line) if line else {"kind": "beat"}
            if message["kind"] == "end":
                return
            if message["kind"] == "failed":
                raise _failed(message["what"], where)
            if message["kind"] == "refused":
                raise _refused(message["what"], where)
            yield message

    def _lines(self, where: str) -> Iterator[bytes]:
        """Yield lines, and an empty one after each tick without."""
        assert self._process.stdout is not None
        descriptor, begun = self._process.stdout.fileno(), b""
        ready = select.poll()
        ready.register(descriptor, select.POLLIN)
        while True:
            if not ready.poll(_TICK_SECONDS * 1000):
                yield b""
                continue
            found = os.read(descriptor, _PIECE_BYTES)
            if not found:
                raise self._died(where)
            *lines, begun = (begun + found).split(b"\n")
            yield from lines

    def _died(self, where: str) -> ProviderError:
        self._process.kill()
        status = self._process.wait()
        if -status in (signal.SIGKILL, signal.SIGTERM):
            return ProviderError(
                f"the speech process was killed from outside ({signal.Signals(-status).name}),"
                " most likely because memory ran out",
                category=FailureCategory.TRANSIENT,
                remedy="Take a smaller model, lower max_concurrent_runs in dagster.yaml, or give"
                " the machine more memory; then run it again.",
                where=where,
            )
        printed = os.pread(self._printed.fileno(), _TAIL_BYTES, max(0, self._size() - _TAIL_BYTES))
        said = printed.decode(errors="replace").strip() or "it printed nothing"
        return _failed(f"its process ended with status {status}: {said}", where)

    def _size(self) -> int:
        return os.fstat(self._printed.fileno()).st_size

    def end(self) -> None:
        """Kill the process, and wait until it has ended."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout, self._printed):
            assert pipe is not None
            pipe.close()


def _environment() -> dict[str, str]:
    """Return this process's environment without secrets."""
    kept = {name: value for name, value in os.environ.items() if name.startswith(_KEPT)}
    # Models are local files: the library must not look for others.
    return {**kept, **_MALLOC, "HF_HUB_OFFLINE": "1"}


_idle: dict[Model, SpeechProcess] = {}
_changing = Lock()


@contextlib.contextmanager
def speech_process(model: Model) -> Generator[SpeechProcess, None, None]:
    """Lend a process with the model: the idle one, or a new one.

    It is ended if the block raises, and kept for the next block otherwise, one for each model.
    """
    with _changing:
        process = _idle.pop(model, None)
    if process is not None and not process.is_alive:
        process.end()
        process = None
    process = process or SpeechProcess.start(model)
    try:
        yield process
    except BaseException:
        process.end()
        raise
    with _changing:
        kept = _idle.setdefault(model, process)
    if kept is not process:
        process.end()


@atexit.register
def _end_idle() -> None:
    while _idle:
        _idle.popitem()[1].end()


# A forked process must not talk to the children of its parent.
os.register_at_fork(after_in_child=_idle.clear)


def _failed(what: str, where: str) -> ProviderError:
    return ProviderError(
        f"Whisper failed: {what}",
        category=FailureCategory.PROVIDER_FAILED,
        remedy="Look at the memory of this machine, or take a smaller model.",
        where=where,
    )


def _refused(what: str, where: str) -> ProviderError:
    return ProviderError(
        f"Whisper refused the request: {what}",
        category=FailureCategory.UNSUPPORTED,
        remedy="Name a language that Whisper knows, or none.",
        where=where,
        accepted=False,
    )
