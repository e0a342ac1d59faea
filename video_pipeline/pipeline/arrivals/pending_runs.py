"""The backlog of videos with something due, mostly a first run. It is kept in the catalogue.

Runs are requested in portions, in turn of the projects. A request is recorded only after Dagster
has committed it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, zip_longest
from typing import TypeVar

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline.domain.values import Frozen

Item = TypeVar("Item")

# Due videos that one tick handles.
_MOST = 100


class Requested(Frozen):
    """A run that was requested for one arrival."""

    key: VideoKey
    arrived_at: datetime


def note_requested(catalog: Catalog, requested: Iterable[Requested]) -> int:
    """Record committed requests, and return how many were new.

    A version that has arrived since stays due.
    """
    noted = 0
    for one in requested:
        arrivals = catalog.project(one.key.project)
        record = arrivals.videos.get(one.key.video)
        if record and (record.due, record.arrived_at) == (Due.RUN, one.arrived_at):
            noted += arrivals.arrivals.done(record)
    return noted


def next_runs(projects: Iterable[ProjectCatalog], most: int, after: str = "") -> list[VideoRecord]:
    """Return the videos whose runs are next, in turn of the projects.

    The turn begins behind the project that was served last, so that a portion smaller than the
    number of projects reaches all of them. If none was, each project gets at least one run.
    """
    turn = sorted(projects, key=lambda one: (one.project <= after, one.project))
    queues = [one.arrivals.due(Due.RUN, most) for one in turn]
    if not after:
        most = max(most, min(sum(map(bool, queues)), _MOST))
    return list(islice(in_turn(queues), most))


def next_due(projects: Sequence[ProjectCatalog], what: Due) -> list[VideoRecord]:
    """Return the videos that are next for this, in turn of the projects.

    The project that has waited longest comes first.
    """
    waiting = [one.arrivals.due(what, _MOST) for one in projects]
    queues = sorted((one for one in waiting if one), key=lambda queue: queue[0].arrived_at)
    return list(islice(in_turn(queues), _MOST))


def waiting_runs(projects: Iterable[ProjectCatalog]) -> int:
    """Return how many arrivals wait for their run to be requested."""
    return sum(one.arrivals.count_due(Due.RUN) for one in projects)


def in_turn(queues: Iterable[Iterable[Item]]) -> Iterator[Item]:
    """Yield the first item of each queue, then the second of each, and so on."""
    for turn in zip_longest(*queues):
        yield from (one for one in turn if one is not None)
