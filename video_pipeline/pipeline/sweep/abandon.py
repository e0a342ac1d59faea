"""Close a ready work unit after several runs did not consume it.

No further run is started for it. The pages of a successful job are kept for a later run, and the
phases say how to go on.
"""

from datetime import timedelta

from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.jobs.close import Closing, close
from video_pipeline.pipeline.progress.reporter import Reporter
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.polling import UNREACHABLE_SECONDS

_OPEN = frozenset({PhaseState.PARKED, PhaseState.RUNNING, PhaseState.WAITING})
# The command that goes on from each state; `retry` from any other.
_VERB = {UnitState.SETTLED: "fetch", UnitState.IN_DOUBT: "release"}


def give_up(services: Services, unit: WorkUnit, runs: int) -> bool:
    """Close the unit, and report its open phases as failed.

    Returns False if its provider does not answer now, so that it must be tried again. Raises
    CatalogError.
    """
    key = unit.request.key
    project = services.of(key.project)
    because = f"{runs} runs were started for it and none consumed it"
    closed = close(services, key, unit.id, because) is Closing.DONE
    now = project.units.get(unit.id)
    if now is None or not closed or not (now.state.ended or now.state is UnitState.IN_DOUBT):
        later = services.clock() + timedelta(seconds=UNREACHABLE_SECONDS)
        project.units.postpone(unit.id, later)
        return False
    report, statuses = Reporter(services, key, ""), project.results.statuses(key.video)
    verb = _VERB.get(now.state, "retry")
    remedy = f"see why those runs failed, then run `video-pipeline jobs {verb} {unit.id}`"
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
