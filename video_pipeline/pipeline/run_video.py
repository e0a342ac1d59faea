"""The whole road of one video, without Dagster: each phase once what it hangs on is good."""

from collections.abc import Collection

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import ANALYSIS, Phase
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.exports import export
from video_pipeline.pipeline.publishing.timeline import make_timeline
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.probe import media_info, source_video


def travel(
    services: Services,
    key: VideoKey,
    run_id: str = "",
    phases: Collection[Phase] | None = None,
) -> dict[Phase, Outcome]:
    """The outcomes of the phases that were reached; all of them unless `phases` names some."""
    wanted = frozenset(Phase) if phases is None else frozenset(phases)
    outcomes: dict[Phase, Outcome] = {}
    for phase, step in ((Phase.SOURCE_VIDEO, source_video), (Phase.MEDIA_INFO, media_info)):
        if phase in wanted:
            outcomes[phase] = step(services, key, run_id)
            if not outcomes[phase].state.good:
                return outcomes
    for group in (ANALYSIS, (Phase.SCENES,)):
        asked = wanted.intersection(group)
        if asked:
            outcomes |= analyse(services, key, asked, run_id=run_id)
    for phase, step in ((Phase.TIMELINE, make_timeline), (Phase.EXPORTS, export)):
        if phase in wanted:
            outcomes[phase] = step(services, key, run_id)
            if not outcomes[phase].state.good:
                return outcomes
    return outcomes
