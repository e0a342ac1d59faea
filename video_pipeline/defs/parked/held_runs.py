"""Held runs: the queued runs that continue parked phases when a provider's job has ended.

A tag limit of 0 keeps them in the queue. So a parked partition shows as in progress, a backfill
stays open, and cancelling works as for any queued run. dagster.yaml needs this entry under
tag_concurrency_limits of its run_coordinator: {key: video_pipeline/held, value: waiting, limit: 0}.
Nothing else knows how runs are held, so that Dagster's suspended runs can replace it.
"""

from collections.abc import Collection
from uuid import UUID, uuid5

import dagster as dg

from video_pipeline.dagster_api.held_runs import Held, held_of
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
    is_outdated,
    kept_tags,
    replacement_id,
    requeue,
)
from video_pipeline.domain.phases import Phase, downstream


def continuation(phases: Collection[Phase]) -> frozenset[dg.AssetKey]:
    """Return the assets that run when these phases continue: their own and all downstream."""
    parked = frozenset(phases)
    return frozenset(asset_key(phase) for phase in parked | downstream(parked))


def queue_holds(instance: dg.DagsterInstance) -> bool:
    """Return whether this deployment's queue holds runs.

    Otherwise a held run would start at once, park and be held again, in a circle.
    """
    queue = instance.get_concurrency_config().run_queue_config
    limit = {"key": HELD_TAG, "value": WAITING, "limit": 0}
    return queue is not None and limit in list(queue.tag_concurrency_limits)


def hold(
    context: dg.AssetExecutionContext, phases: Collection[Phase], units: Collection[str]
) -> str | None:
    """Queue the run that continues these phases when one of the work units has ended.

    Return its id; None if the queue cannot hold runs, or no deployment launched this run, as in a
    notebook. Call it inside the step: so the backfill has an unfinished run at any moment. A retry
    of the step finds the run that was made before.
    """
    run, instance = context.run, context.instance
    if run.remote_job_origin is None:
        return None
    if not queue_holds(instance):
        context.log.warning(
            f"Parked without a held run: this queue has no limit of 0 for {HELD_TAG}={WAITING}. "
            "Copy the entry from the project's dagster.yaml."
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
    """Return the runs that are held now."""
    return _held(instance, dg.DagsterRunStatus.QUEUED)


def cancelled(instance: dg.DagsterInstance, limit: int) -> list[Held]:
    """Return runs that were cancelled while they were held, and are not handled yet."""
    return _held(instance, dg.DagsterRunStatus.CANCELED, limit)


def _held(
    instance: dg.DagsterInstance, status: dg.DagsterRunStatus, limit: int | None = None
) -> list[Held]:
    found = dg.RunsFilter(statuses=[status], tags={HELD_TAG: WAITING})
    return [held_of(run.run_id, run.tags) for run in instance.get_runs(found, limit=limit)]


def mark_handled(instance: dg.DagsterInstance, run: Held, *, with_backfill: bool) -> None:
    """Tag a run that was cancelled while it was held: with its backfill, or alone by hand."""
    instance.add_run_tags(run.run_id, {HELD_TAG: CANCELLED if with_backfill else TERMINATED})


def release(
    instance: dg.DagsterInstance, repository: dg.RepositoryDefinition, run_ids: Collection[str]
) -> None:
    """Release held runs: the queue launches them.

    The queue could only fail a run whose job or asset is gone. Such a run is replaced by one of
    today's.
    """
    for run_id in run_ids:
        run = instance.get_run_by_id(run_id)
        if run is not None and is_outdated(repository, run):
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
    message = f"The job {run.job_name} or an asset of it no longer exists: run {run_id} continues."
    # First, so that a backfill waits for the replacement even if this process ends here. The run is
    # marked as released last: the queue would launch a released one.
    instance.add_run_tags(run.run_id, {REPLACED_BY_TAG: run_id})
    instance.report_run_canceled(run, message)
    instance.add_run_tags(run.run_id, {HELD_TAG: RELEASED})
