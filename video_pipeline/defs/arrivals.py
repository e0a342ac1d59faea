"""The sensor of arrivals: what lies in the ingest store becomes partitions and runs."""

import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

import dagster as dg

from video_pipeline.catalog.interface import Catalog
from video_pipeline.defs.deployment import Deployment
from video_pipeline.defs.jobs import road
from video_pipeline.defs.partitions import TRY_PROJECT, VIDEOS_NAME, add_videos, video_tags
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.source import Source, VideoRecord
from video_pipeline.pipeline.arrive import Sweep, sweep

INTERVAL_SECONDS = 5
_REASONS = 3
"""Rejections that a tick's message names."""


@dg.sensor(
    job=road,
    minimum_interval_seconds=INTERVAL_SECONDS,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Registers videos that arrived and requests a run for each.",
)
def arrivals(
    context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[Deployment]
) -> dg.SensorResult | dg.SkipReason:
    """Look into the ingest store once. The cursor is what has to look the same at the next look:
    lost together with the runs that it requests, the arrivals are found again. Without a cursor
    Dagster's home is new: the videos that the catalogue knows become partitions again."""
    pipeline.renew()
    try:
        services = pipeline.services
        seen = json.loads(context.cursor or "{}")
        found = sweep(services.ingest, services.catalog, datetime.now(UTC), seen)
        requests = [_run_of(record) for record in _records(services.catalog, found.arrivals)]
        known = [] if context.cursor else list(_known(services.catalog))
    except CatalogUnavailable as error:
        pipeline.close()
        return dg.SkipReason(str(error))
    lacking = _lacking(context.instance, known)
    add_videos(context.instance, [*lacking, *(arrival.key for arrival in found.arrivals)])
    told = _told(found, len(lacking))
    cursor = json.dumps(found.pending, sort_keys=True)
    if not requests:
        return dg.SensorResult(skip_reason=dg.SkipReason(told), cursor=cursor)
    context.log.info(told)
    return dg.SensorResult(run_requests=requests, cursor=cursor)


def _records(catalog: Catalog, arrived: Iterable[Source]) -> Iterator[VideoRecord]:
    found = (catalog.project(one.key.project).videos.get(one.key.video) for one in arrived)
    return (record for record in found if record is not None)


def _known(catalog: Catalog) -> Iterator[VideoKey]:
    """The videos of the catalogue that came by arrivals."""
    for project in catalog.projects():
        after = ""
        while project != TRY_PROJECT and (page := catalog.project(project).videos.listing(after)):
            yield from (record.key for record in page)
            after = page[-1].key.video


def _lacking(instance: dg.DagsterInstance, known: list[VideoKey]) -> list[VideoKey]:
    there = frozenset(instance.get_dynamic_partitions(VIDEOS_NAME) if known else ())
    return [key for key in known if str(key) not in there]


def _run_of(record: VideoRecord) -> dg.RunRequest:
    """The run of one arrival. A version that came before, under another name or since replaced,
    arrived at another time; where a lost tick is repeated, at the same."""
    return dg.RunRequest(
        run_key=f"{record.key} {record.source.version} {record.arrived_at.isoformat()}",
        partition_key=str(record.key),
        tags=video_tags(record.key),
    )


def _told(found: Sweep, lacking: int) -> str:
    parts = [
        f"{len(found.arrivals)} arrived",
        f"{len(found.pending)} wait to look the same twice, or for their turn",
        f"{len(found.rejections)} rejected",
    ]
    parts += [f"{one.object_key!r}: {one.reason}" for one in found.rejections[:_REASONS]]
    if lacking:
        parts.append(f"{lacking} known videos are partitions again: backfill what is missing")
    if found.strays:
        parts.append(f"{len(found.strays)} in no project's folder, such as {found.strays[0]!r}")
    return "; ".join(parts)
