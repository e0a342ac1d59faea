"""Reads pipeline.yaml and the environment into `Settings`, or reports every problem."""

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

import video_pipeline
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.settings.document import Document, read_document
from video_pipeline.settings.entries import read_entries, with_models
from video_pipeline.settings.form import PipelineForm
from video_pipeline.settings.model import Settings
from video_pipeline.settings.problems import from_pydantic, raise_for
from video_pipeline.settings.selections import (
    check_choices,
    check_projects,
    read_choices,
    read_limits,
    read_truth,
)
from video_pipeline.settings.stores import MONGODB, read_address, read_storage, read_webserver

CONFIG = "VIDEO_PIPELINE_CONFIG"
HOME = "VIDEO_PIPELINE_HOME"
MODELS = "VIDEO_PIPELINE_MODELS"
WEBSERVER = "VIDEO_PIPELINE_WEBSERVER"
# The state folder, beside pipeline.yaml.
DEFAULT_HOME = ".video-pipeline"


def load_settings(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Settings:
    """Read the given pipeline.yaml, else VIDEO_PIPELINE_CONFIG's, else that of this folder.

    Raises one ConfigurationError that names every problem.
    """
    environ = os.environ if environ is None else environ
    return settings_of(read_document(file_of(path, environ)), environ)


def settings_of(document: Document, environ: Mapping[str, str]) -> Settings:
    """Return the settings in a document. Raises one ConfigurationError that names every problem."""
    form = _read_form(document)
    entries, problems = read_entries(form.providers, environ)
    raise_for(document, [*check_projects(form), *(problems or check_choices(form, entries))])
    home = _path(document, environ.get(HOME) or form.home or DEFAULT_HOME)
    named = environ.get(MODELS) or form.models
    models = _path(document, named) if named else None
    if models:
        entries = {name: with_models(entry, models) for name, entry in entries.items()}
    return Settings(
        file=document.file,
        home=home,
        storage=read_storage(document, form.storage, home, environ),
        catalog=read_address(document, form.catalog, environ),
        providers=entries,
        choices=read_choices(form),
        arrivals=form.arrivals,
        projects={project_id_for(name): name for name in form.projects},
        removals={
            project_id_for(name): one.removal for name, one in form.projects.items() if one.removal
        },
        work=form.work,
        limits=read_limits(form),
        truth=read_truth(form),
        media=form.media,
        models=models,
        webserver=read_webserver(document, form.webserver, environ.get(WEBSERVER), environ),
    )


def inherited(
    settings: Settings, mongodb: str, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the environment for child processes: this one's, with these settings."""
    environ = os.environ if environ is None else environ
    return {
        **environ,
        CONFIG: str(settings.file),
        HOME: str(settings.home),
        MONGODB: mongodb,
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }


def file_of(path: Path | None, environ: Mapping[str, str]) -> Path:
    """Return the given pipeline.yaml, else VIDEO_PIPELINE_CONFIG's, else that of this folder.

    Raises ConfigurationError if there is none.
    """
    if path:
        return path.absolute()
    if environ.get(CONFIG):
        return Path(environ[CONFIG]).expanduser().absolute()
    beside_package = Path(video_pipeline.__file__).parent.parent
    for folder in (Path.cwd(), beside_package):
        if (folder / "pipeline.yaml").is_file():
            return folder / "pipeline.yaml"
    raise ConfigurationError(
        "there is no pipeline.yaml in this folder",
        where=str(Path.cwd()),
        remedy=f"Go to a folder that has one, or name it with --config or {CONFIG}.",
    )


def _read_form(document: Document) -> PipelineForm:
    try:
        return PipelineForm.model_validate(document.value)
    except ValidationError as error:
        raise_for(document, from_pydantic(error, PipelineForm))
        raise


def _path(document: Document, text: str) -> Path:
    return (document.file.parent / Path(text).expanduser()).absolute()
