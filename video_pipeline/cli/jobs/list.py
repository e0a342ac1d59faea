"""`jobs`: the list of work units by state, with age and planned quantity."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.cli.access import AsJson, OfProject, settings_of
from video_pipeline.cli.console import out, remark, wide
from video_pipeline.cli.jobs import actions
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.work import UnitFilter, UnitState, UnitSum, WorkUnit
from video_pipeline.pipeline.jobs.queries import UNDER_WAY, Page, list_units, quantity_of, sum_units
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.wiring import open_services

app = typer.Typer(help="List work units, and act on one.", invoke_without_command=True)


@app.callback()
def jobs(
    context: typer.Context,
    state: Annotated[
        list[UnitState] | None,
        typer.Option(help="Only in this state; may be repeated. Default: under way."),
    ] = None,
    project: OfProject = None,
    provider: Annotated[str | None, typer.Option(help="Only this provider.")] = None,
    video: Annotated[str | None, typer.Option(help="Only this video, as PROJECT/VIDEO.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Show at most this many.")] = 100,
    after: Annotated[str | None, typer.Option(help="Show the page after this unit.")] = None,
    as_json: AsJson = False,
) -> None:
    """List work units, oldest first, with sums by provider and state."""
    if context.invoked_subcommand is not None:
        return
    key = VideoKey.parse(video) if video else None
    if key is not None and project not in (None, key.project):
        raise InputError(f"{video} is not in the project {project}", remedy="Leave out --project.")
    of = key.project if key else project
    states = frozenset(state or UNDER_WAY)
    wanted = UnitFilter(states=states, provider=provider, video=key.video if key else None)
    with open_services(settings_of(context), plugins={}) as services:
        sums = sum_units(services.catalog, wanted, of)
        page = list_units(services.catalog, wanted, of, after=after, limit=limit)
    if as_json:
        document = {
            "sums": [one.model_dump(mode="json") for one in sums],
            "units": [unit.model_dump(mode="json") for unit in page.units],
            "after": page.after,
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        _print(sums, page, datetime.now(UTC))


app.command("cancel")(actions.cancel)
app.command("retry")(actions.retry)
app.command("force")(actions.force)
app.command("fetch")(actions.fetch)
app.command("release")(actions.release)
app.command("hint")(actions.hint)


def _print(sums: tuple[UnitSum, ...], page: Page, now: datetime) -> None:
    if not sums:
        remark("No work unit matches.")
        return
    if page.units:
        wide.print(_units(page.units, now))
    if page.after:
        remark(f"For more, add --after {page.after}")
    out.print()
    wide.print(_sums(sums))


def _units(found: Iterable[WorkUnit], now: datetime) -> Table:
    titles = ("unit", "state", "video", "phases", "provider", "account", "job")
    table = Table(*titles, "age", "next check", "planned", "reason", box=None, pad_edge=False)
    for unit in found:
        request = unit.request
        table.add_row(
            *(unit.id, unit.state, str(request.key), ", ".join(request.phases)),
            *(request.provider, f"{request.account}/{request.region}", escape(unit.job or "")),
            _age(now - (unit.submitted_at or unit.created_at)),
            _next_check(unit, now),
            quantity_of(unit.planned),
            escape(reason_of(unit)),
        )
    return table


def _next_check(unit: WorkUnit, now: datetime) -> str:
    if unit.due_at is None:
        return ""
    return f"in {_age(unit.due_at - now)}" if unit.due_at > now else "due"


def _age(since: timedelta) -> str:
    seconds = max(0, int(since.total_seconds()))
    days, hours, minutes = seconds // 86400, seconds // 3600 % 24, seconds // 60 % 60
    if days:
        return f"{days} d {hours} h"
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds % 60} s"


def _sums(sums: Iterable[UnitSum]) -> Table:
    table = Table("provider", "state", "units", "planned", box=None, pad_edge=False)
    for one in sums:
        table.add_row(one.provider, one.state, str(one.units), quantity_of(one.planned))
    return table
