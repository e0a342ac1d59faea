"""What an asset's events say of an outcome: state, provider, counts, seconds, usage, previews."""

from typing import Any

import dagster as dg

from video_pipeline.defs.videos.filmstrip import filmstrip
from video_pipeline.defs.videos.previews import preview
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services

Metadata = dict[str, Any]

_MOST_OUTPUTS = 20


def data_version(outcome: Outcome) -> dg.DataVersion | None:
    """Changes when the result does."""
    result = outcome.result
    if result is None or result.provenance is None:
        return None
    return dg.DataVersion(result.fingerprint)


def good_metadata(services: Services, key: VideoKey, outcome: Outcome) -> Metadata:
    """Of a phase that came to a result."""
    said: Metadata = _state(outcome)
    if outcome.reused:
        said["made before"] = True
    if outcome.result is None:
        return said
    said |= _origin(outcome.result) | _bought_as(services, key, outcome.result) | _result(outcome)
    said |= _outputs(services, key, outcome.result)
    table = preview(services, key, outcome.phase)
    if table:
        said["preview"] = table
    strip = filmstrip(services, key) if outcome.phase is Phase.SHOTS else None
    if strip:
        said["filmstrip"] = dg.MetadataValue.md(strip)
    return said


def other_metadata(services: Services, key: VideoKey, outcome: Outcome) -> Metadata:
    """Of a phase that is parked, waits or failed."""
    said = _state(outcome)
    if outcome.job:
        said["job"] = outcome.job
    unit = services.of(key.project).units.get(outcome.unit) if outcome.unit else None
    return said | (_work(unit) if unit else {}) | _considered(outcome)


def _work(unit: WorkUnit) -> Metadata:
    """A work unit that a phase waits for: since when, what for, until when, and for how much."""
    request = unit.request
    said: Metadata = {
        "work unit": unit.id,
        "account": f"{request.account}, {request.region}",
        "since": dg.MetadataValue.timestamp(unit.submitted_at or unit.created_at),
    }
    if unit.waiting:
        said["waits for"] = unit.waiting
    if unit.state is UnitState.RUNNING and unit.poll_at:
        said["looked up by"] = dg.MetadataValue.timestamp(unit.poll_at)
    if unit.planned:
        said["planned"] = quantity_of(unit.planned)
    return said


def _state(outcome: Outcome) -> Metadata:
    said: Metadata = {"state": str(outcome.state)}
    if outcome.provider:
        said["provider"] = outcome.provider
    if outcome.message:
        said["message"] = outcome.message
    return said


def _considered(outcome: Outcome) -> Metadata:
    passed_over = [v for v in outcome.considered if not v.kept]
    if not passed_over:
        return {}
    lines = "\n".join(f"- {verdict.provider}: {verdict.reason}" for verdict in passed_over)
    return {"providers passed over": dg.MetadataValue.md(lines)}


def _origin(result: PhaseResult) -> Metadata:
    origin = result.provenance
    if origin is None:
        return {}
    said: Metadata = {
        "plugin": f"{origin.plugin} {origin.version}",
        "seconds": round((origin.ended_at - origin.started_at).total_seconds(), 3),
        "choice": origin.choice,
    }
    return said | ({"model": origin.model} if origin.model else {})


def _bought_as(services: Services, key: VideoKey, result: PhaseResult) -> Metadata:
    """The work units that a result was bought or computed as, with the provider's jobs."""
    origin = result.provenance
    names = ((origin.unit,) if origin.unit else origin.units) if origin else ()
    units = services.of(key.project).units
    jobs = [unit.job for unit in map(units.get, names) if unit and unit.job]
    told = {"work unit": names, "job": jobs}
    return {label: ", ".join(some) for label, some in told.items() if some}


def _result(outcome: Outcome) -> Metadata:
    result = outcome.result
    if result is None:
        return {}
    said: Metadata = dict(result.counts)
    if result.usage:
        said["usage"] = "; ".join(_billed(usage) for usage in result.usage)
    if result.language:
        sure = result.language_confidence
        said["language"] = result.language + (f" ({sure:.0%})" if sure is not None else "")
    warnings = [warning for warning in result.warnings if warning != outcome.message]
    if warnings:
        said["warnings"] = dg.MetadataValue.md("\n".join(f"- {w}" for w in warnings))
    return said


def _billed(usage: Usage) -> str:
    paid = "paid" if usage.paid else "not paid"
    return f"{float(usage.quantity):g} {usage.counted}, {paid}, {usage.measured}"


def _outputs(services: Services, key: VideoKey, result: PhaseResult) -> Metadata:
    if not result.outputs:
        return {}
    store = services.outputs.project(key.project)
    lines = [f"- {store.uri(name)}" for name in result.outputs[:_MOST_OUTPUTS]]
    if len(result.outputs) > _MOST_OUTPUTS:
        lines.append(f"- and {len(result.outputs) - _MOST_OUTPUTS} more")
    return {"outputs": dg.MetadataValue.md("\n".join(lines))}
