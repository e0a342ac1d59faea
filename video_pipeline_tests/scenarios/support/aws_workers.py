"""The workers of a backlog: processes that make runs, and one that sweeps. All can be killed.

A run is the use case that a step of Dagster calls. As the completions sensor does, a worker reads
from the catalogue which videos need a run. These are new videos, those with ended jobs, and those
that a killed process left unfinished.
"""

import multiprocessing
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.context import ForkServerContext
from typing import Any

from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline_tests.scenarios.support.aws_backlog import PHASES, Place, services

# The limit of runs of a video with a failed phase.
_TRIES = 3
_PAUSE_SECONDS = 0.2


def run_videos(place: Place, keys: Sequence[str], busy: Any, peak: Any) -> None:
    """Make the runs of these videos until none needs another."""
    parts, hand = services(place), _Hand({key: VideoKey.parse(key) for key in keys})
    while hand.left:
        for key in hand.due(parts):
            busy.value = 1
            hand.run(parts, key)
            busy.value = 0
        peak.value = max(peak.value, _kilobytes())
        time.sleep(_PAUSE_SECONDS)


@dataclass
class _Hand:
    """The remaining videos of one process, the parked ones among them, and the runs of each."""

    left: dict[str, VideoKey]
    parked: set[str] = field(default_factory=set[str])
    tries: dict[str, int] = field(default_factory=dict[str, int])

    def due(self, parts: Services) -> Iterator[VideoKey]:
        """Yield the videos that need a run now."""
        ended = {
            str(unit.request.key)
            for project in sorted({key.project for key in self.left.values()})
            for unit in parts.of(project).units.ready()
        }
        for name, key in list(self.left.items()):
            if name not in self.parked or name in ended:
                yield key

    def run(self, parts: Services, key: VideoKey) -> None:
        """Run a video, and record its outcome."""
        name = str(key)
        try:
            states = {outcome.state for outcome in analyse(parts, key, PHASES).values()}
        except PipelineError as error:
            print(f"{name}: {error}", flush=True)
            return
        self.parked.discard(name)
        if PhaseState.PARKED in states:
            self.parked.add(name)
            return
        self.tries[name] = self.tries.get(name, 0) + 1
        good = all(state.good for state in states)
        if good or self.tries[name] >= _TRIES:
            del self.left[name]


def sweep(place: Place, peak: Any) -> None:
    """Make rounds of the sweep until killed."""
    parts = services(place)
    while True:
        make_round(parts, parts.clock())
        peak.value = max(peak.value, _kilobytes())
        time.sleep(_PAUSE_SECONDS)


def _kilobytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


@dataclass
class _Process:
    target: Any
    arguments: tuple[Any, ...]
    living: Any = None


class Hands:
    """Worker processes, which are restarted after a kill."""

    def __init__(self, place: Place, shares: Sequence[Sequence[str]]) -> None:
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])
        self.busy = [self._context.Value("i", 0) for _ in shares]
        self.peaks = [self._context.Value("q", 0) for _ in range(len(shares) + 1)]
        """The peak memory of each process in kilobytes. The sweeping process is last."""
        told = zip(shares, self.busy, self.peaks[:-1], strict=True)
        self._all = [_Process(run_videos, (place, *one)) for one in told]
        self._all.append(_Process(sweep, (place, self.peaks[-1])))
        self.restarts = 0

    def __enter__(self) -> "Hands":
        for one in self._all:
            self._start(one)
        return self

    def __exit__(self, *_: object) -> None:
        for one in self._all:
            one.living.kill()
            one.living.join()

    @property
    def done(self) -> bool:
        """Return whether no video needs another run."""
        return all(one.living.exitcode == 0 for one in self._all[:-1])

    def look_after(self) -> None:
        """Restart killed processes. Raises AssertionError if a process failed otherwise."""
        for one in self._all:
            if one.living.exitcode not in (None, 0):
                if one.living.exitcode != -signal.SIGKILL:
                    raise AssertionError(f"a process ended with {one.living.exitcode}")
                self.restarts += 1
                self._start(one)

    def kill(self, number: int) -> bool:
        """Kill a process with SIGKILL. Return False if it had already ended by itself."""
        living = self._all[number % len(self._all)].living
        if living.exitcode is not None:
            return False
        living.kill()
        living.join()
        return bool(living.exitcode == -signal.SIGKILL)

    def _start(self, one: _Process) -> None:
        one.living = self._context.Process(target=one.target, args=one.arguments)
        one.living.start()
