"""How a command reaches its settings and Dagster, and the options that several commands share."""

from pathlib import Path
from typing import Annotated, Any

import typer

from video_pipeline.cli.console import err
from video_pipeline.cli.server.dagster_home import running_url
from video_pipeline.dagster_api.client import Ask, over_http, without_webserver
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.settings import Running, Settings, load_running, load_settings
from video_pipeline.settings.load import WEBSERVER

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def project_of(name: str) -> str:
    """Return the id of a project, and tell it if another name was given."""
    project = project_id_for(name)
    if project != name:
        err.print(f"The project {name!r} has the id {project}.", markup=False, soft_wrap=True)
    return project


# How a project is named: by its id, or by the exact name of its folder.
PROJECT: dict[str, Any] = {"parser": project_of, "metavar": "PROJECT"}
OfProject = Annotated[
    str | None,
    typer.Option("--project", help="Only this project, by id or folder name.", **PROJECT),
]
Port = Annotated[int | None, typer.Option(help="Port of the web interface. Default: a free one.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask for confirmation.")]


def settings_of(context: typer.Context) -> Settings:
    """Return the settings that --config names, else the default ones. Raises ConfigurationError."""
    given: Path | None = context.find_root().obj
    return load_settings(given)


def running_of(context: typer.Context) -> Running:
    """Return the settings that Dagster uses: of that file, or of its last valid version."""
    return load_running(context.find_root().obj)


def address(settings: Settings) -> str | None:
    """Return the webserver's address: the configured one, else that of a running `up` or `demo`."""
    return settings.webserver or running_url(settings)


def dagster_of(settings: Settings) -> Ask:
    """Return a client of Dagster: of its webserver, else of its records in the state folder.

    Raises ConfigurationError if there is neither.
    """
    url = address(settings)
    if url:
        return over_http(url)
    home = settings.dagster_home
    if not (home / "dagster.yaml").is_file():
        raise ConfigurationError(
            "Dagster is not running, and has no records in the state folder",
            where=str(home),
            remedy=f"Start it with `video-pipeline up`, or set {WEBSERVER} to its address.",
        )
    return without_webserver(
        settings.project_file("workspace.yaml"),
        {"DAGSTER_HOME": str(home), "VIDEO_PIPELINE_CONFIG": str(settings.file)},
    )
