"""`doctor`: what is missing, and how to fix it."""

from collections.abc import Iterator
from typing import Annotated

import typer

from video_pipeline.cli.access import running_of
from video_pipeline.cli.console import wide
from video_pipeline.cli.doctor import checks
from video_pipeline.cli.doctor.finding import Finding, findings_table
from video_pipeline.domain.errors import ConfigurationError


def doctor(
    context: typer.Context,
    port: Annotated[int | None, typer.Option(help="Also check that this port is free.")] = None,
) -> None:
    """Show what is missing and how to fix it. Exit code 1 if the pipeline cannot work."""
    findings = list(_findings(context, port))
    wide.print(findings_table(findings))
    if any(finding.level == "missing" for finding in findings):
        raise typer.Exit(1)


def _findings(context: typer.Context, port: int | None) -> Iterator[Finding]:
    yield checks.python()
    yield from checks.extras()
    if port is not None:
        yield checks.port(port)
    try:
        settings, _, problem = running_of(context)
    except ConfigurationError as error:
        yield _wrong(error)
        return
    yield _wrong(problem) if problem else Finding("configuration", "ok", str(settings.file))
    for subject, check in checks.OF_SETTINGS.items():
        yield from checks.checked(check, subject, settings)


def _wrong(error: ConfigurationError) -> Finding:
    return Finding("configuration", "missing", f"{error.where}: {error.what}", error.remedy)
