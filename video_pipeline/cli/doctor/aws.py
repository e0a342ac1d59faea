"""`aws check`: what the provider entries of AWS need, and what of it is missing."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import out, whole
from video_pipeline.cli.doctor.finding import Finding, findings_table
from video_pipeline.domain.errors import InputError
from video_pipeline.plugins import registry
from video_pipeline.providers.aws.check import Checked, Entry, check
from video_pipeline.providers.aws.session import AwsOptions
from video_pipeline.settings import Settings

app = typer.Typer(help="What AWS's services need.", no_args_is_help=True)


@app.callback()
def aws() -> None:
    """What AWS's services need."""


@app.command("check")
def check_entries(
    context: typer.Context,
    provider: Annotated[
        str | None, typer.Option(help="This entry of pipeline.yaml. Without it, all of AWS.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Look whether what the entries of AWS need is set up. Pays nothing, and leaves nothing."""
    settings = settings_of(context)
    found = [
        (name, one) for name in _of_aws(settings, provider) for one in _checked(settings, name)
    ]
    if as_json:
        typer.echo(json.dumps([{"provider": name} | asdict(one) for name, one in found], indent=2))
    elif found:
        whole.print(findings_table([_finding(name, one) for name, one in found]))
    else:
        out.print("pipeline.yaml names no provider of AWS.")
    if any(one.level == "missing" for _, one in found):
        raise typer.Exit(1)


def _of_aws(settings: Settings, named: str | None) -> list[str]:
    """The entries whose plugin is one of AWS. Raises InputError for a name that none has."""
    if named is not None and named not in settings.providers:
        raise InputError(
            f"pipeline.yaml has no provider {named!r}", remedy="Name one of its `providers`."
        )
    names = [*settings.providers] if named is None else [named]
    plugins = {name: registry.load(settings.providers[name].plugin) for name in names}
    return [name for name, plugin in plugins.items() if issubclass(plugin.Options, AwsOptions)]


def _checked(settings: Settings, name: str) -> Iterator[Checked]:
    entry = settings.providers[name]
    if not entry.available:
        remedy = "`video-pipeline doctor` says which."
        yield Checked("variables", "missing", "a variable of it is not set", remedy)
        return
    options = registry.create(entry.plugin, entry.values).options
    assert isinstance(options, AwsOptions), "its class says so"
    yield from check(Entry(name, options, settings.storage.ingest.bucket))


def _finding(entry: str, one: Checked) -> Finding:
    return Finding(f"{entry}: {one.subject}", one.level, one.detail, one.remedy)
