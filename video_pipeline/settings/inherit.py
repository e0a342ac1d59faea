"""The environment that processes of ours are started with."""

import os
from collections.abc import Mapping

from video_pipeline.settings.load import CONFIG, HOME
from video_pipeline.settings.model import Settings


def inherited(
    settings: Settings, mongodb: str, environ: Mapping[str, str] | None = None
) -> dict[str, str]:
    """This process's environment, with these settings and this catalogue server for its own."""
    environ = os.environ if environ is None else environ
    return {
        **environ,
        CONFIG: str(settings.file),
        HOME: str(settings.home),
        "MONGODB_URI": mongodb,
        "DAGSTER_HOME": str(settings.dagster_home),
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
