"""The assets of one video: each a step that calls one use case and records what came of it."""

from collections.abc import Mapping

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api.tags import BACKFILL_TAG
from video_pipeline.defs.videos.step import Events, begin, step_of
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.phases import ANALYSIS, SERVED, Phase
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.publishing.exports import export
from video_pipeline.pipeline.publishing.timeline import make_timeline
from video_pipeline.pipeline.source.probe import media_info as probe
from video_pipeline.pipeline.source.probe import source_video as read


class AnalysisConfig(dg.Config):
    """What one run may decide otherwise than pipeline.yaml."""

    providers: dict[str, str] = Field(
        default={}, description="Phase to provider instance, such as {shots: cuts}."
    )
    force: bool = Field(
        default=False, description="Make again what is there already, and pay again."
    )

    def overrides(self) -> dict[Phase, tuple[str, ...]]:
        """The providers by phase. Raises ConfigurationError for a phase that nobody serves."""
        unknown = sorted(set(self.providers) - set(SERVED))
        if unknown:
            raise ConfigurationError(
                f"no provider serves {', '.join(unknown)}",
                where="run config, providers",
                remedy=f"Name one of {', '.join(SERVED)}.",
            )
        return {Phase(phase): (name,) for phase, name in self.providers.items()}


def road_assets(entries: Mapping[str, str]) -> list[dg.AssetsDefinition]:
    """All assets of the road. `entries`: the provider entries that may be asked, and the
    resources that are their plugins."""
    return [
        source_video,
        media_info,
        _analysis(entries),
        _scenes(entries),
        timeline,
        exports,
    ]


@step_of(Phase.SOURCE_VIDEO)
def source_video(context: dg.AssetExecutionContext) -> Events:
    """Read the delivered object once."""
    step = begin(context)
    yield from step.record([read(step.services, step.key, step.run_id)])


@step_of(Phase.MEDIA_INFO)
def media_info(context: dg.AssetExecutionContext) -> Events:
    """Probe it."""
    step = begin(context)
    yield from step.record([probe(step.services, step.key, step.run_id)])


@step_of(Phase.TIMELINE)
def timeline(context: dg.AssetExecutionContext) -> Events:
    """Bring together what was found."""
    step = begin(context)
    yield from step.record([make_timeline(step.services, step.key, step.run_id)])


@step_of(Phase.EXPORTS)
def exports(context: dg.AssetExecutionContext) -> Events:
    """Publish the timeline in each format."""
    step = begin(context)
    yield from step.record([export(step.services, step.key, step.run_id)])


def _analysis(entries: Mapping[str, str]) -> dg.AssetsDefinition:
    @step_of(*ANALYSIS, resources=entries.values())
    def analysis(context: dg.AssetExecutionContext, config: AnalysisConfig) -> Events:
        """Find what is in picture and sound, in one decode, while remote jobs run elsewhere."""
        yield from _analysed(context, config, entries)

    return analysis


def _scenes(entries: Mapping[str, str]) -> dg.AssetsDefinition:
    @step_of(Phase.SCENES, resources=entries.values())
    def scenes(context: dg.AssetExecutionContext, config: AnalysisConfig) -> Events:
        """Bring shots together into scenes."""
        yield from _analysed(context, config, entries)

    return scenes


def _analysed(
    context: dg.AssetExecutionContext, config: AnalysisConfig, entries: Mapping[str, str]
) -> Events:
    step = begin(context, entries)
    ended = analyse(
        step.services,
        step.key,
        step.phases,
        providers=config.overrides(),
        run_id=step.run_id,
        forced_by=_who_forces(context.run) if config.force else "",
    )
    yield from step.record(ended.values())


def _who_forces(run: dg.DagsterRun) -> str:
    """What pays once: a backfill; else the run, with those that go on with it."""
    return run.tags.get(BACKFILL_TAG) or run.root_run_id or run.run_id
