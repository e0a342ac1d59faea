"""The assets of one video. Each step calls one use case and records its outcomes."""

from collections.abc import Collection, Iterator, Mapping

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api.tags import BACKFILL_TAG
from video_pipeline.defs.videos.step import Events, Step, begin, step_of
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.phases import SERVED, STEPS, Phase
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.run_video import MAKERS


class AnalysisConfig(dg.Config):
    """What one run may override of pipeline.yaml."""

    providers: dict[str, str] = Field(
        default={}, description="Phase to entry of pipeline.yaml, such as {shots: cuts}."
    )
    force: bool = Field(default=False, description="Make existing results again, and pay again.")

    def overrides(self) -> dict[Phase, tuple[str, ...]]:
        """Return the providers by phase. Raises ConfigurationError where no plugin serves one."""
        unknown = sorted(set(self.providers) - set(SERVED))
        if unknown:
            raise ConfigurationError(
                f"providers are chosen for phases that none serves: {', '.join(unknown)}",
                where="run config, providers",
                remedy=f"Choose providers only for {', '.join(SERVED)}.",
            )
        return {Phase(phase): (name,) for phase, name in self.providers.items()}


def video_assets(
    entries: Mapping[str, str], not_configured: Collection[Phase] = ()
) -> list[dg.AssetsDefinition]:
    """Return all assets of a video, a step each or several in one.

    `entries` maps the provider entries that may be asked to the resources of their plugins.
    """
    return [
        _made(phases[0]) if phases[0] in MAKERS else _analysed(phases, entries, not_configured)
        for phases in STEPS.values()
    ]


def _made(phase: Phase) -> dg.AssetsDefinition:
    @step_of(phase)
    def made(context: dg.AssetExecutionContext) -> Events:
        step = begin(context)
        due = [*step.unplanned(phase), phase]
        yield from step.record([MAKERS[one](step.services, step.run) for one in due])

    return made


def _analysed(
    phases: tuple[Phase, ...], entries: Mapping[str, str], not_configured: Collection[Phase]
) -> dg.AssetsDefinition:
    @step_of(*phases, resources=entries.values(), not_configured=not_configured)
    def analysed(context: dg.AssetExecutionContext, config: AnalysisConfig) -> Events:
        step = begin(context, entries)
        ended = analyse(
            step.services,
            step.run.key,
            step.phases,
            providers=config.overrides(),
            run_id=step.run.run_id,
            forced_by=_forced_by(context.run) if config.force else "",
        )
        yield from step.record([*ended.values(), *_without_shots(step, ended)])

    return analysed


def _without_shots(step: Step, ended: Mapping[Phase, Outcome]) -> Iterator[Outcome]:
    """Make the pictures if the shots failed: Dagster skips the step that would make them."""
    shots = ended.get(Phase.SHOTS)
    if shots and shots.state.ended_badly and not shots.passes and Phase.PICTURES in step.of_run:
        yield MAKERS[Phase.PICTURES](step.services, step.run)


def _forced_by(run: dg.DagsterRun) -> str:
    """Return what pays once: the backfill, or the run with its retries and continuations."""
    return run.tags.get(BACKFILL_TAG) or run.root_run_id or run.run_id
