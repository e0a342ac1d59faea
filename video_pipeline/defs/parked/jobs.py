"""The jobs that cancel work units, or fetch their results again, from the UI.

Each acts on the project of its partition, or on one video or unit of it.
"""

from collections.abc import Iterable

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api import unit_actions
from video_pipeline.defs.projects.project_job import project_job, project_of, show
from video_pipeline.defs.resources.graphql import ask_of, links_to
from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.naming.printable import count_of
from video_pipeline.domain.work import Stage, UnitFilter, WorkUnit, states_in
from video_pipeline.pipeline.backfill import repeat_unit as fetching
from video_pipeline.pipeline.backfill.repeat_unit import Again
from video_pipeline.pipeline.jobs.cancel import with_dependents
from video_pipeline.pipeline.jobs.queries import every_unit, find_unit, quantity_of
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

_CANCELLABLE = states_in(Stage.UNSENT, Stage.SENT, Stage.ACCEPTED)
# The most rows of a table.
_ROWS = 1000


class WorkConfig(dg.Config):
    """The work units to act on."""

    video: str = Field(default="", description="The id of one video; without it, all videos.")
    unit: str = Field(default="", description="The id of one work unit; without it, all.")


class CancelConfig(WorkConfig):
    """The work units to cancel."""

    preview: bool = Field(default=True, description="Show the work units, and cancel nothing.")


@dg.op(
    required_resource_keys={"pipeline"},
    out=dg.Out(dg.Nothing),
    description="Cancels work units and the runs held for them; shows the outcome of each.",
)
def cancel_units(context: dg.OpExecutionContext, config: CancelConfig) -> None:
    """Show the units, and cancel them unless this is a preview."""
    project = project_of(context)
    services: Services = context.resources.pipeline.services
    chosen = [u for u in _chosen(services, project, config) if u.state in _CANCELLABLE]
    units = with_dependents(services.catalog, chosen)
    outcomes = {unit.id: str(unit.state) for unit in units}
    if not config.preview:
        ask = ask_of(context, context.resources.pipeline.settings)
        because = f"cancelled by hand, run {context.run_id}"
        cancelled = unit_actions.cancel_work(services, ask, units, because)
        outcomes |= {one.unit.id: one.outcome for one in cancelled}
    planned = quantity_of(tuple(usage for unit in units for usage in unit.planned)) or "nothing"
    told = "preview, nothing cancelled" if config.preview else "cancelled"
    result = f"{count_of(len(units), 'work unit')}: {told}"
    context.log.info(f"{project}: {result}, {planned} planned")
    show(context, {"result": result, "planned": planned, "work units": _table(units, outcomes)})


@dg.op(
    required_resource_keys={"pipeline"},
    out=dg.Out(dg.Nothing),
    description="Looks jobs up at once, and fetches unreadable results again. Pays nothing.",
)
def fetch_units(context: dg.OpExecutionContext, config: WorkConfig) -> None:
    """Fetch unit by unit. A failure is shown beside its unit, and does not stop the others."""
    project = project_of(context)
    services: Services = context.resources.pipeline.services
    settings: Settings = context.resources.pipeline.settings
    units, outcomes, again = list[WorkUnit](), dict[str, str](), list[Again]()
    for unit in _to_fetch(services, project, config):
        units.append(unit)
        outcomes[unit.id], wanted = _fetch(services, unit)
        again += [wanted] if wanted else []
    launched = unit_actions.launch_again(ask_of(context, settings), again) if again else None
    links = links_to(settings, launched.backfills) if launched else {}
    result = f"{count_of(len(units), 'work unit')}, {len(again)} to read again"
    context.log.info(f"{project}: {result}")
    show(context, {"result": result, **links, "work units": _table(units, outcomes)})


@project_job("Cancels the work units of a project, of one video, or one. Previews first.")
def cancel_work() -> None:
    """Cancel the work units in one step."""
    cancel_units()


@project_job(
    "Fetches results from providers again, of a project, of one video, or of one work unit. Pays "
    "nothing."
)
def fetch_again() -> None:
    """Fetch the results in one step."""
    fetch_units()


def _chosen(services: Services, project: str, config: WorkConfig) -> Iterable[WorkUnit]:
    if config.unit:
        return [find_unit(services.catalog, config.unit, project)]
    wanted = UnitFilter(states=_CANCELLABLE, video=config.video or None)
    return every_unit(services.catalog, wanted, project)


def _to_fetch(services: Services, project: str, config: WorkConfig) -> Iterable[WorkUnit]:
    if config.unit:
        return [find_unit(services.catalog, config.unit, project)]
    return fetching.to_fetch(services, project, config.video or None)


def _fetch(services: Services, unit: WorkUnit) -> tuple[str, Again | None]:
    """Fetch one unit's result. Return the outcome in words, and what must run to read it."""
    if fetching.look_up_now(services, unit):
        return "the sensor completions looks up its job at its next tick", None
    try:
        again = fetching.fetch_again(services, unit)
    except PipelineError as error:
        return str(error), None
    if again is None:
        return "fetched; all of its phases have their results already", None
    return "fetched; the launched backfill reads it", again


def _table(units: Iterable[WorkUnit], outcomes: dict[str, str]) -> dg.TableMetadataValue:
    rows = [
        {
            "unit": unit.id,
            "video": unit.request.key.video,
            "phases": ", ".join(unit.request.phases),
            "provider": unit.request.provider,
            "job": unit.job or "",
            "planned": quantity_of(unit.planned),
            "what": outcomes.get(unit.id, ""),
        }
        for unit in list(units)[:_ROWS]
    ]
    columns = ("unit", "video", "phases", "provider", "job", "planned", "what")
    return dg.MetadataValue.table(
        [dg.TableRecord(row) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )
