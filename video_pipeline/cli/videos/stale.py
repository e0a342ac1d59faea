"""`stale`: results that today's providers, options or inputs would change."""

import json

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.cli.access import AsJson, OfProject, settings_of
from video_pipeline.cli.console import remark, wide
from video_pipeline.pipeline.backfill.staleness import Stale
from video_pipeline.pipeline.backfill.staleness import stale as stale_of
from video_pipeline.pipeline.services import projects_of
from video_pipeline.wiring import open_services


def stale(context: typer.Context, project: OfProject = None, as_json: AsJson = False) -> None:
    """Show results made with another provider, option or input than would be used now."""
    with open_services(settings_of(context)) as services:
        names = projects_of(services.catalog, project)
        found = [one for name in names for one in stale_of(services, name)]
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    elif found:
        wide.print(_table(found))
        again = "`video-pipeline backfill --project PROJECT --only stale`"
        remark(f"\nStale results: {len(found)}. Make them again with {again}.")
    else:
        remark("Nothing is stale.")


def _table(found: list[Stale]) -> Table:
    table = Table("video", "phase", "made by", "now by", "why", box=None, pad_edge=False)
    for one in found:
        video = f"{one.project}/{one.video}"
        cells = (video, one.phase.value, one.made_by, one.would_be_made_by, one.reason)
        table.add_row(*map(escape, cells))
    return table
