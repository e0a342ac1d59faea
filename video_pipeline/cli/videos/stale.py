"""`stale`: the results that would be made otherwise today."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import out, whole
from video_pipeline.pipeline.backfill.staleness import Stale
from video_pipeline.pipeline.backfill.staleness import stale as stale_of
from video_pipeline.pipeline.services import Services, projects_of
from video_pipeline.wiring import open_services


def stale(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help="Of this project only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show which results another choice, source or input has made stale, and what changed."""
    with open_services(settings_of(context)) as services:
        found = list(_found(services, project))
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    elif found:
        whole.print(_table(found))
        out.print(f"\n{len(found)} stale; `video-pipeline backfill --only stale` makes them again.")
    else:
        out.print("Nothing is stale.")


def _found(services: Services, project: str | None) -> Iterator[Stale]:
    for name in projects_of(services, project):
        yield from stale_of(services, name)


def _table(found: list[Stale]) -> Table:
    table = Table("video", "phase", "made by", "today by", "why", box=None, pad_edge=False)
    for one in found:
        video = f"{one.project}/{one.video}"
        cells = (video, one.phase.value, one.made_by, one.would_be_made_by, one.reason)
        table.add_row(*map(escape, cells))
    return table
