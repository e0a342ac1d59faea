"""The metadata of an asset's events: state, provider, counts, seconds, usage, first rows."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

import dagster as dg

from video_pipeline.catalog.results import Results
from video_pipeline.catalog.units import Units
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.videos.filmstrip import filmstrip
from video_pipeline.defs.videos.specs import table_schema
from video_pipeline.domain.phases import PHASES, WORD_COLUMNS, Phase
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Jobs, Plugin
from video_pipeline.storage.store import ProjectOutputs

Metadata = dict[str, Any]

# Dagster sets the same tag for a MaterializeResult with a data version.
_DATA_VERSION_TAG = "dagster/data_version"
_MOST_OUTPUTS = 20
_ROWS = 20
_Row = dict[str, str | float]


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
    """Return the metadata of a phase with a result."""
    metadata: Metadata = _state(outcome)
    if outcome.reused:
        metadata["made before"] = True
    result = outcome.result
    if result is None:
        return metadata
    metadata |= _origin(result) | _units_of(run.catalog.units, result) | _result(outcome)
    metadata |= _outputs(run.outputs, result)
    table = _preview(run.catalog.results, run.key.video, outcome.phase)
    if table:
        metadata["preview"] = table
    strip = filmstrip(run) if outcome.phase is Phase.SHOTS else None
    if strip:
        metadata["filmstrip"] = dg.MetadataValue.md(strip)
    return metadata


def other_metadata(run: VideoRun, outcome: Outcome, plugins: Mapping[str, Plugin]) -> Metadata:
    """Return the metadata of a phase that is parked, waits or failed."""
    metadata = _state(outcome)
    if outcome.job:
        metadata["job"] = outcome.job
    unit = run.catalog.units.get(outcome.unit) if outcome.unit else None
    return metadata | (_work(unit, plugins) if unit else {}) | _considered(outcome)


def _work(unit: WorkUnit, plugins: Mapping[str, Plugin]) -> Metadata:
    """Return account, times and planned usage of the work unit that a phase waits for."""
    request = unit.request
    metadata: Metadata = {
        "work unit": unit.id,
        "account": f"{request.account}, {request.region}",
        "since": dg.MetadataValue.timestamp(unit.submitted_at or unit.created_at),
    }
    if unit.wait and unit.state is not UnitState.RUNNING:
        metadata["waits for"] = reason_of(unit)
    if unit.state is UnitState.RUNNING and unit.due_at:
        metadata["looked up by"] = dg.MetadataValue.timestamp(unit.due_at)
    if unit.planned:
        metadata["planned"] = quantity_of(unit.planned)
    plugin = plugins.get(request.provider)
    page = plugin.console_url(unit) if isinstance(plugin, Jobs) else None
    if page:
        # Dagster's own key for work elsewhere (1.13.27, dagster._core.pipes.reattach).
        metadata["external run url"] = dg.MetadataValue.url(page)
    return metadata


def _state(outcome: Outcome) -> Metadata:
    metadata: Metadata = {"state": str(outcome.state)}
    if outcome.provider:
        metadata["provider"] = outcome.provider
    if outcome.message:
        metadata["message"] = outcome.message
    return metadata


def _considered(outcome: Outcome) -> Metadata:
    rejected = [v for v in outcome.considered if not v.kept]
    if not rejected:
        return {}
    lines = "\n".join(f"- {verdict.provider}: {verdict.reason}" for verdict in rejected)
    return {"providers passed over": dg.MetadataValue.md(lines)}


def _origin(result: PhaseResult) -> Metadata:
    origin = result.provenance
    if origin is None:
        return {}
    metadata: Metadata = {
        "plugin": f"{origin.plugin} {origin.version}",
        "seconds": round((origin.ended_at - origin.started_at).total_seconds(), 3),
        "choice": origin.choice,
    }
    return metadata | ({"model": origin.model} if origin.model else {})


def _units_of(units: Units, result: PhaseResult) -> Metadata:
    """Return the work units behind a result, with the provider's jobs."""
    origin = result.provenance
    names = ((origin.unit,) if origin.unit else origin.units) if origin else ()
    jobs = [unit.job for unit in map(units.get, names) if unit and unit.job]
    labels = {"work unit": names, "job": jobs}
    return {label: ", ".join(some) for label, some in labels.items() if some}


def _result(outcome: Outcome) -> Metadata:
    result = outcome.result
    if result is None:
        return {}
    metadata: Metadata = dict(result.counts)
    if result.usage:
        metadata["usage"] = "; ".join(_usage(usage) for usage in result.usage)
    if result.language:
        confidence = result.language_confidence
        metadata["language"] = result.language + (
            f" ({confidence:.0%})" if confidence is not None else ""
        )
    warnings = [warning for warning in result.warnings if warning != outcome.message]
    if warnings:
        metadata["warnings"] = dg.MetadataValue.md("\n".join(f"- {w}" for w in warnings))
    return metadata


def _usage(usage: Usage) -> str:
    paid = "paid" if usage.paid else "not paid"
    return f"{float(usage.quantity):g} {usage.counted}, {paid}, {usage.measured}"


def _outputs(store: ProjectOutputs, result: PhaseResult) -> Metadata:
    if not result.outputs:
        return {}
    lines = [f"- {store.uri(name)}" for name in result.outputs[:_MOST_OUTPUTS]]
    if len(result.outputs) > _MOST_OUTPUTS:
        lines.append(f"- and {len(result.outputs) - _MOST_OUTPUTS} more")
    return {"outputs": dg.MetadataValue.md("\n".join(lines))}


def _preview(results: Results, video: str, phase: Phase) -> dg.TableMetadataValue | None:
    """Return the first markers or words, or None if the phase has no rows."""
    schema = table_schema(phase)
    if schema is None:
        return None
    spoken = PHASES[phase].columns == WORD_COLUMNS
    rows = _words(results, video) if spoken else _markers(results, video, phase)
    records = [dg.TableRecord(row) for row in islice(rows, _ROWS)]
    return dg.MetadataValue.table(records, schema=schema) if records else None


def _markers(results: Results, video: str, phase: Phase) -> Iterator[_Row]:
    for marker in results.markers(video, [phase]):
        row: _Row = {"kind": marker.kind, **_times(marker.range), "label": marker.label or ""}
        yield row | _confidence(marker.confidence)


def _words(results: Results, video: str) -> Iterator[_Row]:
    for segment in results.segments(video):
        for word in segment.words:
            row: _Row = {"word": word.text, **_times(word.range), "speaker": word.speaker or ""}
            yield row | _confidence(word.confidence)


def _times(range: TimeRange) -> _Row:
    return {"start": str(range.start), "end": str(range.end)}


def _confidence(confidence: float | None) -> _Row:
    return {"confidence": "" if confidence is None else round(confidence, 3)}
