"""Held runs: what goes on when a provider's job ends stands in the queue as a run of its own.

It is kept there by a tag limit of 0, so that a parked partition shows as in progress, a backfill
stays open until it is done, and cancelling works as for any queued run. dagster.yaml needs, under
concurrency.runs.tag_concurrency_limits: {key: video_pipeline/held, value: waiting, limit: 0}.
All of it lies in this file, so that another way of Dagster's can take its place.
"""

from collections.abc import Collection
from uuid import UUID, uuid5

import dagster as dg

from video_pipeline.dagster_api.held_run import Held, held_of
from video_pipeline.dagster_api.tags import (
    CANCELLED,
    HELD_TAG,
    RELEASED,
    TERMINATED,
    UNITS_TAG,
    WAITING,
)
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.runs.requeue import (
    REPLACED_BY_TAG,
    job_is_gone,
    kept_tags,
    replacement_id,
    requeue,
)
from video_pipeline.domain.phases import Phase, downstream


def continuation(phases: Collection[Phase]) -> frozenset[dg.AssetKey]:
    """The assets that go on once these phases do: themselves and what hangs on them."""
    parked = frozenset(phases)
    return frozenset(asset_key(phase) for phase in parked | downstream(parked))


def queue_holds(instance: dg.DagsterInstance) -> bool:
    """Whether this deployment's queue leaves held runs alone.

    Without that they would start at once, park and be held again, in a circle.
    """
    queue = instance.get_concurrency_config().run_queue_config
    limit = {"key": HELD_TAG, "value": WAITING, "limit": 0}
    return queue is not None and limit in list(queue.tag_concurrency_limits)


def hold(
    context: dg.AssetExecutionContext, phases: Collection[Phase], units: Collection[str]
) -> str | None:
    """Queue the run that goes on with these phases once one of the work units has ended; its id,
    or None where the queue cannot hold.

    Called inside the step: the backfill then has no moment without an unfinished run. Called
    again, by a retry of the step, it finds the run that it made. A run that no deployment
    launched, as in a notebook, has no queue to go on in.
    """
    run, instance = context.run, context.instance
    if run.remote_job_origin is None:
        return None
    if not queue_holds(instance):
        context.log.warning(
            f"Parked without a held run: this queue has no limit of 0 for {HELD_TAG}={WAITING}. "
            "Take the entry over from the project's dagster.yaml."
        )
        return None
    run_id = str(uuid5(UUID(run.run_id), ",".join([HELD_TAG, *sorted(phases)])))
    if not instance.has_run(run_id):
        requeue(
            instance,
            context.repository_def,
            run,
            run_id=run_id,
            asset_selection=continuation(phases),
            tags=kept_tags(run) | {HELD_TAG: WAITING, UNITS_TAG: ",".join(sorted(units))},
        )
    return run_id


def waiting(instance: dg.DagsterInstance) -> list[Held]:
    """The runs that are held now."""
    return _held(instance, dg.DagsterRunStatus.QUEUED)


def cancelled(instance: dg.DagsterInstance, limit: int) -> list[Held]:
    """Runs that were cancelled while they were held, and not seen to yet."""
    return _held(instance, dg.DagsterRunStatus.CANCELED, limit)


def _held(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, limit: int | None = None
) -> list[Held]:
    found = dg.RunsFilter(statuses=[status], tags={HELD_TAG: WAITING})
    return [held_of(run.run_id, run.tags) for run in instance.get_runs(found, limit=limit)]


def seen_to(instance: dg.DagsterInstance, run: Held, *, with_backfill: bool) -> None:
    """Note what became of a run that was cancelled while it was held."""
    became = CANCELLED if with_backfill else TERMINATED
    instance.add_run_tags(run.run_id, {HELD_TAG: became})


def release(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run_ids: Collection[str]
) -> None:
    """Release held runs: the queue launches them.

    The queue could only fail a run whose job is gone. Such a run is replaced by one of today's job.
    """
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is not None and job_is_gone(repository, run):
            _replace(instance, repository, run)
        else:
            instance.add_run_tags(run_id, {HELD_TAG: RELEASED})


def _replace(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run: dg.DagsterRun
) -> None:
    """Queue a released run in place of a held one, then cancel the held one. Safe to repeat."""
    run_id = replacement_id(run)
    if not instance.has_run(run_id):
        units = run.tags.get(UNITS_TAG, "")
        requeue(
            instance,
            repository,
            run,
            run_id=run_id,
            asset_selection=run.asset_selection,
            tags=kept_tags(run) | {HELD_TAG: RELEASED, UNITS_TAG: units},
        )
    told = f"There is no job {run.job_name} any more: run {run_id} continues under today's name."
    instance.report_run_canceled(run, told)
    instance.add_run_tags(run.run_id, {HELD_TAG: RELEASED, REPLACED_BY_TAG: run_id})
