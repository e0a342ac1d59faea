"""The sensor of arrivals: it adds partitions and runs for objects of the ingest store."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.arrivals.partition_upkeep import Upkeep, update_partitions
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.partitions import TRY_PROJECT, VIDEOS_NAME, add_videos, video_tags
from video_pipeline.defs.portions import Portion
from video_pipeline.defs.ticks import pipeline_sensor, remembered
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.arrivals.pending_runs import (
    Requested,
    next_runs,
    note_requested,
    waiting_runs,
)
from video_pipeline.pipeline.arrivals.round import Memory, Round, receive
from video_pipeline.pipeline.services import Services

INTERVAL_SECONDS = 5
# Rejections that a tick's message names.
_SHOWN = 3


class Cursor(Memory):
    """What a tick leaves to the next."""

    portion: Portion = Portion()


@pipeline_sensor(
    job=ingest_video,
    minimum_interval_seconds=INTERVAL_SECONDS,
    description="Registers videos that arrived and requests a run for each.",
)
def arrivals(context: dg.SensorEvaluationContext, services: Services) -> dg.SensorResult:
    """Look for arrivals once, or request the runs that are due already.

    The next tick looks then: Dagster would cut off a tick that takes long, and its requests.
    The cursor carries the runs that this tick requests. Dagster commits both together, so the next
    tick knows that they were requested. A lost tick is repeated with the same run keys. Without a
    cursor Dagster's home is new: the videos in the catalogue become partitions again.
    """
    memory = remembered(Cursor, context.cursor)
    portion = memory.portion.next(datetime.now(UTC))
    just_requested = note_requested(services.catalog, memory.requested)
    if just_requested or not waiting_runs(services.catalog.each()):
        memory, messages = _look(context, services, memory)
    else:
        messages = ["the next tick looks for arrivals"]
    served = memory.requested[-1].key.project if memory.requested else ""
    projects = services.catalog.each()
    due = next_runs(projects, portion.size, served)
    known = [] if context.cursor else list(_known(services.catalog))
    missing = _missing(context.instance, known)
    add_videos(context.instance, [*missing, *(record.key for record in due)])
    requested = tuple(Requested(key=one.key, arrived_at=one.arrived_at) for one in due)
    portion = portion.spent(len(due), datetime.now(UTC))
    left = memory.model_copy(update={"requested": requested, "portion": portion})
    cursor = left.model_dump_json()
    if waiting := waiting_runs(projects):
        messages.append(f"{len(due)} runs requested, {waiting - len(due)} wait for their turn")
    if missing:
        messages.append(
            f"{len(missing)} known videos are partitions again: backfill what is missing"
        )
    message = "; ".join(messages)
    if not due:
        return dg.SensorResult(skip_reason=dg.SkipReason(message), cursor=cursor)
    context.log.info(message)
    return dg.SensorResult(run_requests=[_run_of(record) for record in due], cursor=cursor)


def _look(
    context: dg.SensorEvaluationContext, services: Services, memory: Cursor
) -> tuple[Cursor, list[str]]:
    """Look for arrivals once and update partitions. Return what to remember, and messages."""
    found = receive(services, memory, datetime.now(UTC))
    upkeep = update_partitions(context.instance, services, found.looks.allowance, found.troubles)
    for trouble in found.troubles.values():
        context.log.error(trouble)
    after = memory.model_copy(update={"position": found.position, "pending": found.looks.pending})
    return after, [*_round_messages(found), *_upkeep_messages(upkeep)]


def _known(catalog: Catalog) -> Iterator[VideoKey]:
    """Yield the videos of the catalogue that arrived here and are not archived."""
    for project in catalog.projects():
        after = ""
        while project != TRY_PROJECT and (page := catalog.project(project).videos.listing(after)):
            yield from (record.key for record in page if record.archived_at is None)
            after = page[-1].key.video


def _missing(instance: dg.DagsterInstance, known: list[VideoKey]) -> list[VideoKey]:
    existing = instance.get_existing_dynamic_partitions(VIDEOS_NAME, [str(key) for key in known])
    return [key for key in known if str(key) not in existing]


def _run_of(record: VideoRecord) -> dg.RunRequest:
    """Return the run of one arrival.

    A version that arrived before has another time of arrival, and a repeated tick the same.
    """
    return dg.RunRequest(
        run_key=f"{record.key} {record.source.version} {record.arrived_at.isoformat()}",
        partition_key=str(record.key),
        tags=video_tags(record.key),
    )


def _round_messages(found: Round) -> Iterator[str]:
    """Yield the errors of a round first, then its counts."""
    looks, heard, position = found.looks, found.heard, found.position
    yield from found.troubles.values()
    yield f"{len(looks.arrived)} arrived"
    if looks.services.notices is not None:
        yield f"{heard.acknowledged} messages processed"
        if heard.set_aside or heard.left:
            yield f"{heard.set_aside} moved to the dead letters, {heard.left} to be redelivered"
        yield from (f"unreadable message: {reason}" for reason in heard.unreadable)
    if looks.pending:
        yield f"{len(looks.pending)} wait to be seen twice unchanged"
    yield f"{len(looks.rejected)} rejected"
    shown = list(looks.rejected.items())[:_SHOWN]
    yield from (f"'{printable(object_key)}': {reason}" for object_key, reason in shown)
    if looks.strays:
        yield f"{len(looks.strays)} in no project's folder, such as {printable(looks.strays[0])}"
    if position.began is not None:
        yield f"sweep at key {position.keys}, after {position.after!r}"


def _upkeep_messages(upkeep: Upkeep) -> Iterator[str]:
    if upkeep.done:
        yield ", ".join(f"{count} of {what} done" for what, count in upkeep.done.items())
    if upkeep.left:
        yield f"{upkeep.left} removals or archivals wait for a run to end, or for the next tick"
