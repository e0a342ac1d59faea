"""`up`: everything started and kept open."""

from typing import Annotated

import typer

from video_pipeline.cli.console import out
from video_pipeline.cli.server.deployment import deployed, keep_open
from video_pipeline.cli.settings import settings_of


def up(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="The web interface's port; without it, a free one.")
    ] = None,
) -> None:
    """Start the catalogue, Dagster's web interface and its daemon, until Ctrl-C."""
    settings = settings_of(context)
    with deployed(settings, port) as deployment:
        ingest = settings.storage.ingest
        out.print(f"Dagster's web interface: {deployment.url}", soft_wrap=True)
        out.print(f"Put videos into: {ingest.bucket or ingest.folder}", soft_wrap=True)
        out.print(f"as {settings.storage.layout.told}. Ctrl-C ends everything.", markup=False)
        keep_open(deployment)
