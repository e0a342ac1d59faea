"""Dagster's GraphQL from within a step: the configured webserver, else a process of its own."""

import dagster as dg

from video_pipeline.dagster_api.client import Ask, over_http, without_webserver
from video_pipeline.settings import Settings


def ask_of(context: dg.OpExecutionContext, settings: Settings) -> Ask:
    """Return the client of the Dagster that runs this step."""
    if settings.webserver:
        return over_http(settings.webserver)
    home = {"DAGSTER_HOME": context.instance.root_directory}
    return without_webserver(settings.project_file("workspace.yaml"), home)


def page_of(settings: Settings, backfill: str) -> str:
    """Return a backfill as Markdown, linked where the webserver is configured."""
    if not settings.webserver:
        return backfill
    return f"[{backfill}]({settings.webserver}/runs/b/{backfill})"
