"""The settings of a command, from the --config that was given before it."""

from pathlib import Path

import typer

from video_pipeline.settings import Settings, load_settings


def settings_of(context: typer.Context) -> Settings:
    """The settings. Raises ConfigurationError."""
    given: Path | None = context.find_root().obj
    return load_settings(given)
