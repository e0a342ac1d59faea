"""The metadata of an asset's events: state and reason, what was found, and what made it."""

from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import dagster as dg

from video_pipeline.catalog.units import Units
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.videos.facts import Reading, facts, shortened
from video_pipeline.defs.videos.filmstrip import filmstrip
from video_pipeline.defs.videos.preview import preview
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import VideoRecord
from video_pipeline.domain.time import clock
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.jobs.wording import commands_for
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.video_run import VideoRun

Metadata = dict[str, Any]

# Dagster sets the same tag for a MaterializeResult with a data version.
_DATA_VERSION_TAG = "dagster/data_version"


def data_version(outcome: Outcome) -> dg.DataVersion | None:
    """Return a version that changes when the result does, or None without a result."""
    result = outcome.result
    if result is None or result.provenance is None:
        return None
    return dg.DataVersion(result.fingerprint)


def materialization(run: VideoRun, outcome: Outcome) -> dg.AssetMaterialization:
    """Return the event of a phase with a result, to be logged outside of its step."""
    version = data_version(outcome)
    return dg.AssetMaterialization(
        asset_key(outcome.phase),
        partition=str(run.key),
        metadata=good_metadata(run, outcome),
        tags={_DATA_VERSION_TAG: version.value} if version else None,
    )


def good_metadata(run: VideoRun, outcome: Outcome) -> Metadata:
    """Return the metadata of a phase with a result.

    The state comes first, then what a person reads, and what made it last.
    """
    record = run.catalog.videos.get(run.key.video)
    metadata = state_of(outcome) | video_of(record)
    if outcome.reused:
        metadata["made before"] = True
    result = outcome.result
    if result is None or outcome.state is PhaseState.NOT_CONFIGURED:
        return metadata
    metadata |= facts(Reading(run, record, result)) | _language(result)
    metadata |= _warnings(result, outcome) | _rows(run, record, outcome.phase)
    metadata |= _cost(result) | passed_over(outcome) | provider_of(outcome)
    return metadata | _origin(run.catalog.units, result)


def state_of(outcome: Outcome) -> Metadata:
    """Return the state, and the reason for it if there is one."""
    metadata: Metadata = {"state": str(outcome.state)}
    return metadata | ({"reason": printable(outcome.message)} if outcome.message else {})


def video_of(record: VideoRecord | None) -> Metadata:
    """Return name and file of a video as delivered: its partition may be a slug of the name."""
    return {"delivered as": printable(record.source.delivered)} if record else {}


def provider_of(outcome: Outcome) -> Metadata:
    """Return the provider, if one was asked."""
    return {"provider": outcome.provider} if outcome.provider else {}


def passed_over(outcome: Outcome) -> Metadata:
    """Return the providers that were tried or considered before, each with the reason."""
    rejected = [v for v in outcome.considered if not v.kept]
    rows = [{"provider": v.provider, "reason": printable(v.reason)} for v in rejected]
    return {"providers passed over": text_table(rows)} if rows else {}


def text_table(rows: Sequence[Mapping[str, str]]) -> dg.TableMetadataValue:
    """Return rows as a table: its cells are text, so nothing in them is rendered."""
    columns = [dg.TableColumn(name) for name in rows[0]]
    records = [dg.TableRecord(row) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def _language(result: PhaseResult) -> Metadata:
    confidence = result.language_confidence
    sure = f" ({confidence:.0%})" if confidence is not None else ""
    return {"language": f"{result.language}{sure}"} if result.language else {}


def _warnings(result: PhaseResult, outcome: Outcome) -> Metadata:
    others = [warning for warning in result.warnings if warning != outcome.message]
    return (
        {"warnings": text_table([{"warning": printable(one)} for one in others])} if others else {}
    )


def _rows(run: VideoRun, record: VideoRecord | None, phase: Phase) -> Metadata:
    """Return the first rows, and of pictures those of the first shots."""
    video = record.media.video if record and record.media else None
    rate = video.frame_rate if video and not video.variable_rate else None
    table = preview(run.catalog.results, run.key.video, phase, rate)
    metadata: Metadata = {"preview": table} if table else {}
    strip = filmstrip(run) if phase is Phase.PICTURES else None
    return metadata | ({"filmstrip": dg.MetadataValue.md(strip)} if strip else {})


def _cost(result: PhaseResult) -> Metadata:
    return {"usage": quantity_of(result.usage)} if result.usage else {}


def _origin(units: Units, result: PhaseResult) -> Metadata:
    """Return how long the result took, plugin, model and work units, and the choice's hash."""
    origin = result.provenance
    if origin is None:
        return {}
    took = Fraction(str((origin.ended_at - origin.started_at).total_seconds()))
    metadata: Metadata = {"took": clock(took), "plugin": f"{origin.plugin} {origin.version}"}
    if origin.model:
        metadata["model"] = origin.model
    names = (origin.unit,) if origin.unit else origin.units
    return metadata | _units_of(units, names) | {"choice": shortened(origin.choice)}


def _units_of(units: Units, names: Sequence[str]) -> Metadata:
    """Return work units with the provider's jobs, and of a single one the commands."""
    known = [unit for unit in map(units.get, names) if unit]
    jobs = [unit.job for unit in known if unit.job]
    metadata: Metadata = {"job": ", ".join(jobs)} if jobs else {}
    if names:
        metadata["work unit"] = ", ".join(map(shortened, names))
    return metadata | (commands_for(known[0]) if len(known) == 1 else {})
