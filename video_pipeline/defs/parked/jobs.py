"""The jobs by which a person sees to work units from the UI: to cancel them, and to fetch again.

Each is bounded to one project, and to one video or unit of it where that is named.
"""

from collections.abc import Iterable, Iterator

import dagster as dg
from pydantic import Field

from video_pipeline.dagster_api import unit_actions
from video_pipeline.defs.jobs import EXECUTOR
from video_pipeline.defs.partitions import PROJECT_TAG
from video_pipeline.defs.resources.graphql import ask_of, page_of
from video_pipeline.domain.errors import PipelineError
from video_pipeline.domain.work import UnitFilter, UnitState, WorkUnit
from video_pipeline.pipeline.backfill import refetch_unit as fetching
from video_pipeline.pipeline.backfill.retry_unit import Again
from video_pipeline.pipeline.jobs.cancel import with_dependents
from video_pipeline.pipeline.jobs.queries import every_unit, find_unit, quantity_of
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings

_CANCELLABLE = frozenset({UnitState.INTENT, UnitState.SUBMITTING, UnitState.RUNNING})
_ROWS = 1000
"""As many rows a table has at most."""
# Made again after its process died it would do the same once more, or launch a second time.
_TAGS = {"dagster/max_retries": "0"}


class WorkConfig(dg.Config):
    """Whose work is meant."""

    project: str = Field(description="The project's id.")
    video: str = Field(default="", description="The id of one video of it; without it, of all.")
    unit: str = Field(default="", description="The id of one work unit; without it, all.")


class CancelConfig(WorkConfig):
    """What is to be cancelled."""

    preview: bool = Field(default=True, description="Show what it comes to, and cancel nothing.")


@dg.op(
    required_resource_keys={"pipeline"},
    out=dg.Out(dg.Nothing),
    description="Ends work units and the runs held for them; shows what became of each.",
)
def cancel_units(context: dg.OpExecutionContext, config: CancelConfig) -> Iterator[object]:
    """Preview first; where that is all, stop."""
    context.instance.add_run_tags(context.run_id, {PROJECT_TAG: config.project})
    services: Services = context.resources.pipeline.services
    chosen = [unit for unit in _chosen(services, config) if unit.state in _CANCELLABLE]
    units = with_dependents(services, chosen)
    told = {unit.id: str(unit.state) for unit in units}
    if not config.preview:
        ask = ask_of(context, context.resources.pipeline.settings)
        because = f"cancelled by hand, run {context.run_id}"
        became = unit_actions.cancel_work(services, ask, units, because)
        told |= {one.unit.id: one.told for one in became}
    planned = quantity_of(tuple(usage for unit in units for usage in unit.planned))
    context.log.info(f"{config.project}: {len(units)} work units, {planned or 'nothing'} planned")
    metadata = {"work units": _table(units, told), "planned": planned or "nothing"}
    yield dg.Output(None, metadata={**metadata, "count": len(units)})


@dg.op(
    required_resource_keys={"pipeline"},
    out=dg.Out(dg.Nothing),
    description="Looks jobs up at once, and fetches anew what could not be read. Pays nothing.",
)
def fetch_units(context: dg.OpExecutionContext, config: WorkConfig) -> Iterator[object]:
    """What one unit fails with is told beside it, and holds up none."""
    context.instance.add_run_tags(context.run_id, {PROJECT_TAG: config.project})
    services: Services = context.resources.pipeline.services
    settings: Settings = context.resources.pipeline.settings
    units, told, again = list[WorkUnit](), dict[str, str](), list[Again]()
    for unit in _to_fetch(services, config):
        units.append(unit)
        told[unit.id], wanted = _fetched(services, unit)
        again += [wanted] if wanted else []
    launched = unit_actions.launch_again(ask_of(context, settings), again) if again else None
    pages = [f"- {page_of(settings, one)}" for one in (launched.backfills if launched else ())]
    context.log.info(f"{config.project}: {len(units)} work units, {len(again)} to be read again")
    metadata = {"work units": _table(units, told), "count": len(units)}
    yield dg.Output(None, metadata={**metadata, "backfills": dg.MetadataValue.md("\n".join(pages))})


@dg.job(
    executor_def=EXECUTOR,
    tags=_TAGS,
    description="Cancels the work units of a project, of one video, or one. Previews first.",
)
def cancel_work() -> None:
    """One step."""
    cancel_units()


@dg.job(
    executor_def=EXECUTOR,
    tags=_TAGS,
    description="Gets results from providers once more, and pays nothing: of a project, of one "
    "video, or of one work unit.",
)
def fetch_again() -> None:
    """One step."""
    fetch_units()


def _chosen(services: Services, config: WorkConfig) -> Iterable[WorkUnit]:
    if config.unit:
        return [find_unit(services, config.unit, config.project)]
    wanted = UnitFilter(states=_CANCELLABLE, video=config.video or None)
    return every_unit(services, wanted, config.project)


def _to_fetch(services: Services, config: WorkConfig) -> Iterable[WorkUnit]:
    if config.unit:
        return [find_unit(services, config.unit, config.project)]
    return fetching.to_fetch(services, config.project, config.video or None)


def _fetched(services: Services, unit: WorkUnit) -> tuple[str, Again | None]:
    """What came of one unit in words, and what must run to read it."""
    if fetching.look_up_now(services, unit):
        return "its job is looked up at the next tick of completions", None
    try:
        again = fetching.fetch_again(services, unit)
    except PipelineError as error:
        return str(error), None
    if again is None:
        return "fetched; every phase of it has its result already", None
    return "fetched; it is read by the backfill that was launched", again


def _table(units: Iterable[WorkUnit], told: dict[str, str]) -> dg.TableMetadataValue:
    rows = [
        {
            "unit": unit.id,
            "video": unit.request.key.video,
            "phases": ", ".join(unit.request.phases),
            "provider": unit.request.provider,
            "job": unit.job or "",
            "planned": quantity_of(unit.planned),
            "what": told.get(unit.id, ""),
        }
        for unit in list(units)[:_ROWS]
    ]
    columns = ("unit", "video", "phases", "provider", "job", "planned", "what")
    return dg.MetadataValue.table(
        [dg.TableRecord(row) for row in rows],
        schema=dg.TableSchema([dg.TableColumn(name) for name in columns]),
    )
