"""Runs for work units that are ready and that no run will consume.

Dagster is asked about many units at once. For one that several runs did not consume no more are
requested: it is given up.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from video_pipeline.dagster_api.tags import HELD_TAG, WAITING
from video_pipeline.defs.parked.cancellations import IsCancelled, was_cancelled
from video_pipeline.defs.parked.held_runs import continuation
from video_pipeline.defs.partitions import (
    PARTITION_TAG,
    TRY_PROJECT,
    VIDEOS_NAME,
    add_videos,
    video_tags,
)
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase, step_name
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.backfill.retry_unit import asking_first
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import give_up

TRIES = 5
"""Runs that are requested for one ended unit, at most."""
UNIT_TAG = "video_pipeline/unit"
_AT_ONCE = 100
"""Units that Dagster is asked about at once."""
_GIVEN_UP_A_TICK = 20
"""Each may ask its provider for what was paid."""
_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


class Wanting:
    """Whose runs one tick requests. `held` are the runs that were held when it began: one that was
    held since will consume what it waits for."""

    def __init__(
        self,
        instance: dg.DagsterInstance,
        services: Services,
        called_off: IsCancelled,
        held: Collection[str],
    ) -> None:
        self._instance, self._services = instance, services
        self._called_off, self._held = called_off, held
        self._may_give_up = _GIVEN_UP_A_TICK

    def requests(self, ready: Collection[WorkUnit]) -> Iterator[dg.RunRequest]:
        """A run for each unit whose video has none on its way that will consume it, the projects in
        turn."""
        units = _in_turn(ready)
        for start in range(0, len(units), _AT_ONCE):
            some = units[start : start + _AT_ONCE]
            busy, tried = self._busy(some), self._tried(some)
            for unit in some:
                if str(unit.request.key) not in busy:
                    yield from self._request(unit, tried[unit.id])

    def _request(self, unit: WorkUnit, tried: int) -> Iterator[dg.RunRequest]:
        key = unit.request.key
        if was_cancelled(self._instance, self._services, self._called_off, unit):
            return
        if tried >= TRIES:
            if self._may_give_up:
                self._may_give_up -= 1
                give_up(self._services, unit, tried)
        elif _is_partition(self._instance, key):
            yield dg.RunRequest(
                run_key=f"{unit.id}:{tried}",
                partition_key=str(key),
                asset_selection=sorted(continuation(self._wanted(unit))),
                run_config=self._config(unit),
                tags=video_tags(key) | {UNIT_TAG: unit.id},
            )

    def _wanted(self, unit: WorkUnit) -> Collection[Phase]:
        """The unit's phases but for those that were cancelled, such as by another of their units: a
        run would ask for that one again."""
        key, phases = unit.request.key, unit.request.phases
        statuses = self._services.of(key.project).results.statuses(key.video)
        off = {p for p, s in statuses.items() if s.state is PhaseState.CANCELLED}
        return [phase for phase in phases if phase not in off] or phases

    def _busy(self, units: Sequence[WorkUnit]) -> set[str]:
        """The videos with a run that is not finished, and does not wait for another job."""
        keys = sorted({str(unit.request.key) for unit in units})
        mine = dg.RunsFilter(statuses=_UNFINISHED, tags={PARTITION_TAG: keys})
        return {
            run.tags[PARTITION_TAG]
            for run in self._instance.get_runs(mine)
            if run.tags.get(HELD_TAG) != WAITING or run.run_id not in self._held
        }

    def _tried(self, units: Sequence[WorkUnit]) -> Counter[str]:
        """How many runs were requested for each."""
        asked = dg.RunsFilter(tags={UNIT_TAG: [unit.id for unit in units]})
        return Counter(run.tags[UNIT_TAG] for run in self._instance.get_runs(asked))

    def _config(self, unit: WorkUnit) -> dict[str, object]:
        """Asks whoever has the job, where pipeline.yaml asks somebody else first: the run that
        submitted it was told so, or another had failed. Else the order of fallbacks stays."""
        if unit.request.provider not in self._services.plugins:
            return {}
        steps: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for phase, provider in asking_first(self._services, unit).items():
            steps[step_name(phase)][phase.value] = provider
        ops = {step: {"config": {"providers": told}} for step, told in steps.items()}
        return {"ops": ops} if ops else {}


def _in_turn(ready: Collection[WorkUnit]) -> list[WorkUnit]:
    """One of each project, then the next of each, as they stand."""
    places = Counter[str]()
    numbered: list[tuple[int, WorkUnit]] = []
    for unit in ready:
        numbered.append((places[unit.request.key.project], unit))
        places[unit.request.key.project] += 1
    return [unit for _, unit in sorted(numbered, key=lambda one: one[0])]


def _is_partition(instance: dg.DagsterInstance, key: VideoKey) -> bool:
    """Whether a run can be requested. One partition that Dagster does not know would fail the
    tick, for all projects: it is added again."""
    if instance.has_dynamic_partition(VIDEOS_NAME, str(key)):
        return True
    if key.project == TRY_PROJECT:
        return False
    add_videos(instance, [key])
    return True
