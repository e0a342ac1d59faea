"""Publish and look up results that the pipeline makes itself, without a provider."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from pydantic import JsonValue

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.work import choice_hash
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services

PROVIDER = "pipeline"
VERSION = "1"
# The choice of the pipeline's own results without options.
CHOICE = choice_hash(f"{PROVIDER} {VERSION}", "", {})


def check_current(services: Services, key: VideoKey, content: str) -> None:
    """Raise SourceError if the video's content has changed: an old result must not be published."""
    record = services.of(key.project).videos.get(key.video)
    if record is not None and record.sha256 != content:
        raise SourceError(
            "a newer version arrived during this run",
            where=record.source.object_key,
            remedy="Nothing to do: the run for the newer version replaces this one.",
        )


def provenance(
    content: str,
    started: datetime,
    ended: datetime,
    options: Mapping[str, JsonValue] | None = None,
    *,
    inputs: Mapping[Phase, str] | None = None,
) -> Provenance:
    """Return the provenance of one of the pipeline's own results; `inputs` are fingerprints."""
    given = dict(options or {})
    return Provenance(
        provider=PROVIDER,
        plugin=PROVIDER,
        version=VERSION,
        options=given,
        choice=choice_hash(f"{PROVIDER} {VERSION}", "", given),
        content=content,
        inputs=dict(inputs or {}),
        started_at=started,
        ended_at=ended,
    )


def publish(
    services: Services,
    key: VideoKey,
    phase: Phase,
    origin: Provenance,
    *,
    state: PhaseState = PhaseState.DONE,
    counts: Mapping[str, int] | None = None,
    outputs: Iterable[str] = (),
    warnings: Iterable[str] = (),
) -> Outcome:
    """Publish a result and return its outcome. Raises SourceError if a newer version arrived."""
    check_current(services, key, origin.content)
    result = PhaseResult(
        phase=phase,
        state=state,
        provenance=origin,
        counts=dict(counts or {}),
        outputs=tuple(outputs),
        warnings=tuple(warnings),
    )
    services.of(key.project).results.publish(key.video, result)
    return Outcome(phase=phase, state=state, result=result, provider=origin.provider)


def current(services: Services, key: VideoKey, phase: Phase, content: str) -> PhaseResult | None:
    """Return the result if it was made from this content and all its output files exist."""
    result = services.of(key.project).results.get(key.video, phase)
    if result is None or result.provenance is None or result.provenance.content != content:
        return None
    outputs = services.outputs.project(key.project)
    if any(outputs.stat(name) is None for name in result.outputs):
        return None
    return result
