"""The claims of `chaos`, checked in the catalogue, Dagster and the vendor."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import dagster as dg

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.domain.work import UnitState
from video_pipeline_tests.doubles.vendor import Vendor
from video_pipeline_tests.scenarios.support import reels
from video_pipeline_tests.scenarios.support.executing import unfinished
from video_pipeline_tests.servers.webserver import Webserver

# Shots that the vendor finds in every video.
_SHOTS = 2


@dataclass(frozen=True)
class Claim:
    """A claim and the exceptions to it."""

    what: str
    exceptions: Sequence[object]

    @property
    def holds(self) -> bool:
        return not self.exceptions


def of_videos(catalog: Catalog, keys: Sequence[VideoKey], reel: bytes) -> Iterator[Claim]:
    """Claim that the catalogue has the phases, results, shots and units of every video once."""

    def where(wrong: Callable[[ProjectCatalog, VideoKey], bool]) -> list[str]:
        return [str(key) for key in keys if wrong(catalog.project(key.project), key)]

    yield Claim("every phase of every video is good", where(_has_bad_phase))
    foreign = where(lambda project, key: _is_foreign(project, key, reel))
    yield Claim("each has one result a phase, made from its own bytes", foreign)
    yield Claim("each has the vendor's shots once", where(_has_other_shots))
    yield Claim("each work unit was asked for once and is settled", where(_has_other_units))


def of_events(catalog: Catalog) -> Iterator[Claim]:
    """Claim that the progress events of each project are numbered without gaps."""
    gaps: list[str] = []
    for project in catalog.projects():
        numbers = list(_numbers(catalog.project(project)))
        gaps += [f"{project} {a}, {b}" for a, b in pairwise([0, *numbers]) if b != a + 1]
    yield Claim("events are numbered without gaps", gaps)


def of_vendor(vendor: Vendor, keys: Sequence[VideoKey]) -> Iterator[Claim]:
    """Claim that every video was billed exactly once."""
    billed = Counter({str(key): vendor.billed[str(key)] for key in keys})
    wrong = [f"{key}: {times}" for key, times in billed.items() if times != 1]
    yield Claim("the vendor billed every video once", wrong)


def of_dagster(
    instance: dg.DagsterInstance, server: Webserver, keys: Sequence[VideoKey], backfill: str
) -> Iterator[Claim]:
    """Claim that the UI shows every partition of every asset as materialized, and no open run."""
    wrong: list[str] = []
    for asset in PHASES:
        shown = server.partition_states(asset)
        states = {str(key): shown.get(str(key), "missing") for key in keys}
        wrong += [f"{asset} {k}: {s}" for k, s in states.items() if s != "materialized"]
    yield Claim("every partition of every asset is materialized", wrong)
    status = server.backfill_status(backfill)
    ended = [] if status == "COMPLETED_SUCCESS" else [status]
    yield Claim("the backfill ended as completed", ended)
    yield Claim("no run is left", unfinished(instance))


def _has_bad_phase(project: ProjectCatalog, key: VideoKey) -> bool:
    statuses = project.results.statuses(key.video)
    return set(statuses) != set(Phase) or not all(s.state.good for s in statuses.values())


def _is_foreign(project: ProjectCatalog, key: VideoKey, reel: bytes) -> bool:
    content = hashlib.sha256(reels.bytes_of(reel, str(key))).hexdigest()
    results = [project.results.get(key.video, phase) for phase in Phase]
    return any(r is None or not r.provenance or r.provenance.content != content for r in results)


def _has_other_shots(project: ProjectCatalog, key: VideoKey) -> bool:
    return len(list(project.results.markers(key.video, [Phase.SHOTS]))) != _SHOTS


def _has_other_units(project: ProjectCatalog, key: VideoKey) -> bool:
    units = project.units.of_video(key.video)
    return [(u.state, u.generation) for u in units] != [(UnitState.SETTLED, 0)]


def _numbers(project: ProjectCatalog) -> Iterator[int]:
    last = 0
    while page := project.events.after(last):
        yield from (event.sequence for event in page)
        last = page[-1].sequence
