"""How a command reaches its settings and Dagster."""

from pathlib import Path

import typer

from video_pipeline.cli.server.dagster_home import running_url
from video_pipeline.dagster_api.client import Ask, over_http, without_webserver
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings import Settings, load_settings
from video_pipeline.settings.load import WEBSERVER


def settings_of(context: typer.Context) -> Settings:
    """The settings. Raises ConfigurationError."""
    given: Path | None = context.find_root().obj
    return load_settings(given)


def address(settings: Settings) -> str | None:
    """Where the webserver is: as configured, else the one that `up` or `demo` runs."""
    return settings.webserver or running_url(settings)


def dagster_of(settings: Settings) -> Ask:
    """What puts questions to Dagster. Raises ConfigurationError where there is none to be asked."""
    url = address(settings)
    if url:
        return over_http(url)
    home = settings.dagster_home
    if not (home / "dagster.yaml").is_file():
        raise ConfigurationError(
            "there is no Dagster to be asked",
            where=str(home),
            remedy=f"Start one by `video-pipeline up`, or name its webserver in {WEBSERVER}.",
        )
    return without_webserver(
        settings.project_file("workspace.yaml"),
        {"DAGSTER_HOME": str(home), "VIDEO_PIPELINE_CONFIG": str(settings.file)},
    )
