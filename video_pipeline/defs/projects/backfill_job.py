"""The job that re-runs a project from the UI: all of it, or what is missing, failed or stale."""

from collections.abc import Iterator
from enum import Enum
from functools import partial

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api.backfills import launch
from video_pipeline.defs.jobs import EXECUTOR
from video_pipeline.defs.partitions import PROJECT_TAG
from video_pipeline.defs.projects.unmaterialized import log_unmaterialized, shown
from video_pipeline.defs.resources.graphql import ask_of, page_of
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.preview import Preview, plan
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

# Dagster shows and sends the names of an enum's members: here they equal the values.
OnlyChoice = Enum("OnlyChoice", {one.value: one.value for one in Only})
PhaseChoice = Enum("PhaseChoice", {one.value: one.value for one in Phase})


class BackfillConfig(dg.Config):
    """The phases to run again."""

    project: str = Field(description="The project's id.")
    only: OnlyChoice = Field(  # pyright: ignore[reportInvalidTypeForm]
        default=OnlyChoice["missing"],  # pyright: ignore[reportIndexIssue]
        description="Which results of the phases to make again.",
    )
    phases: list[PhaseChoice] = Field(  # pyright: ignore[reportInvalidTypeForm]
        default=[], description="The phases; none: all. Their downstream phases follow."
    )
    force: bool = Field(default=False, description="Make existing results again, and pay again.")
    preview: bool = Field(default=True, description="Show what would run, and launch nothing.")

    @property
    def wish(self) -> Wish:
        """The selection of the backfill."""
        phases = frozenset(Phase(one.value) for one in self.phases) or frozenset(Phase)
        return Wish(self.project, phases, Only(self.only.value), self.force)


@dg.op(
    required_resource_keys={"pipeline"},
    out=dg.Out(dg.Nothing),
    description="Selects the phases, shows what would run, and launches the backfill. Results that "
    "Dagster does not show are shown again without a run.",
)
def launch_backfill(context: dg.OpExecutionContext, config: BackfillConfig) -> Iterator[object]:
    """Show what would run, and launch the backfill unless this is a preview."""
    context.instance.add_run_tags(context.run_id, {PROJECT_TAG: config.project})
    services: Services = context.resources.pipeline.services
    found, selected = plan(services, config.wish, partial(shown, context.instance))
    metadata = {"preview": _table(found), **_sums(found)}
    context.log.info(
        f"{config.project}: {found.videos} videos, {float(found.seconds) / 60:.1f} min"
    )
    if not config.preview and selected:
        if config.wish.only is Only.UNMATERIALIZED:
            metadata |= log_unmaterialized(context, services, selected)
        else:
            metadata |= _launch(context, config.wish, selected)
    yield dg.Output(None, metadata=metadata)


@dg.job(
    executor_def=EXECUTOR,
    # A retry after its process died could launch a second time, and force pays each time.
    tags={"dagster/max_retries": "0"},
    description="Re-runs a project: all, or what is missing, failed or stale. Previews first.",
)
def backfill_project() -> None:
    """Launch a backfill, which has a page of its own, in one step."""
    launch_backfill()


def _launch(
    context: dg.OpExecutionContext, wish: Wish, selected: list[Picked]
) -> dict[str, dg.MetadataValue]:
    settings: Settings = context.resources.pipeline.settings
    launched = launch(ask_of(context, settings), wish, selected)
    context.log.info(f"launched {', '.join(launched.backfills) or 'nothing'}")
    pages = [f"- {page_of(settings, one)}" for one in launched.backfills]
    metadata: dict[str, dg.MetadataValue] = {"backfills": dg.MetadataValue.md("\n".join(pages))}
    if launched.left_out:
        named = ", ".join(launched.left_out[:20])
        context.log.warning(f"left out {len(launched.left_out)} that are no partitions: {named}")
        metadata["left out"] = dg.MetadataValue.int(len(launched.left_out))
    return metadata


def _table(found: Preview) -> dg.TableMetadataValue:
    records = [
        dg.TableRecord(
            {
                "phase": phase.value,
                "videos": one.videos,
                "asked": ", ".join(f"{name}: {count}" for name, count in one.asked.items()),
                "cannot be asked": "; ".join(f"{why}: {n}" for why, n in one.refused.items()),
            }
        )
        for phase, one in found.phases.items()
    ]
    columns = [
        dg.TableColumn("phase"),
        dg.TableColumn("videos", "int", description="Whose phase would run."),
        dg.TableColumn("asked", description="Provider: videos. Other results are kept."),
        dg.TableColumn("cannot be asked", description="Provider: why: videos."),
    ]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))


def _sums(found: Preview) -> dict[str, dg.MetadataValue]:
    paid = [
        f"- {provider}: {float(quantity):g} {meter}"
        for provider, meters in found.paid.items()
        for meter, quantity in meters.items()
    ]
    return {
        "videos": dg.MetadataValue.int(found.videos),
        "not inspected": dg.MetadataValue.int(found.uninspected),
        "minutes": dg.MetadataValue.float(round(float(found.seconds) / 60, 2)),
        "paid for": dg.MetadataValue.md("\n".join(paid) or "nothing"),
    }
