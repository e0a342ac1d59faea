"""`backfill` and `cancel`: a project is re-run by one action, and that is called off."""

import time
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.cli.console import err, out, whole
from video_pipeline.cli.dagster_access import address, dagster_of
from video_pipeline.cli.settings import settings_of
from video_pipeline.dagster_api import backfills, held_runs
from video_pipeline.dagster_api.backfills import Launched
from video_pipeline.dagster_api.held_runs import Held
from video_pipeline.domain.phases import Phase
from video_pipeline.pipeline.backfill.preview import Preview, plan
from video_pipeline.pipeline.backfill.selection import Only, Wish
from video_pipeline.pipeline.jobs.cancel import Cancelled
from video_pipeline.pipeline.jobs.cancel import cancel as cancel_units
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings
from video_pipeline.wiring import open_services


def backfill(
    context: typer.Context,
    project: Annotated[str, typer.Option(help="The project's id.")],
    only: Annotated[Only, typer.Option(help="Which of the phases are taken up.")] = Only.MISSING,
    phase: Annotated[
        list[Phase] | None, typer.Option(help="This phase; may be repeated. Without it, every one.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Make again, and pay again.")] = False,
    preview: Annotated[
        bool, typer.Option("--preview", help="Show it, and launch nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Without being asked.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="The preview as one JSON document.")
    ] = False,
) -> None:
    """Re-run a project: all of it, or what is missing, failed or stale, and what hangs on that."""
    settings = settings_of(context)
    wish = Wish(project, frozenset(phase or Phase), only, force)
    with open_services(settings) as services:
        found, selected = plan(services, wish)
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
    else:
        _show(wish, found)
    if preview or not selected:
        return
    if not yes:
        typer.confirm("Launch it?", abort=True, err=as_json)
    _tell(settings, backfills.launch(dagster_of(settings), wish, selected), quiet=as_json)


def cancel(
    context: typer.Context,
    backfill: Annotated[str, typer.Argument(help="The backfill's id.")],
    wait: Annotated[
        float, typer.Option(help="Seconds in which Dagster's daemon should have ended its runs.")
    ] = 60,
) -> None:
    """Cancel a backfill, and its parked jobs: where the provider can, else they are marked."""
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
        # The sensor may have been faster: what is told is how they stand now.
        found = _as_they_stand(services, awaited.values())
        unheard = {u.request.provider for u in (one.unit for one in found) if not u.state.ended}
        unheard &= {*services.unavailable}
    if found:
        whole.print(_jobs(found))
    if unheard:
        err.print(
            f"Could not be asked to stop anything, since a variable is not set: "
            f"{', '.join(sorted(unheard))}. Where it is set `completions` asks them.",
            markup=False,
        )
    status = backfills.state(ask, backfill)
    out.print(f"The backfill is {status}; {len(found)} parked jobs were seen to.")
    if status in backfills.UNDER_WAY:
        err.print("Dagster's daemon has not ended its runs yet: see that it is running.")
        raise typer.Exit(1)


def _show(wish: Wish, found: Preview) -> None:
    if not found.videos:
        out.print(f"Nothing of {wish.project} is to be done.", markup=False)
        return
    minutes = float(found.seconds) / 60
    out.print(f"{wish.project}: {found.videos} videos, {minutes:.1f} minutes", markup=False)
    if found.uninspected:
        out.print(f"{found.uninspected} of them were not inspected yet, and are not in the sums.")
    table = Table("phase", "videos", "to be asked", box=None, pad_edge=False)
    for phase, one in found.phases.items():
        asked = ", ".join(f"{name} about {count}" for name, count in one.asked.items())
        table.add_row(phase, str(one.videos), escape(asked))
    whole.print(table)
    for phase, one in found.phases.items():
        for why, count in one.refused.items():
            out.print(f"{phase}: {count} videos cannot be asked of {why}", markup=False)
    paid = [
        f"{provider}: {float(quantity):g} {meter.replace('_', ' ')}"
        for provider, meters in found.paid.items()
        for meter, quantity in meters.items()
    ]
    out.print(f"to be paid for: {'; '.join(paid) or 'nothing'}", markup=False)


def _tell(settings: Settings, launched: Launched, *, quiet: bool) -> None:
    url = address(settings)
    console = err if quiet else out
    for one in launched.backfills:
        page = f": {url}/runs/b/{one}" if url else ""
        console.print(f"launched {one}{page}", markup=False, soft_wrap=True)
    if launched.left_out:
        err.print(
            f"{len(launched.left_out)} videos are no partitions in Dagster and were left out, such "
            f"as {launched.left_out[0]}: their arrival is not through yet.",
            markup=False,
        )


def _await_end(ask: backfills.Ask, backfill: str, seconds: float) -> None:
    until = time.monotonic() + seconds
    while backfills.state(ask, backfill) in backfills.UNDER_WAY and time.monotonic() < until:
        time.sleep(1)


def _as_they_stand(services: Services, runs: Iterable[Held]) -> list[Cancelled]:
    """The units that held runs waited for; what somebody tagged by hand is nobody's."""
    named = {(run.key, unit) for run in runs if run.key is not None for unit in run.units}
    return [
        Cancelled(unit=unit)
        for key, name in sorted(named, key=str)
        if (unit := services.of(key.project).units.get(name)) is not None
    ]


def _jobs(found: list[Cancelled]) -> Table:
    table = Table("video", "provider", "job", "what became of it", box=None, pad_edge=False)
    for one in found:
        request = one.unit.request
        table.add_row(
            str(request.key), request.provider, escape(one.unit.job or ""), escape(one.told)
        )
    return table
