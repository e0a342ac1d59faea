"""`rejected`: what lies in the ingest store and no video can be made of, and why."""

import json
from collections.abc import Iterator
from typing import Annotated

import typer

from video_pipeline.cli.console import out, whole
from video_pipeline.cli.settings import settings_of
from video_pipeline.cli.videos.status import rejections_table
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.domain.source import Rejection
from video_pipeline.pipeline.services import Services
from video_pipeline.wiring import open_services


def rejected(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help="Of this project only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show what no video could be made of, with the reasons and since when."""
    with open_services(settings_of(context), plugins={}) as services:
        projects = [project_id_for(project)] if project else services.catalog.projects()
        found = [one for name in projects for one in _all(services, name)]
    if as_json:
        typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=2))
    elif found:
        whole.print(rejections_table(found))
    else:
        out.print("Nothing is rejected.")


def _all(services: Services, project: str) -> Iterator[Rejection]:
    after = ""
    while page := services.of(project).videos.rejections(after=after):
        yield from page
        after = page[-1].object_key
