"""The job that re-runs a project from the UI: all of it, or what is missing, failed or stale."""

from enum import Enum
from functools import partial
from typing import Any

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api.backfills import launch
from video_pipeline.defs.projects.project_job import project_job, project_of, show
from video_pipeline.defs.projects.unmaterialized import log_unmaterialized, shown
from video_pipeline.defs.resources.graphql import ask_of, links_to
from video_pipeline.domain.naming.printable import count_of
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.time import clock
from video_pipeline.pipeline.backfill.preview import Preview, plan
from video_pipeline.pipeline.backfill.selection import Only, Picked, Wish
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

# Dagster shows and sends the names of an enum's members: here they equal the values.
OnlyChoice = Enum("OnlyChoice", {one.value: one.value for one in Only})
PhaseChoice = Enum("PhaseChoice", {one.value: one.value for one in Phase})


class BackfillConfig(dg.Config):
    """The phases to run again."""

    only: OnlyChoice = Field(  # pyright: ignore[reportInvalidTypeForm]
        default=OnlyChoice["missing"],  # pyright: ignore[reportIndexIssue]
        description="Which results of the phases to make again.",
    )
    phases: list[PhaseChoice] = Field(  # pyright: ignore[reportInvalidTypeForm]
        default=[], description="The phases; none: all. Their downstream phases follow."
    )
    force: bool = Field(default=False, description="Make existing results again, and pay again.")
    preview: bool = Field(default=True, description="Show what would run, and launch nothing.")

    def wish(self, project: str) -> Wish:
        """Return the selection in a project."""
        phases = frozenset(Phase(one.value) for one in self.phases) or frozenset(Phase)
        return Wish(project, phases, Only(self.only.value), self.force)


@dg.op(
    required_resource_keys={"pipeline"},
    out=dg.Out(dg.Nothing),
    description="Selects the phases, shows what would run on the page of the project, and launches "
    "the backfill. Results that Dagster does not show are shown again without a run.",
)
def launch_backfill(context: dg.OpExecutionContext, config: BackfillConfig) -> None:
    """Show what would run, and launch the backfill unless this is a preview."""
    wish = config.wish(project_of(context))
    services: Services = context.resources.pipeline.services
    found, selected = plan(services, wish, partial(shown, context.instance))
    if config.preview or not selected:
        result = {"result": "nothing is selected" if not selected else "preview: nothing launched"}
    elif wish.only is Only.UNMATERIALIZED:
        result = log_unmaterialized(context, services, selected)
    else:
        result = _launch(context, wish, selected)
    context.log.info(f"{wish.project}, {wish.only}: {found.videos} videos, {result['result']}")
    show(context, {**result, "selected": str(wish.only), **_sums(found), "phases": _table(found)})


@project_job("Re-runs a project: all, or what is missing, failed or stale. Previews first.")
def backfill_project() -> None:
    """Launch a backfill, which has a page of its own, in one step."""
    launch_backfill()


def _launch(context: dg.OpExecutionContext, wish: Wish, selected: list[Picked]) -> dict[str, Any]:
    settings: Settings = context.resources.pipeline.settings
    launched = launch(ask_of(context, settings), wish, selected)
    result: dict[str, Any] = {"result": f"{count_of(len(launched.backfills), 'backfill')} launched"}
    result |= links_to(settings, launched.backfills)
    if launched.left_out:
        named = ", ".join(launched.left_out[:20])
        context.log.warning(f"left out {len(launched.left_out)} that are no partitions: {named}")
        result["left out"] = f"{count_of(len(launched.left_out), 'video')} without a partition"
    return result


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


def _sums(found: Preview) -> dict[str, Any]:
    paid = [
        f"{float(quantity):g} {meter} of {provider}"
        for provider, meters in found.paid.items()
        for meter, quantity in meters.items()
    ]
    return {
        "videos": found.videos,
        "not inspected": found.uninspected,
        "length": clock(found.seconds),
        "paid for": ", ".join(paid) or "nothing",
    }
