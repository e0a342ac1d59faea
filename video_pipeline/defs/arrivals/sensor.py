"""The sensor of arrivals: what lies in the ingest store becomes partitions and runs."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import dagster as dg
from pydantic import ValidationError

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.arrivals.partition_upkeep import Keys, see_to_keys
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.partitions import TRY_PROJECT, VIDEOS_NAME, add_videos, video_tags
from video_pipeline.defs.ticks import pipeline_sensor
from video_pipeline.domain.naming.identity import VideoKey
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
_SHOWN = 3
"""Rejections that a tick's message names."""


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
    memory = _memory(context.cursor)
    just_requested = note_requested(services.catalog, memory.requested)
    if just_requested or not waiting_runs(services.catalog):
        memory, told = _look(context, services, memory)
    else:
        told = ["the next tick looks for arrivals"]
    due = next_runs(services.catalog)
    known = [] if context.cursor else list(_known(services.catalog))
    lacking = _lacking(context.instance, known)
    add_videos(context.instance, [*lacking, *(record.key for record in due)])
    requested = tuple(Requested(key=one.key, arrived_at=one.arrived_at) for one in due)
    cursor = memory.model_copy(update={"requested": requested}).model_dump_json()
    told += [*_told_of_runs(services, len(due)), *_told_of_partitions(lacking)]
    return _result(due, "; ".join(told), cursor, context)


def _look(
    context: dg.SensorEvaluationContext, services: Services, memory: Memory
) -> tuple[Memory, list[str]]:
    """One round, and what is due for keys: what is remembered of it, and what is told."""
    found = receive(services, memory, datetime.now(UTC))
    keys = see_to_keys(context.instance, services, found.looks.allowance, found.troubles)
    for trouble in found.troubles.values():
        context.log.error(trouble)
    after = Memory(position=found.position, pending=found.looks.pending)
    return after, [*_told(found), *_told_of_keys(keys)]


def _result(
    due: list[VideoRecord], told: str, cursor: str, context: dg.SensorEvaluationContext
) -> dg.SensorResult:
    if not due:
        return dg.SensorResult(skip_reason=dg.SkipReason(told), cursor=cursor)
    context.log.info(told)
    return dg.SensorResult(run_requests=[_run_of(record) for record in due], cursor=cursor)


def _memory(cursor: str | None) -> Memory:
    """What the last tick left. A cursor of another version's form begins a new sweep."""
    try:
        return Memory.model_validate_json(cursor or "{}")
    except ValidationError:
        return Memory()


def _known(catalog: Catalog) -> Iterator[VideoKey]:
    """The videos of the catalogue that came by arrivals, and are not archived."""
    for project in catalog.projects():
        after = ""
        while project != TRY_PROJECT and (page := catalog.project(project).videos.listing(after)):
            yield from (record.key for record in page if record.archived_at is None)
            after = page[-1].key.video


def _lacking(instance: dg.DagsterInstance, known: list[VideoKey]) -> list[VideoKey]:
    there = instance.get_existing_dynamic_partitions(VIDEOS_NAME, [str(key) for key in known])
    return [key for key in known if str(key) not in there]


def _run_of(record: VideoRecord) -> dg.RunRequest:
    """The run of one arrival. A version that came before, under another name or since replaced,
    arrived at another time; where a lost tick is repeated, at the same."""
    return dg.RunRequest(
        run_key=f"{record.key} {record.source.version} {record.arrived_at.isoformat()}",
        partition_key=str(record.key),
        tags=video_tags(record.key),
    )


def _told(found: Round) -> Iterator[str]:
    """The tick's message: trouble first, then what came of the round."""
    looks, heard, position = found.looks, found.heard, found.position
    yield from found.troubles.values()
    yield f"{len(looks.arrived)} arrived"
    if looks.services.notices is not None:
        yield f"{heard.acknowledged} messages taken up"
        if heard.set_aside or heard.left:
            yield f"{heard.set_aside} with the dead letters, {heard.left} to come again"
        yield from (f"unreadable message: {reason}" for reason in heard.unreadable)
    if looks.pending:
        yield f"{len(looks.pending)} wait to look the same twice"
    yield f"{len(looks.rejected)} rejected"
    shown = list(looks.rejected.items())[:_SHOWN]
    yield from (f"{object_key!r}: {reason}" for object_key, reason in shown)
    if looks.strays:
        yield f"{len(looks.strays)} in no project's folder, such as {looks.strays[0]!r}"
    if position.began is not None:
        yield f"sweep at key {position.keys}, behind {position.after!r}"


def _told_of_runs(services: Services, requested: int) -> Iterator[str]:
    if waiting := waiting_runs(services.catalog):
        yield f"{requested} runs requested, {waiting - requested} wait for their turn"


def _told_of_keys(keys: Keys) -> Iterator[str]:
    if keys.seen_to:
        yield ", ".join(f"{count} of {what} done" for what, count in keys.seen_to.items())
    if keys.left:
        yield f"{keys.left} removals or archivals wait for a run to end, or for the next tick"


def _told_of_partitions(lacking: Sequence[VideoKey]) -> Iterator[str]:
    if lacking:
        yield f"{len(lacking)} known videos are partitions again: backfill what is missing"
