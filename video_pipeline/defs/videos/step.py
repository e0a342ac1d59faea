"""One step of a run: its video and services, and the events that record its outcomes."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from video_pipeline.dagster_api.tags import NAME_TAG
from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.parked.held_runs import hold
from video_pipeline.defs.partitions import VIDEOS
from video_pipeline.defs.runs.deleted_video import unless_deleted
from video_pipeline.defs.runs.queue import missing_tags
from video_pipeline.defs.runs.retry_tag import allow_retry, retried
from video_pipeline.defs.runs.step_failure import step_failure
from video_pipeline.defs.videos.checks import evaluations
from video_pipeline.defs.videos.metadata import data_version, good_metadata, materialization
from video_pipeline.defs.videos.specs import asset_spec, check_specs
from video_pipeline.defs.videos.unfinished import other_metadata
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.phases import PHASES, Phase, step_name
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.progress.outcome import Outcome, waiting_for
from video_pipeline.pipeline.services import Notify, Services
from video_pipeline.pipeline.video_run import VideoRun

Events = Iterator[
    dg.MaterializeResult[Any] | dg.AssetObservation | dg.AssetCheckResult | dg.AssetCheckEvaluation
]


def step_of(*phases: Phase, resources: Iterable[str] = (), not_configured: Collection[Phase] = ()):
    """Return the decorator of a step that makes these phases, each an asset of its own.

    No project has a provider for those that are not configured.
    """
    configured = [phase for phase in phases if phase not in not_configured]
    spec = PHASES[phases[0]]
    together = f"{', '.join(phases)}: one decode of the video, while remote jobs run elsewhere."
    decorate = dg.multi_asset(
        name=step_name(spec.phase),
        description=together if spec.shared_step else spec.description,
        specs=[asset_spec(phase, configured=phase in configured) for phase in phases],
        check_specs=check_specs(configured),
        partitions_def=VIDEOS,
        can_subset=True,
        required_resource_keys={"pipeline", *resources},
    )
    return lambda function: decorate(retried(unless_deleted(function)))


# Phases that runs from before an upgrade did not plan, and that others need.
_NEW_PHASES = (Phase.PICTURES,)


@dataclass(frozen=True)
class Step:
    """A step that has started."""

    context: dg.AssetExecutionContext
    services: Services
    run: VideoRun
    delivered: str = ""
    """Name and file of the video: for people, its partition may be only a slug of the name."""

    @property
    def phases(self) -> list[Phase]:
        """Return the phases selected in this step, in order."""
        selected = {key.to_user_string() for key in self.context.selected_asset_keys}
        return [phase for phase in PHASES if phase in selected]

    @property
    def of_run(self) -> list[Phase]:
        """Return the phases selected in all steps of this run, in order."""
        selected = self.context.job_def.asset_layer.selected_asset_keys
        return [phase for phase in PHASES if asset_key(phase) in selected]

    def unplanned(self, phase: Phase) -> list[Phase]:
        """Return what a phase needs that no run has begun, and this one will not.

        A run that an earlier version planned does not select the phases that are new since.
        """
        begun = self.run.catalog.results.statuses(self.run.key.video)
        known = {*self.of_run, *begun}
        return [one for one in PHASES[phase].needs if one in _NEW_PHASES and one not in known]

    def record(self, outcomes: Iterable[Outcome]) -> Events:
        """Yield the events of the outcomes. Raises an error where a phase failed.

        The held run of parked phases is queued before anything else. Otherwise a backfill could
        find none of its runs open, and end.
        """
        order = list(PHASES)
        ended = sorted(outcomes, key=lambda outcome: order.index(outcome.phase))
        self._hold([outcome for outcome in ended if outcome.state is PhaseState.PARKED])
        for outcome in ended:
            if outcome.phase not in self.phases:
                self._log_unselected(outcome)
            elif outcome.state.good:
                yield self._made(outcome)
                yield from self._checked(outcome)
            else:
                yield from self._unfinished(outcome)
        for outcome in self._not_started(ended):
            yield from self._unfinished(outcome)
        failed = [outcome for outcome in ended if outcome.state.ended_badly]
        if failed:
            if any(outcome.passes for outcome in failed):
                allow_retry(self.context)
            raise step_failure("\n".join(map(self._reason, failed)))

    def _reason(self, failed: Outcome) -> str:
        named = f" ({self.delivered})" if self.delivered else ""
        return f"{self.run.key} {failed.phase}{named}: {failed.message}"

    def _not_started(self, ended: list[Outcome]) -> Iterator[Outcome]:
        """Yield an outcome for each phase of this run whose step cannot start after these."""
        known = {*self.phases, *(outcome.phase for outcome in ended)}
        for phase in self.of_run:
            waiting = None if phase in known else waiting_for(phase, ended)
            if waiting:
                yield waiting

    def _hold(self, parked: list[Outcome]) -> None:
        """Queue a held run for the parked phases.

        A phase that waits only for other phases is held together with those. It is not held
        where none of their jobs is open, since nothing would release it.
        """
        awaited = {unit for outcome in parked for unit in outcome.awaits}
        phases = {outcome.phase for outcome in parked}
        if parked and not awaited:
            elsewhere = self._parked_elsewhere()
            phases, awaited = phases | elsewhere.keys(), set[str]().union(*elsewhere.values())
        if awaited:
            hold(self.context, phases, frozenset(awaited))

    def _parked_elsewhere(self) -> dict[Phase, set[str]]:
        """Return the parked phases of this video that have open work units, with these."""
        catalog, video = self.run.catalog, self.run.key.video
        units = catalog.units.of_video(video)
        parked = [unit for unit in units if unit.state.parked and not unit.unwanted]
        found = {
            phase: {unit.id for unit in parked if phase in unit.request.phases}
            for phase, status in catalog.results.statuses(video).items()
            if status.state is PhaseState.PARKED
        }
        return {phase: units for phase, units in found.items() if units}

    def _log_unselected(self, outcome: Outcome) -> None:
        """Log the materialization of a phase that was made again without being selected."""
        if data_version(outcome) is not None:
            self.context.log_event(materialization(self.run, outcome))

    def _made(self, outcome: Outcome) -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(
            asset_key=asset_key(outcome.phase),
            metadata=good_metadata(self.run, outcome),
            data_version=data_version(outcome),
        )

    def _unfinished(self, outcome: Outcome) -> Events:
        """Yield why a phase has no result, and what that means for its checks."""
        yield dg.AssetObservation(
            asset_key(outcome.phase),
            partition=str(self.run.key),
            metadata=other_metadata(self.run, outcome, self.services.plugins),
        )
        yield from self._checked(outcome)

    def _checked(self, outcome: Outcome) -> Events:
        """Yield the phase's checks that were planned: as outputs, those of this step."""
        planned = self.context.job_def.asset_layer.asset_graph.asset_check_keys
        for one in evaluations(self.run, outcome):
            if one.asset_check_key in self.context.selected_asset_check_keys:
                yield _as_output(one)
            elif one.asset_check_key in planned:
                yield one


def _as_output(evaluation: dg.AssetCheckEvaluation) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        asset_key=evaluation.asset_key,
        check_name=evaluation.check_name,
        passed=evaluation.passed,
        severity=evaluation.severity,
        description=evaluation.description,
        metadata=evaluation.metadata,
    )


def begin(context: dg.AssetExecutionContext, entries: Mapping[str, str] | None = None) -> Step:
    """Start a step. `entries` maps provider entries to the resources of their plugins."""
    key = VideoKey.parse(context.partition_key)
    services: Services = context.resources.pipeline.services
    given = {name: getattr(context.resources, r) for name, r in (entries or {}).items()}
    plugins = {**services.plugins, **given}
    services = replace(services, plugins=plugins, notify=_log_of(context, key))
    run = VideoRun.of(services, key, context.run.run_id)
    record = run.catalog.videos.get(key.video)
    step = Step(context, services, run, printable(record.source.delivered) if record else "")
    _tag_run(step)
    return step


def _tag_run(step: Step) -> None:
    """Tag the run in its first step."""
    if step.of_run[0] not in step.phases:
        return
    name = {NAME_TAG: step.delivered} if step.delivered else {}
    tags = missing_tags(step.context.run) | name
    step.context.instance.add_run_tags(step.context.run.run_id, tags)


def _log_of(context: dg.AssetExecutionContext, key: VideoKey) -> Notify:
    """Return what logs progress that Dagster's own events lack. A line costs 10 CPU-ms."""

    def notify(phase: Phase, state: PhaseState, percent: int | None, message: str) -> None:
        if state.good or state.ended_badly or (state is PhaseState.RUNNING and percent is None):
            return
        running = state is PhaseState.RUNNING and percent is not None
        shown = f"{percent} %" if running else str(state)
        context.log.info(f"{key} {phase}: {shown}{', ' if message else ''}{message}")

    return notify
