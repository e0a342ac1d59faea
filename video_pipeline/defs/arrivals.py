"""The sensor of arrivals: what lies in the ingest store becomes partitions and runs."""

import json
from datetime import UTC, datetime

import dagster as dg

from video_pipeline.defs.deployment import Deployment
from video_pipeline.defs.jobs import road
from video_pipeline.defs.partitions import PROJECTS_NAME, VIDEOS_NAME, video_tags
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.arrive import Sweep, sweep

INTERVAL_SECONDS = 5


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
    lost together with the runs that it requests, the arrivals are found again."""
    pipeline.renew()
    try:
        services = pipeline.services
        seen = json.loads(context.cursor or "{}")
        found = sweep(services.ingest, services.catalog, datetime.now(UTC), seen)
    except CatalogUnavailable as error:
        pipeline.close()
        return dg.SkipReason(str(error))
    told = _told(found)
    _add_partitions(context.instance, found.arrivals)
    cursor = json.dumps(found.pending, sort_keys=True)
    if not found.arrivals:
        return dg.SensorResult(skip_reason=dg.SkipReason(told), cursor=cursor)
    context.log.info(told)
    return dg.SensorResult(run_requests=[_run_of(a) for a in found.arrivals], cursor=cursor)


def _add_partitions(instance: dg.DagsterInstance, arrived: tuple[Source, ...]) -> None:
    """In bulk: as requests of the sensor's result they would take minutes."""
    if not arrived:
        return
    instance.add_dynamic_partitions(PROJECTS_NAME, sorted({a.key.project for a in arrived}))
    instance.add_dynamic_partitions(VIDEOS_NAME, [str(a.key) for a in arrived])


def _run_of(arrival: Source) -> dg.RunRequest:
    return dg.RunRequest(
        run_key=f"{arrival.key} {arrival.version}",
        partition_key=str(arrival.key),
        tags=video_tags(arrival.key),
    )


def _told(found: Sweep) -> str:
    parts = [
        f"{len(found.arrivals)} arrived",
        f"{len(found.pending)} wait to look the same twice, or for their turn",
        f"{len(found.rejections)} rejected",
    ]
    if found.strays:
        parts.append(f"{len(found.strays)} in no project's folder, such as {found.strays[0]!r}")
    return "; ".join(parts)
