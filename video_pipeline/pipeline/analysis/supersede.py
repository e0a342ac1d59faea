"""Work that is under way for a video but that nobody asks for any more: another version of the
source arrived, or another provider, option or language was chosen.

Its ledger rows are brought to an end, so that what was paid is counted and no run waits for it.
What is in doubt stays so, for a person to look at.
"""

from collections.abc import Collection

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.analysis.phase_plan import PhaseQueue
from video_pipeline.pipeline.jobs.close import close
from video_pipeline.pipeline.services import Services


def join_or_close(
    services: Services, key: VideoKey, queue: PhaseQueue, phases: Collection[Phase]
) -> list[WorkUnit]:
    """The units of this video that serve what is asked for now: those under way, here or in
    another region or account, and settled ones. Those under way for the same phases that don't are
    closed, as far as their provider lets us."""
    found = [u for u in services.of(key.project).units.of_video(key.video) if _is_left(u)]
    asked_for = [unit for unit in found if _is_asked_for(services, queue, unit)]
    for unit in found:
        under_way = not unit.state.ended and unit not in asked_for
        if under_way and set(unit.request.phases) & set(phases):
            close(services, key, unit.id, "superseded by another version or choice")
    return asked_for


def _is_left(unit: WorkUnit) -> bool:
    """Whether anything may still be made of it."""
    return not unit.state.may_be_reopened


def _is_asked_for(services: Services, queue: PhaseQueue, unit: WorkUnit) -> bool:
    assigner, plugins = queue.assigner(), services.plugins
    return any(
        serves(unit, name, plugins[name], [phase])
        for phase in unit.request.phases
        for name in queue.order(phase)
        if name in plugins
        for serves in (assigner.covers, assigner.is_open_elsewhere)
    )
