"""Results that the pipeline makes by itself, without a provider: provenance and publication."""

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


CHOICE = choice_hash(f"{PROVIDER} {VERSION}", "", {})
"""What the pipeline's own results without options carry."""


def check_current(services: Services, key: VideoKey, content: str) -> None:
    """Raise SourceError where the video is of other content by now: what was made of the earlier
    one is published no more, and never takes the place of what a newer run has made."""
    record = services.of(key.project).videos.get(key.video)
    if record is not None and record.sha256 != content:
        raise SourceError(
            "a newer version arrived while this one was worked on",
            where=record.source.object_key,
            remedy="Nothing is to be done: the run for the newer version goes on.",
        )


def provenance(
    content: str,
    started: datetime,
    ended: datetime,
    options: Mapping[str, JsonValue] | None = None,
    *,
    inputs: Mapping[Phase, str] | None = None,
) -> Provenance:
    """Where a result of the pipeline's own comes from; `inputs` are fingerprints."""
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
    """Make a result the current one, and the outcome that tells of it. Raises SourceError where
    a newer version has arrived."""
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
    """The current result where it was made from this content and its outputs are still there."""
    result = services.of(key.project).results.get(key.video, phase)
    if result is None or result.provenance is None or result.provenance.content != content:
        return None
    outputs = services.outputs.project(key.project)
    if any(outputs.stat(name) is None for name in result.outputs):
        return None
    return result
