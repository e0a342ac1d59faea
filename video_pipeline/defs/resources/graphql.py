"""Dagster's GraphQL from within a step: the configured webserver, else a process of its own."""

from collections.abc import Sequence

import dagster as dg

from video_pipeline.dagster_api.client import Ask, over_http, without_webserver
from video_pipeline.settings import Settings


def ask_of(context: dg.OpExecutionContext, settings: Settings) -> Ask:
    """Return the client of the Dagster that runs this step."""
    if settings.webserver:
        return over_http(settings.webserver)
    home = {"DAGSTER_HOME": context.instance.root_directory}
    return without_webserver(settings.project_file("workspace.yaml"), home)


def links_to(settings: Settings, backfills: Sequence[str]) -> dict[str, dg.MetadataValue]:
    """Return the pages of backfills as metadata, or their ids if no webserver is configured."""
    if not settings.webserver:
        return {f"backfill {one}": dg.MetadataValue.text(one) for one in backfills}
    address = f"{settings.webserver}/runs/b"
    return {f"backfill {one}": dg.MetadataValue.url(f"{address}/{one}") for one in backfills}
