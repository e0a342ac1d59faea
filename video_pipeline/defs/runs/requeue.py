"""Make a run from an earlier run: the only place where runs are made.

The earlier run's job or an asset of it may have been renamed or removed since. A video's run then
continues under the name that the job has today, with the assets that exist.
"""

from collections.abc import Collection, Mapping
from uuid import UUID, uuid5

import dagster as dg

from video_pipeline.dagster_api.backfills import CANCELLED_STATUSES
from video_pipeline.dagster_api.tags import KEPT_TAGS
from video_pipeline.defs.jobs import ingest_video
from video_pipeline.defs.partitions import video_of

# Dagster's own tag: the run that replaces this one. A backfill waits for that run.
REPLACED_BY_TAG = "dagster/auto_retry_run_id"
_FINISHED = (
    dg.DagsterRunStatus.SUCCESS,
    dg.DagsterRunStatus.FAILURE,
    dg.DagsterRunStatus.CANCELED,
)
UNFINISHED = [status for status in dg.DagsterRunStatus if status not in _FINISHED]


def is_outdated(repository: dg.RepositoryDefinition, run: dg.DagsterRun) -> bool:
    """Return whether the queue could only fail a video's run: its job or an asset is gone."""
    if video_of(run.tags) is None:
        return False
    if not repository.has_job(run.job_name):
        return True
    known = repository.get_job(run.job_name).asset_layer.selected_asset_keys
    return not known >= (run.asset_selection or frozenset())


def replacement_id(run: dg.DagsterRun) -> str:
    """Return the id of the run that is made in place of this one: always the same."""
    return str(uuid5(UUID(run.run_id), "made again"))


def kept_tags(run: dg.DagsterRun) -> dict[str, str]:
    """Return the tags that the run made in place of this one takes over."""
    return {key: value for key, value in run.tags.items() if key in KEPT_TAGS}


def is_cancelled(instance: dg.DagsterInstance, backfill: str | None) -> bool:
    """Return whether a backfill was cancelled, or is being cancelled."""
    found = instance.get_backfill(backfill) if backfill else None
    return found is not None and found.status.value in CANCELLED_STATUSES


def requeue(
    instance: dg.DagsterInstance,
    repository: dg.RepositoryDefinition,
    run: dg.DagsterRun,
    *,
    run_id: str,
    asset_selection: Collection[dg.AssetKey] | None,
    tags: Mapping[str, str],
) -> dg.DagsterRun:
    """Queue a run with the config and origin of `run`, and return it.

    A run whose job is gone continues under today's job: step names and tags are the same there.
    """
    name = run.job_name if repository.has_job(run.job_name) else ingest_video.name
    job = repository.get_job(name)
    known = job.asset_layer.selected_asset_keys
    origin, code = run.remote_job_origin, run.job_code_origin
    made = instance.create_run_for_job(
        job,
        run_id=run_id,
        run_config=run.run_config,
        asset_selection=None if asset_selection is None else known & frozenset(asset_selection),
        tags=dict(tags),
        root_run_id=run.root_run_id or run.run_id,
        parent_run_id=run.run_id,
        remote_job_origin=origin and origin._replace(job_name=name),
        job_code_origin=code and code._replace(job_name=name),
    )
    instance.report_dagster_event(dg.DagsterEvent.job_enqueue(made), run_id=made.run_id)
    return made
