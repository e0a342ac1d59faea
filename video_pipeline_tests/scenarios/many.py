"""Count stale results of 100,000 videos by index in a hundredth of the time of reading them all.

Two projects in a real MongoDB, the larger with 100,000 videos. All eleven phases are done, a few by
an old choice or before their input. One run measures the sensor's query at each tick, the exact
list of stale results, the sums of `status` and a selection, against reading every status.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from pymongo import MongoClient

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import SERVED, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Source
from video_pipeline.domain.staleness import Current
from video_pipeline_tests.scenarios.support.deployment import print_table, temporary_deployment

VIDEOS = 100_000
# Videos whose shots an old choice made.
_OLD = 200
_NOW = datetime(2026, 3, 1, tzinfo=UTC)
_DATABASE = "video_pipeline"
_CURRENT = Current(choices=("new" * 5,))


def run() -> int:
    """Return 0 if counting is right and takes a hundredth of the time of reading."""
    with temporary_deployment() as (_, uri), closing(connect(uri, _DATABASE)) as catalog:
        _fill(catalog, uri)
        acme = catalog.project("acme")
        standings = acme.standings
        reading, read = _timed(lambda: sum(1 for _ in acme.results.all_statuses()))
        counting, counted = _timed(
            lambda: [standings.count_otherwise(phase, _CURRENT) for phase in SERVED]
        )
        listing, listed = _timed(
            lambda: [
                one.video
                for one in standings.videos(list(standings.otherwise(Phase.SHOTS, _CURRENT)))
            ]
        )
        summing, sums = _timed(lambda: (standings.counts(), standings.totals()))
        selecting, selected = _timed(lambda: sum(1 for _ in standings.videos()))
    rows = [
        ("read every status (the alternative)", reading, f"{read:,} phases"),
        ("count what is stale of five phases", counting, f"{sum(counted)} stale"),
        ("list those exactly", listing, f"{len(listed)} videos"),
        ("sums of status", summing, f"{sums[1].videos:,} videos"),
        ("look at every video for a selection", selecting, f"{selected:,} videos"),
    ]
    shown = [(what, f"{t:.3f}", f"{t / reading:.5f}", found) for what, t, found in rows]
    print_table(f"{VIDEOS:,} videos", ("what", "seconds", "of the alternative", "found"), shown)
    right = sum(counted) == len(listed) == _OLD and selected == sums[1].videos == VIDEOS
    return 0 if right and counting < reading / 100 else 1


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    work()  # once to have in memory what a server that is up has in memory
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def _fill(catalog: Catalog, uri: str) -> None:
    """One video made through the catalogue, and copies of its documents."""
    for project in ("acme", "globex"):
        _make(catalog, VideoKey(project=project, video="v000000"))
    with MongoClient[dict[str, Any]](uri) as client:
        database = client[_DATABASE]
        for name in ("videos", "phases"):
            patterns = list(database[name].find({"project_id": "acme"}, {"_id": 0}))
            copies = _copies(patterns)
            while batch := list(islice(copies, 20_000)):
                database[name].insert_many(batch, ordered=False)
        old = {"project_id": "acme", "phase": "shots", "video": {"$lt": f"v{_OLD:06}"}}
        made = {"$set": {"result.provenance.choice": "old" * 5}}
        database["phases"].update_many(old, made)


def _copies(patterns: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number in range(1, VIDEOS):
        for pattern in patterns:
            yield {**pattern, "video": f"v{number:06}"}


def _make(catalog: Catalog, key: VideoKey) -> None:
    parts = catalog.project(key.project)
    object_key = f"{key.prefix}a.mp4"
    source = Source(key=key, object_key=object_key, name=key.video, version="1", size=9)
    parts.videos.register(source, _NOW)
    for phase in Phase:
        parts.events.record(key.video, phase, PhaseState.DONE, _NOW, provider="cuts")
        served = phase in SERVED
        origin = Provenance(
            provider="cuts" if served else "pipeline",
            plugin="pyscenedetect" if served else "pipeline",
            version="1",
            choice=_CURRENT.choices[0] if served else "own",
            content="0" * 64,
            started_at=_NOW,
            ended_at=_NOW,
        )
        made = PhaseResult(phase=phase, state=PhaseState.DONE, provenance=origin)
        parts.results.publish(key.video, made)
