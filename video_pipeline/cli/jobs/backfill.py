"""`backfill` and `cancel`: re-run a project, and stop that again."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.cli.access import PROJECT, AsJson, Yes, address, dagster_of, settings_of
from video_pipeline.cli.console import err, out, wide
from video_pipeline.dagster_api import backfills, held_runs
from video_pipeline.dagster_api.backfills import Launched
from video_pipeline.dagster_api.held_runs import Held
from video_pipeline.dagster_api.materializations import JOB, launch_logging, shown
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.preview import Preview, plan
from video_pipeline.pipeline.backfill.selection import Only, Wish
from video_pipeline.pipeline.jobs.cancel import Cancelled
from video_pipeline.pipeline.jobs.cancel import cancel as cancel_units
from video_pipeline.settings import Settings
from video_pipeline.wiring import open_services


def backfill(
    context: typer.Context,
    project: Annotated[str, typer.Option(help="The project's id or folder name.", **PROJECT)],
    only: Annotated[Only, typer.Option(help="Which phases are run again.")] = Only.MISSING,
    phase: Annotated[
        list[Phase] | None, typer.Option(help="Only this phase; may be repeated. Default: all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Repeat results, and pay again.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show the plan, launch nothing.")
    ] = False,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Re-run what is missing, failed or stale in a project, and the phases that depend on it.

    `unmaterialized` runs nothing: Dagster shows the catalogue's results again.
    """
    settings = settings_of(context)
    wish = Wish(project, frozenset(phase or Phase), only, force)
    with open_services(settings) as services:
        found, selected = plan(services, wish, lambda: shown(dagster_of(settings)))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(wish, found)
    if preview or not selected:
        return
    if not yes:
        typer.confirm("Launch this backfill?", abort=True, err=as_json)
    if only is Only.UNMATERIALIZED:
        run, url = launch_logging(dagster_of(settings), wish), address(settings)
        page = f": {url}/runs/{run}" if url else ""
        told = f"launched the run {run} of {JOB}{page}. Its log shows the progress."
        (err if as_json else out).print(told, markup=False, soft_wrap=True)
        return
    launched = backfills.launch(dagster_of(settings), wish, selected)
    print_launched(settings, launched, err if as_json else out)


def cancel(
    context: typer.Context,
    backfill: Annotated[str, typer.Argument(help="The backfill's id.")],
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for Dagster's daemon to end the runs.")
    ] = 60,
) -> None:
    """Cancel a backfill and its parked jobs. Jobs are stopped if their provider can do that."""
    settings = settings_of(context)
    ask = dagster_of(settings)
    before = held_runs.of_backfill(ask, backfill)
    backfills.cancel(ask, backfill)
    _await_end(ask, backfill, wait)
    ended = held_runs.to_be_ended(ask, backfill)
    awaited = {run.run_id: run for run in [*before, *held_runs.of_backfill(ask, backfill)]}
    with open_services(settings) as services:
        for run in ended:
            if run.key is not None:
                cancel_units(services, run.key, run.units, f"backfill {backfill} was cancelled")
        # The sensor may have cancelled them already, so the units are read again.
        found = _current(services.catalog, awaited.values())
        not_asked = {u.request.provider for u in (one.unit for one in found) if not u.state.final}
        not_asked &= {*services.unavailable}
    if found:
        wide.print(_jobs(found))
    if not_asked:
        err.print(
            f"No job was stopped at {', '.join(sorted(not_asked))}: a variable of it is not set "
            "here. The sensor `completions` stops them where it is set.",
            markup=False,
        )
    status = backfills.state(ask, backfill)
    out.print(f"The backfill is {status}. Parked jobs handled: {len(found)}.")
    if status in backfills.UNDER_WAY:
        err.print("Its runs have not ended yet. Check Dagster's daemon, then repeat this command.")
        raise typer.Exit(1)


def _show(wish: Wish, found: Preview) -> None:
    if not found.videos:
        out.print(f"{wish.project}: nothing to do.", markup=False)
        return
    minutes = float(found.seconds) / 60
    videos = f"{found.videos} video{'s' * (found.videos != 1)}"
    out.print(f"{wish.project}: {videos}, {minutes:.1f} minutes", markup=False)
    if found.uninspected:
        out.print(f"Not inspected yet, and not in these sums: {found.uninspected}")
    table = Table("phase", "videos", "providers (videos)", box=None, pad_edge=False)
    for phase, one in found.phases.items():
        asked = ", ".join(f"{name} ({count})" for name, count in one.asked.items())
        table.add_row(phase, str(one.videos), escape(asked))
    wide.print(table)
    for phase, one in found.phases.items():
        for why, count in one.refused.items():
            out.print(f"{phase}: not possible for {count} videos with {why}", markup=False)
    paid = [
        f"{provider}: {float(quantity):g} {meter.replace('_', ' ')}"
        for provider, meters in found.paid.items()
        for meter, quantity in meters.items()
    ]
    out.print(f"to be billed, at most: {'; '.join(paid) or 'nothing'}", markup=False)


def print_launched(settings: Settings, launched: Launched, console: Console = out) -> None:
    """Print the launched backfills with their pages, and what was left out."""
    url = address(settings)
    for one in launched.backfills:
        page = f": {url}/runs/b/{one}" if url else ""
        console.print(f"launched {one}{page}", markup=False, soft_wrap=True)
    if launched.left_out:
        err.print(
            f"Left out, as Dagster has no partition for them yet: {len(launched.left_out)} videos, "
            f"such as {launched.left_out[0]}. Try again in a minute.",
            markup=False,
        )


def _await_end(ask: backfills.Ask, backfill: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while backfills.state(ask, backfill) in backfills.UNDER_WAY and time.monotonic() < until:
        time.sleep(1)


def _current(catalog: Catalog, runs: Iterable[Held]) -> list[Cancelled]:
    """Return the units that held runs waited for. Units that do not exist are left out."""
    named = {(run.key, unit) for run in runs if run.key is not None for unit in run.units}
    return [
        Cancelled(unit=unit)
        for key, name in sorted(named, key=str)
        if (unit := catalog.project(key.project).units.get(name)) is not None
    ]


def _jobs(found: list[Cancelled]) -> Table:
    table = Table("video", "provider", "job", "outcome", box=None, pad_edge=False)
    for one in found:
        request = one.unit.request
        table.add_row(
            str(request.key), request.provider, escape(one.unit.job or ""), escape(one.outcome)
        )
    return table
