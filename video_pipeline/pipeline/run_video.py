"""All phases of one video without Dagster, each after the phases that it needs."""

from collections.abc import Callable, Collection

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import STEPS, Phase
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.exports import export
from video_pipeline.pipeline.publishing.timeline import make_timeline
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import media_info, source_video

# The phases that the pipeline makes in a step of their own; `analyse` makes all others.
MAKERS: dict[Phase, Callable[[Services, VideoKey, str], Outcome]] = {
    Phase.SOURCE_VIDEO: source_video,
    Phase.MEDIA_INFO: media_info,
    Phase.TIMELINE: make_timeline,
    Phase.EXPORTS: export,
}


def run_video(
    services: Services,
    key: VideoKey,
    run_id: str = "",
    phases: Collection[Phase] | None = None,
) -> dict[Phase, Outcome]:
    """Make all phases, or those named, and return their outcomes.

    Stops after a phase of `MAKERS` without a good outcome: nothing after it can start.
    """
    wanted = frozenset(Phase) if phases is None else frozenset(phases)
    outcomes: dict[Phase, Outcome] = {}
    for of_step in STEPS.values():
        asked = wanted.intersection(of_step)
        if asked.issubset(MAKERS):
            for phase in asked:
                outcomes[phase] = MAKERS[phase](services, key, run_id)
                if not outcomes[phase].state.good:
                    return outcomes
        else:
            outcomes |= analyse(services, key, asked, run_id=run_id)
    return outcomes
