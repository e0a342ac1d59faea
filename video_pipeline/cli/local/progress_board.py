"""Shows the phases of videos as they change, and decides when the videos have ended."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Lock

from rich.console import Console
from rich.live import Live
from rich.table import Table

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.pipeline.services import now_utc

Statuses = dict[VideoKey, dict[Phase, PhaseStatus]]
OfVideo = Mapping[Phase, PhaseStatus]

_COLOURS = {
    PhaseState.RUNNING: "cyan",
    PhaseState.PARKED: "yellow",
    PhaseState.DONE: "green",
    PhaseState.SKIPPED: "yellow",
    PhaseState.FAILED: "bold red",
    PhaseState.DEAD: "bold red",
    PhaseState.INTERRUPTED: "bold red",
    PhaseState.CANCELLED: "yellow",
}


class Board:
    """A table on a terminal, which `refresh` redraws; elsewhere a line for each change."""

    def __init__(self, console: Console, catalog: Catalog, keys: Sequence[VideoKey]) -> None:
        self._console, self._catalog, self._keys = console, catalog, keys
        self._live: Live | None = None
        self._lock = Lock()
        self._printed: dict[tuple[VideoKey, Phase], tuple[PhaseState, datetime]] = {}

    def notify(self, *_: object) -> None:
        """Refresh the board at a step of progress, which any thread may report."""
        with self._lock:
            self.refresh()

    @contextmanager
    def shown(self) -> Generator[None, None, None]:
        """Keep it on the screen while the block runs."""
        if not self._console.is_terminal:
            yield
            self.refresh()
            return
        with Live(console=self._console, auto_refresh=False) as self._live:
            yield
            self.refresh()

    def refresh(self) -> Statuses:
        """Read the current statuses, show and return them."""
        statuses = {
            key: self._catalog.project(key.project).results.statuses(key.video)
            for key in self._keys
        }
        if self._live:
            lines = self._console.height - 6
            self._live.update(table(statuses, lines, now_utc()), refresh=True)
        else:
            self._print_changes(statuses)
        return statuses

    def _print_changes(self, statuses: Statuses) -> None:
        for key, of_video in statuses.items():
            for status in _in_order(of_video):
                now = (status.state, status.started_at)
                if self._printed.get((key, status.phase)) != now:
                    self._printed[key, status.phase] = now
                    why = "" if status.state.good else status.message
                    cells = [str(key), *_cells(status, status.updated_at), why]
                    line = "  ".join(filter(None, cells))
                    self._console.print(line, markup=False, soft_wrap=True)


def table(statuses: Statuses, lines: int, now: datetime) -> Table:
    """Return the phases as a table. Finished ones are folded if they exceed `lines` lines."""
    drawn = Table(box=None, pad_edge=False)
    for title in ("video", "phase", "state", "percent", "provider", "seconds"):
        drawn.add_column(title, justify="right" if title in ("percent", "seconds") else "left")
    fold = sum(map(len, statuses.values())) > lines
    for key, of_video in statuses.items():
        finished = sum(status.state.good for status in of_video.values())
        if not of_video or (fold and finished):
            done = f"{finished} of {len(Phase)} phases"
            drawn.add_row(str(key), *((done, "done") if finished else ("", "not begun")))
        for status in _in_order(of_video):
            if not (fold and status.state.good):
                drawn.add_row(str(key), *_cells(status, now), style=_COLOURS.get(status.state))
    return drawn


def _in_order(of_video: dict[Phase, PhaseStatus]) -> list[PhaseStatus]:
    """Return the phases that have begun, in the order of the pipeline."""
    return [of_video[phase] for phase in Phase if phase in of_video]


def _cells(status: PhaseStatus, now: datetime) -> list[str]:
    """Return phase, state, percent, provider and seconds, which count on for a running phase."""
    until = now if status.state is PhaseState.RUNNING else status.updated_at
    seconds = (until - status.started_at).total_seconds()
    percent = "" if status.percent is None else f"{status.percent} %"
    return [status.phase, status.state, percent, status.provider or "", f"{seconds:.1f}"]


def is_good(statuses: OfVideo) -> bool:
    """Return whether every phase of a video is done or not needed."""
    return all(phase in statuses and statuses[phase].state.good for phase in Phase)


def has_failed(statuses: OfVideo) -> bool:
    """Return whether a phase of a video has failed."""
    return any(status.state.ended_badly for status in statuses.values())


def has_ended(statuses: OfVideo, since: datetime) -> bool:
    """Return whether a video has ended: every phase is good, or one has failed since then."""
    states = {status.state for status in statuses.values()}
    failed = any(
        status.state.ended_badly and status.updated_at >= since for status in statuses.values()
    )
    return is_good(statuses) or (failed and PhaseState.RUNNING not in states)


def reasons(key: VideoKey, statuses: OfVideo) -> list[str]:
    """Return a line for each reason why a video is not good."""
    if is_good(statuses):
        return []
    if not statuses:
        return [f"{key}: no phase has begun; see the logs and Dagster's web interface"]
    return [
        f"{key}  {phase}: {status.state}{': ' if status.message else ''}{status.message}"
        for phase, status in statuses.items()
        if not status.state.good
    ] or [f"{key}: not every phase has begun"]
