"""One step of a run: which video it is for, what it works with, and how it tells of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import dagster as dg

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.parked.held_runs import hold
from video_pipeline.defs.partitions import VIDEOS
from video_pipeline.defs.runs.queue import missing_tags
from video_pipeline.defs.runs.retry_tag import made_again, make_again
from video_pipeline.defs.videos.checks import content_results
from video_pipeline.defs.videos.metadata import data_version, good_metadata, other_metadata
from video_pipeline.defs.videos.specs import asset_spec, check_specs
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, SUCCEEDED, Phase, step_name
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Notify, Services

_DATA_VERSION_TAG = "dagster/data_version"
"""Which Dagster itself gives to a MaterializeResult with a data version."""
Events = Iterator[dg.MaterializeResult[Any] | dg.AssetObservation | dg.AssetCheckResult]


def step_of(*phases: Phase, resources: Iterable[str] = ()):
    """The decorator of a step that makes these phases, each an asset of its own."""
    spec = PHASES[phases[0]]
    together = f"{', '.join(phases)}: one decode of the video, while remote jobs run elsewhere."
    decorate = dg.multi_asset(
        name=step_name(spec.phase),
        description=together if spec.shared_step else spec.description,
        specs=[asset_spec(phase) for phase in phases],
        check_specs=check_specs(phases),
        partitions_def=VIDEOS,
        can_subset=True,
        required_resource_keys={"pipeline", *resources},
    )
    return lambda function: decorate(made_again(function))


@dataclass(frozen=True)
class Step:
    """A step that has begun."""

    context: dg.AssetExecutionContext
    key: VideoKey
    services: Services

    @property
    def run_id(self) -> str:
        """The run that it belongs to."""
        return self.context.run.run_id

    @property
    def phases(self) -> list[Phase]:
        """The phases that are asked for in this run."""
        asked = {key.to_user_string() for key in self.context.selected_asset_keys}
        return [phase for phase in PHASES if phase in asked]

    def record(self, outcomes: Iterable[Outcome]) -> Events:
        """Tell Dagster what came of the phases. Ends in dg.Failure where one failed.

        What goes on with parked phases is queued before anything else: no moment shall be left
        in which a backfill finds nothing more to wait for.
        """
        order = list(PHASES)
        ended = sorted(outcomes, key=lambda outcome: order.index(outcome.phase))
        self._hold([outcome for outcome in ended if outcome.state is PhaseState.PARKED])
        for outcome in ended:
            if outcome.phase not in self.phases:
                self._tell_besides(outcome)
            else:
                yield from self._good(outcome) if outcome.state.good else self._other(outcome)
        failed = [outcome for outcome in ended if outcome.state.ended_badly]
        if failed:
            if any(outcome.passes for outcome in failed):
                make_again(self.context)
            told = "\n".join(f"{self.key} {o.phase}: {o.message}" for o in failed)
            raise dg.Failure(told, allow_retries=False)

    def _hold(self, parked: list[Outcome]) -> None:
        """A phase that waits for others' jobs goes on together with those others; where none of
        them runs any more, nothing would ever let it go."""
        awaited = {unit for outcome in parked for unit in outcome.awaits}
        phases = {outcome.phase for outcome in parked}
        if parked and not awaited:
            elsewhere = self._parked_elsewhere()
            phases, awaited = phases | elsewhere.keys(), set[str]().union(*elsewhere.values())
        if awaited:
            hold(self.context, phases, frozenset(awaited))

    def _parked_elsewhere(self) -> dict[Phase, set[str]]:
        """The parked phases of this video whose jobs still run or wait, with their work units."""
        project = self.services.of(self.key.project)
        units = project.units.of_video(self.key.video)
        parked = [unit for unit in units if unit.parked and not unit.unwanted]
        found = {
            phase: {unit.id for unit in parked if phase in unit.request.phases}
            for phase, status in project.results.statuses(self.key.video).items()
            if status.state is PhaseState.PARKED
        }
        return {phase: units for phase, units in found.items() if units}

    def _tell_besides(self, outcome: Outcome) -> None:
        """Of a phase that was made again although this run was not asked for it."""
        version = data_version(outcome)
        if version is None:
            return
        self.context.log_event(
            dg.AssetMaterialization(
                asset_key(outcome.phase),
                partition=str(self.key),
                metadata=good_metadata(self.services, self.key, outcome),
                tags={_DATA_VERSION_TAG: version.value},
            )
        )

    def _good(self, outcome: Outcome) -> Events:
        yield dg.MaterializeResult(
            asset_key=asset_key(outcome.phase),
            metadata=good_metadata(self.services, self.key, outcome),
            data_version=data_version(outcome),
        )
        if outcome.state is not PhaseState.NOT_CONFIGURED:
            checks = [_succeeded(outcome), *content_results(self.services, self.key, outcome)]
            yield from filter(self._is_asked, checks)

    def _other(self, outcome: Outcome) -> Events:
        yield dg.AssetObservation(
            asset_key(outcome.phase),
            partition=str(self.key),
            description=outcome.message,
            metadata=other_metadata(self.services, self.key, outcome),
        )
        if outcome.state.ended_badly:
            yield from filter(self._is_asked, [_succeeded(outcome)])

    def _is_asked(self, result: dg.AssetCheckResult) -> bool:
        return any(
            key.asset_key == result.asset_key and key.name == result.check_name
            for key in self.context.selected_asset_check_keys
        )


def begin(context: dg.AssetExecutionContext, entries: Mapping[str, str] | None = None) -> Step:
    """Begin a step. `entries` names provider entries and the resources that are their plugins."""
    key = VideoKey.parse(context.partition_key)
    tags = missing_tags(context.run)
    if tags:
        context.instance.add_run_tags(context.run.run_id, tags)
    services: Services = context.resources.pipeline.services
    given = {name: getattr(context.resources, r) for name, r in (entries or {}).items()}
    plugins = {**services.plugins, **given}
    return Step(context, key, replace(services, plugins=plugins, notify=_logged(context, key)))


def _succeeded(outcome: Outcome) -> dg.AssetCheckResult:
    skipped = outcome.state is PhaseState.SKIPPED
    return dg.AssetCheckResult(
        asset_key=asset_key(outcome.phase),
        check_name=SUCCEEDED.name,
        passed=outcome.state.good and not skipped,
        severity=dg.AssetCheckSeverity.WARN if skipped else dg.AssetCheckSeverity.ERROR,
        description=outcome.message or None,
    )


def _logged(context: dg.AssetExecutionContext, key: VideoKey) -> Notify:
    """Log lines for what Dagster's own events do not tell; each costs the run 10 CPU-ms."""

    def notify(phase: Phase, state: PhaseState, percent: int | None, message: str) -> None:
        if state.good or (state is PhaseState.RUNNING and percent is None):
            return
        running = state is PhaseState.RUNNING and percent is not None
        told = f"{percent} %" if running else str(state)
        context.log.info(f"{key} {phase}: {told}{', ' if message else ''}{message}")

    return notify
