"""All phases of one video without Dagster, each after the phases that it needs."""

from collections.abc import Callable, Collection

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, STEPS, Phase, downstream
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.pictures.make import Decoder, make_pictures
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.exports import export
from video_pipeline.pipeline.publishing.timeline import make_timeline
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import media_info, source_video
from video_pipeline.pipeline.video_run import VideoRun

# The phases that the pipeline makes in a step of their own; `analyse` makes all others.
MAKERS: dict[Phase, Callable[[Services, VideoRun], Outcome]] = {
    Phase.SOURCE_VIDEO: lambda services, run: source_video(run, services.ingest),
    Phase.MEDIA_INFO: lambda services, run: media_info(run, services.ingest, services.media),
    Phase.PICTURES: lambda services, run: make_pictures(
        run,
        Decoder(services.media, services.ingest, services.scratch, services.scratch_bytes),
    ),
    Phase.TIMELINE: lambda _, run: make_timeline(run),
    Phase.EXPORTS: lambda _, run: export(run),
}


def run_video(
    services: Services,
    key: VideoKey,
    run_id: str = "",
    phases: Collection[Phase] | None = None,
) -> dict[Phase, Outcome]:
    """Make all phases, or those named, and return their outcomes.

    Stops after a phase of `MAKERS` without a good outcome if all later ones need it.
    """
    wanted = frozenset(Phase) if phases is None else frozenset(phases)
    run, outcomes = VideoRun.of(services, key, run_id), dict[Phase, Outcome]()
    for of_step in STEPS.values():
        asked = wanted.intersection(of_step)
        if asked.issubset(MAKERS):
            for phase in asked:
                outcomes[phase] = MAKERS[phase](services, run)
                if not outcomes[phase].state.good and _all_need(phase):
                    return outcomes
        else:
            outcomes |= analyse(services, key, asked, run_id=run_id)
    return outcomes


def _all_need(phase: Phase) -> bool:
    """Return whether every later phase needs this one."""
    order = list(PHASES)
    return downstream(frozenset({phase})).issuperset(order[order.index(phase) + 1 :])
