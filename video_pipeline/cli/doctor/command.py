"""`doctor`: what is missing, and the remedy."""

from collections.abc import Iterator
from typing import Annotated

import typer

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import whole
from video_pipeline.cli.doctor import checks
from video_pipeline.cli.doctor.finding import Finding, findings_table
from video_pipeline.domain.errors import ConfigurationError


def doctor(
    context: typer.Context,
    port: Annotated[
        int | None, typer.Option(help="Also look whether this port can be used.")
    ] = None,
) -> None:
    """Say what is missing, with the remedy. Exit code 1 if the pipeline cannot work."""
    findings = list(_findings(context, port))
    whole.print(findings_table(findings))
    if any(finding.level == "missing" for finding in findings):
        raise typer.Exit(1)


def _findings(context: typer.Context, port: int | None) -> Iterator[Finding]:
    yield checks.python()
    yield from checks.extras()
    if port is not None:
        yield checks.port(port)
    try:
        settings = settings_of(context)
    except ConfigurationError as error:
        yield Finding("configuration", "missing", f"{error.where}: {error.what}", error.remedy)
        return
    yield Finding("configuration", "ok", str(settings.file))
    for subject, check in checks.OF_SETTINGS.items():
        yield from checks.checked(check, subject, settings)
