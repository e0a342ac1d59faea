"""The command line, run on a deployment."""

from collections.abc import Mapping
from pathlib import Path

from typer.testing import CliRunner

from video_pipeline.cli.main import app


class Commands:
    """`video-pipeline` with one pipeline.yaml and one environment."""

    def __init__(self, file: Path, environment: Mapping[str, str]) -> None:
        self._file, self._environment = file, environment

    def call(self, *arguments: str) -> str:
        """Return the output of a command. Raises RuntimeError if it fails."""
        named = ["--config", str(self._file), *arguments]
        ended = CliRunner().invoke(app, named, env=dict(self._environment))
        if ended.exit_code:
            raise RuntimeError(f"{' '.join(arguments)}: {ended.output}{ended.exception!r}")
        return ended.stdout
