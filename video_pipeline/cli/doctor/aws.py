"""`aws check`: whether everything that the AWS providers need is set up."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from video_pipeline.cli.access import AsJson, settings_of
from video_pipeline.cli.console import out, wide
from video_pipeline.cli.doctor.finding import Finding, findings_table
from video_pipeline.domain.errors import InputError
from video_pipeline.plugins import registry
from video_pipeline.providers.aws.check import Checked, Entry, check
from video_pipeline.providers.aws.session import AwsOptions
from video_pipeline.settings import Settings
from video_pipeline.settings.problems import nearest

app = typer.Typer(help="Check the set-up of the AWS providers.", no_args_is_help=True)


@app.callback()
def aws() -> None:
    """Check the set-up of the AWS providers."""


@app.command("check")
def check_entries(
    context: typer.Context,
    provider: Annotated[
        str | None, typer.Option(help="Only this provider of pipeline.yaml.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check what the AWS providers of pipeline.yaml need. Costs nothing, leaves nothing behind."""
    settings = settings_of(context)
    found = [
        (name, one) for name in _of_aws(settings, provider) for one in _checked(settings, name)
    ]
    if as_json:
        typer.echo(json.dumps([{"provider": name} | asdict(one) for name, one in found], indent=2))
    elif found:
        findings = (
            Finding(f"{name}: {one.subject}", one.level, one.detail, one.remedy)
            for name, one in found
        )
        wide.print(findings_table(findings))
    else:
        out.print("Nothing to check: pipeline.yaml has no such AWS provider.")
    if any(one.level == "missing" for _, one in found):
        raise typer.Exit(1)


def _of_aws(settings: Settings, named: str | None) -> list[str]:
    """Return the providers whose plugin uses AWS. Raises InputError for an unknown name."""
    if named is not None and named not in settings.providers:
        raise InputError(
            f"pipeline.yaml has no provider {named!r}", remedy=nearest(named, settings.providers)
        )
    names = [*settings.providers] if named is None else [named]
    plugins = {name: registry.load(settings.providers[name].plugin) for name in names}
    return [name for name, plugin in plugins.items() if issubclass(plugin.Options, AwsOptions)]


def _checked(settings: Settings, name: str) -> Iterator[Checked]:
    entry = settings.providers[name]
    if not entry.available:
        lacking = ", ".join((*entry.missing, *entry.absent))
        remedy = "Set or install it: `video-pipeline doctor` shows how."
        yield Checked("variables", "missing", f"not available: {lacking}", remedy)
        return
    options = registry.create(entry.plugin, entry.values).options
    assert isinstance(options, AwsOptions), "_of_aws chose it by this class"
    yield from check(Entry(name, options, settings.storage.ingest.bucket))
