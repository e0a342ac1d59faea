"""The backlog: what is due for videos, above all the runs of those that arrived.

It stands in the catalogue, so that it outlives every process. Runs are requested in portions, in
turn of the projects; that they were is noted only once the request is known to be committed.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import zip_longest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.source import Due, VideoRecord
from video_pipeline.domain.values import Frozen

MOST = 100
"""Runs requested at once: more of them take Dagster minutes."""


class Requested(Frozen):
    """A run that was requested for one arrival."""

    key: VideoKey
    arrived_at: datetime


def note_requested(catalog: Catalog, requested: Iterable[Requested]) -> int:
    """These requests are committed: nothing is due for those arrivals any more. A version that
    has arrived since stays due. How many of them were not noted yet."""
    noted = 0
    for one in requested:
        arrivals = catalog.project(one.key.project)
        record = arrivals.videos.get(one.key.video)
        if record and (record.due, record.arrived_at) == (Due.RUN, one.arrived_at):
            noted += arrivals.arrivals.done(record)
    return noted


def next_runs(catalog: Catalog, most: int = MOST) -> list[VideoRecord]:
    """The arrivals whose runs are requested next."""
    return next_due(catalog, Due.RUN, most)


def next_due(catalog: Catalog, what: Due, most: int = MOST) -> list[VideoRecord]:
    """The videos for which this is done next: of each project in turn, beginning with the
    project that has waited longest."""
    waiting = [catalog.project(p).arrivals.due(what, most) for p in catalog.projects()]
    queues = sorted((one for one in waiting if one), key=lambda queue: queue[0].arrived_at)
    return list(_in_turn(queues))[:most]


def waiting_runs(catalog: Catalog) -> int:
    """How many arrivals wait for their run to be requested."""
    return sum(catalog.project(p).arrivals.count_due(Due.RUN) for p in catalog.projects())


def _in_turn(queues: list[list[VideoRecord]]) -> Iterator[VideoRecord]:
    for turn in zip_longest(*queues):
        yield from (record for record in turn if record is not None)
