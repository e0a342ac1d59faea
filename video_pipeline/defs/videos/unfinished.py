"""The metadata of a phase that is parked, waits or failed: state and reason first, ids last."""

from collections.abc import Mapping

import dagster as dg

from video_pipeline.defs.videos.facts import shortened
from video_pipeline.defs.videos.metadata import (
    Metadata,
    passed_over,
    provider_of,
    state_of,
    video_of,
)
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.jobs.wording import commands_for, reason_of
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Jobs, Plugin


def other_metadata(run: VideoRun, outcome: Outcome, plugins: Mapping[str, Plugin]) -> Metadata:
    """Return the metadata of a phase without a result."""
    metadata = state_of(outcome) | video_of(run.catalog.videos.get(run.key.video))
    unit = run.catalog.units.get(outcome.unit) if outcome.unit else None
    if unit:
        metadata |= _work(unit, plugins)
    if outcome.job:
        metadata["job"] = outcome.job
    return metadata | passed_over(outcome) | provider_of(outcome)


def _work(unit: WorkUnit, plugins: Mapping[str, Plugin]) -> Metadata:
    """Return times, planned usage, commands and account of the unit that a phase waits for."""
    request = unit.request
    metadata: Metadata = {"since": dg.MetadataValue.timestamp(unit.submitted_at or unit.created_at)}
    if unit.wait and unit.state is not UnitState.RUNNING:
        metadata["waits for"] = printable(reason_of(unit))
    if unit.state is UnitState.RUNNING and unit.due_at:
        metadata["looked up by"] = dg.MetadataValue.timestamp(unit.due_at)
    if unit.planned:
        metadata["planned"] = quantity_of(unit.planned)
    metadata |= {"work unit": shortened(unit.id), **commands_for(unit)}
    metadata["account"] = f"{request.account}, {request.region}"
    plugin = plugins.get(request.provider)
    page = plugin.console_url(unit) if isinstance(plugin, Jobs) else None
    if page:
        # Dagster's own key for work elsewhere (1.13.27, dagster._core.pipes.reattach).
        metadata["external run url"] = dg.MetadataValue.url(page)
    return metadata
