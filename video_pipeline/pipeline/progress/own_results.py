"""Publish and look up results that the pipeline makes itself, without a provider."""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime
from os.path import commonpath

from pydantic import JsonValue

from video_pipeline.domain.errors import CatalogError, PipelineError, SourceError, SourceGone
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.work import choice_hash
from video_pipeline.pipeline.progress.outcome import Outcome, failed
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.video_run import VideoRun

PROVIDER = "pipeline"
VERSION = "1"
# One listing replaces more looks than this.
_FEW = 8
# The choice of the pipeline's own results without options.
CHOICE = choice_hash(f"{PROVIDER} {VERSION}", "", {})


def reported(run: VideoRun, phase: Phase, work: Callable[[], Outcome]) -> Outcome:
    """Do a phase's work, report its progress, and turn errors into a failed outcome.

    A run whose source is gone is due again once the source is found. Raises SourceError for a video
    that is not registered. Nothing is recorded of it.
    """
    run.record()
    report = Reporter(run)
    report.tell(phase, PhaseState.RUNNING, provider=PROVIDER)
    try:
        return report.ended(work())
    except CatalogError:
        raise  # a failure could not be recorded either
    except PipelineError as error:
        if isinstance(error, SourceGone):
            run.postpone()
        return report.ended(failed(phase, error, PROVIDER))


def check_current(run: VideoRun) -> None:
    """Raise SourceError if the video's content has changed: an old result must not be published."""
    record = run.catalog.videos.get(run.key.video)
    if record is not None and record.sha256 != run.content:
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
    run: VideoRun,
    phase: Phase,
    origin: Provenance,
    *,
    state: PhaseState = PhaseState.DONE,
    counts: Mapping[str, int] | None = None,
    outputs: Iterable[str] = (),
    warnings: Iterable[str] = (),
) -> Outcome:
    """Publish a result and return its outcome. Raises SourceError if a newer version arrived."""
    check_current(run)
    result = PhaseResult(
        phase=phase,
        state=state,
        provenance=origin,
        counts=dict(counts or {}),
        outputs=tuple(outputs),
        warnings=tuple(warnings),
    )
    run.catalog.results.publish(run.key.video, result)
    return Outcome(phase=phase, state=state, result=result, provider=origin.provider)


def reused(result: PhaseResult) -> Outcome:
    """Return the outcome of a phase whose result an earlier run has made."""
    return Outcome(
        phase=result.phase,
        state=result.state,
        result=result,
        provider=PROVIDER,
        reused=True,
    )


def waiting(run: VideoRun, phase: Phase, missing: Collection[Phase]) -> Outcome:
    """Return the outcome of a phase that waits for others. It is parked if one of them is."""
    statuses = run.catalog.results.statuses(run.key.video)
    told = {one: statuses.get(one) for one in missing}
    parked = any(status and status.state is PhaseState.PARKED for status in told.values())
    reasons = "; ".join(
        f"{one}: {status.state}, {status.message}" if status else f"{one}: not made yet"
        for one, status in told.items()
    )
    return Outcome(
        phase=phase,
        state=PhaseState.PARKED if parked else PhaseState.WAITING,
        message=f"waits for {reasons}",
        provider=PROVIDER,
    )


def current(run: VideoRun, phase: Phase) -> PhaseResult | None:
    """Return the result if it was made from the run's content and all its output files exist."""
    result = run.catalog.results.get(run.key.video, phase)
    if result is None or result.provenance is None or result.provenance.content != run.content:
        return None
    return result if _are_stored(run, result.outputs) else None


def _are_stored(run: VideoRun, names: tuple[str, ...]) -> bool:
    if len(names) <= _FEW:
        return all(run.outputs.stat(name) is not None for name in names)
    there = {stored.key for stored in run.outputs.listing(f"{commonpath(names)}/")}
    return there.issuperset(names)
