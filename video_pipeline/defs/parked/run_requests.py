"""Requests of runs for ready work units that no existing run will consume.

A unit that several requested runs did not consume is given up.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence

import dagster as dg

from video_pipeline.dagster_api.tags import HELD_TAG, WAITING
from video_pipeline.defs.parked.cancellations import IsCancelled, cancel_orphaned
from video_pipeline.defs.parked.held_runs import continuation
from video_pipeline.defs.partitions import (
    PARTITION_TAG,
    TRY_PROJECT,
    VIDEOS_NAME,
    add_videos,
    video_tags,
)
from video_pipeline.defs.runs.requeue import UNFINISHED
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase, step_name
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.backfill.repeat_unit import asking_first
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import give_up

# Runs that are requested for one ended unit.
TRIES = 5
UNIT_TAG = "video_pipeline/unit"
# Units in one query to Dagster.
_BATCH = 100
# Each may send a request to its provider, for the usage.
_GIVEN_UP_A_TICK = 20


class RunRequests:
    """The runs that one tick requests.

    `held` are the runs that were held when the tick began. A run that is held since will consume
    the units that it waits for.
    """

    def __init__(
        self,
        instance: dg.DagsterInstance,
        services: Services,
        is_cancelled: IsCancelled,
        held: Collection[str],
    ) -> None:
        self._instance, self._services = instance, services
        self._is_cancelled, self._held = is_cancelled, held
        self._may_give_up = _GIVEN_UP_A_TICK

    def of(self, ready: Collection[WorkUnit]) -> Iterator[dg.RunRequest]:
        """Yield a run for each unit that no run of its video will consume, projects in turn."""
        units = _in_turn(ready)
        for start in range(0, len(units), _BATCH):
            batch = units[start : start + _BATCH]
            busy, tries = self._busy(batch), self._tries(batch)
            for unit in batch:
                if str(unit.request.key) not in busy:
                    yield from self._request(unit, tries[unit.id])

    def _request(self, unit: WorkUnit, tries: int) -> Iterator[dg.RunRequest]:
        key = unit.request.key
        if cancel_orphaned(self._instance, self._services, self._is_cancelled, unit):
            return
        if tries >= TRIES:
            if self._may_give_up:
                self._may_give_up -= 1
                give_up(self._services, unit, tries)
        elif _is_partition(self._instance, key):
            yield dg.RunRequest(
                run_key=f"{unit.id}:{tries}",
                partition_key=str(key),
                asset_selection=sorted(continuation(self._wanted(unit))),
                run_config=self._config(unit),
                tags=video_tags(key) | {UNIT_TAG: unit.id},
            )

    def _wanted(self, unit: WorkUnit) -> Collection[Phase]:
        """Return the unit's phases without the cancelled ones.

        A run of a cancelled phase would submit the phase's other units again.
        """
        key, phases = unit.request.key, unit.request.phases
        statuses = self._services.of(key.project).results.statuses(key.video)
        off = {p for p, s in statuses.items() if s.state is PhaseState.CANCELLED}
        return [phase for phase in phases if phase not in off] or phases

    def _busy(self, units: Sequence[WorkUnit]) -> set[str]:
        """Return the videos with an unfinished run that does not wait for another job."""
        keys = sorted({str(unit.request.key) for unit in units})
        mine = dg.RunsFilter(statuses=UNFINISHED, tags={PARTITION_TAG: keys})
        return {
            run.tags[PARTITION_TAG]
            for run in self._instance.get_runs(mine)
            if run.tags.get(HELD_TAG) != WAITING or run.run_id not in self._held
        }

    def _tries(self, units: Sequence[WorkUnit]) -> Counter[str]:
        """Return how many runs were requested for each unit."""
        requested = dg.RunsFilter(tags={UNIT_TAG: [unit.id for unit in units]})
        return Counter(run.tags[UNIT_TAG] for run in self._instance.get_runs(requested))

    def _config(self, unit: WorkUnit) -> dict[str, object]:
        """Name the unit's provider in the run config if pipeline.yaml prefers another.

        The run that submitted the unit may have named it, or another provider failed. Otherwise the
        order of fallbacks holds.
        """
        if unit.request.provider not in self._services.plugins:
            return {}
        steps: defaultdict[str, dict[str, str]] = defaultdict(dict)
        for phase, provider in asking_first(self._services.choices, unit).items():
            steps[step_name(phase)][phase.value] = provider
        ops = {step: {"config": {"providers": named}} for step, named in steps.items()}
        return {"ops": ops} if ops else {}


def _in_turn(ready: Collection[WorkUnit]) -> list[WorkUnit]:
    """Return the first unit of each project, then the second of each, and so on."""
    counts = Counter[str]()
    numbered: list[tuple[int, WorkUnit]] = []
    for unit in ready:
        numbered.append((counts[unit.request.key.project], unit))
        counts[unit.request.key.project] += 1
    return [unit for _, unit in sorted(numbered, key=lambda one: one[0])]


def _is_partition(instance: dg.DagsterInstance, key: VideoKey) -> bool:
    """Return whether a run can be requested, after adding a missing partition.

    One unknown partition would fail the tick of all projects.
    """
    if instance.has_dynamic_partition(VIDEOS_NAME, str(key)):
        return True
    if key.project == TRY_PROJECT:
        return False
    add_videos(instance, [key])
    return True
