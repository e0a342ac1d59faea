"""Giving up a work unit that is ready, and that run after run has not consumed.

It is brought to an end, so that it takes no more runs: the pages of a job that succeeded are kept,
and read for nothing once somebody asks. Its phases say what to do.
"""

from datetime import timedelta

from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import Closing, close
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.polling import UNREACHABLE_SECONDS

_OPEN = frozenset({PhaseState.PARKED, PhaseState.RUNNING, PhaseState.WAITING})
_VERB = {UnitState.SETTLED: "fetch", UnitState.IN_DOUBT: "release"}
"""Of the command that goes on from where it ends; else it is asked for again."""


def give_up(services: Services, unit: WorkUnit, runs: int) -> bool:
    """End the unit, and tell of it in its phases that have not come to anything else; False where
    its provider cannot say now what became of it, so that it must be tried again.

    Raises CatalogError.
    """
    key = unit.request.key
    project = services.of(key.project)
    because = f"{runs} runs were made for it and none consumed it"
    asked = close(services, key, unit.id, because) is Closing.DONE
    now = project.units.get(unit.id)
    if now is None or not asked or not (now.state.ended or now.state is UnitState.IN_DOUBT):
        later = services.clock() + timedelta(seconds=UNREACHABLE_SECONDS)
        project.units.postpone(unit.id, later)
        return False
    report, statuses = Reporter(services, key, ""), project.results.statuses(key.video)
    verb = _VERB.get(now.state, "retry")
    remedy = f"see why those failed; then `video-pipeline jobs {verb} {unit.id}` goes on"
    for status in (statuses[phase] for phase in unit.request.phases if phase in statuses):
        if status.unit == unit.id and status.state in _OPEN:
            report.tell(
                status.phase,
                PhaseState.FAILED,
                provider=unit.request.provider,
                message=f"{because}: {remedy}",
                unit=unit.id,
            )
    return True
