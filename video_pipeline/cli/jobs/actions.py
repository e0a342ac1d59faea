"""Commands on one work unit: `jobs cancel`, `retry`, `force`, `fetch`, `release` and `hint`."""

from typing import Annotated

import typer

from video_pipeline.cli.access import Yes, dagster_of, settings_of
from video_pipeline.cli.console import out
from video_pipeline.cli.jobs.backfill import print_launched
from video_pipeline.dagster_api.unit_actions import cancel_work, launch_again
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.work import Stage, WorkUnit
from video_pipeline.pipeline.backfill import repeat_unit
from video_pipeline.pipeline.backfill.repeat_unit import Again, fetch_again, look_up_now
from video_pipeline.pipeline.jobs.cancel import with_dependents
from video_pipeline.pipeline.jobs.close import check_in_doubt, release_doubt
from video_pipeline.pipeline.jobs.queries import find_unit, quantity_of
from video_pipeline.pipeline.sweep.events import hint as job_has_ended
from video_pipeline.settings import Settings
from video_pipeline.wiring import open_services

Unit = Annotated[str, typer.Argument(help="The work unit's id.")]


def cancel(context: typer.Context, unit: Unit, yes: Yes = False) -> None:
    """Cancel a work unit and its waiting runs. Its job is stopped if the provider can do that."""
    settings = settings_of(context)
    with open_services(settings) as services:
        found = find_unit(services.catalog, unit)
        _check_cancellable(found)
        lost = with_dependents(services.catalog, [found])
        _confirm(
            f"Cancel {'; '.join(map(_named, lost))}? A job that the provider cannot stop is still "
            "billed.",
            yes,
        )
        changed = cancel_work(services, dagster_of(settings), [found], "cancelled by hand")
        now = find_unit(services.catalog, unit)
    for one in changed:
        which = "" if one.unit.id == found.id else f"{one.unit.id}, {_named(one.unit)}: "
        out.print(f"{which}{one.unit.state}: {one.outcome}", markup=False, soft_wrap=True)
    if not changed:
        out.print(f"The unit is already {now.state}.", markup=False)
    if any(one.is_held for one in changed):
        raise typer.Exit(1)


def retry(context: typer.Context, unit: Unit) -> None:
    """Launch a run that repeats the request of a failed or cancelled unit."""
    settings = settings_of(context)
    with open_services(settings) as services:
        again = repeat_unit.retry(services, find_unit(services.catalog, unit))
    _launch(settings, again)


def force(context: typer.Context, unit: Unit, yes: Yes = False) -> None:
    """Launch a run that repeats the request of any ended unit, and is billed again."""
    settings = settings_of(context)
    with open_services(settings) as services:
        found = find_unit(services.catalog, unit)
        again = repeat_unit.force(services, found)
        paid = quantity_of(repeat_unit.to_pay(services.of(found.request.key.project).units, found))
    _confirm(f"Repeat the request for {_named(found)}? Cost: {paid or 'nothing'}", yes)
    _launch(settings, again)


def fetch(context: typer.Context, unit: Unit) -> None:
    """Fetch a job's result again, or check a running job at the next sweep. Costs nothing."""
    settings = settings_of(context)
    with open_services(settings) as services:
        found = find_unit(services.catalog, unit)
        if look_up_now(services, found):
            out.print("The job is still running. The next sweep checks it.")
            return
        again = fetch_again(services, found)
    out.print("Fetched the provider's pages and stored them again.")
    if again is None:
        out.print("Every phase already has a result, so no run is launched.")
    else:
        _launch(settings, again)


def release(context: typer.Context, unit: Unit, yes: Yes = False) -> None:
    """Give up a unit in doubt. The next run repeats the request, which may be billed twice."""
    with open_services(settings_of(context), plugins={}) as services:
        found = find_unit(services.catalog, unit)
        check_in_doubt(found)
        _confirm(
            f"Release {_named(found)}? It may have been billed, and a new request costs again.", yes
        )
        release_doubt(services, found)
    out.print("Released. The next run of the video repeats the request; ", end="")
    out.print(f"`video-pipeline jobs retry {found.id}` launches one.", soft_wrap=True)


def hint(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="The entry's name in pipeline.yaml.")],
    job: Annotated[str, typer.Argument(help="The provider's name for the job.")],
) -> None:
    """Report that a provider's job has ended, so that the next sweep checks it."""
    with open_services(settings_of(context)) as services:
        if not job_has_ended(services.catalog, provider, job, services.clock()):
            raise InputError(
                f"no work unit has the job {job!r} at {provider!r}",
                remedy="`video-pipeline jobs` lists the running jobs.",
            )
    out.print("The next sweep checks this job.")


def _check_cancellable(unit: WorkUnit) -> None:
    if unit.state.stage is Stage.DOUBTED:
        raise InputError(
            "the unit is in doubt: the job that would be stopped is not known",
            where=unit.id,
            remedy="Check at the provider, then give it up with `video-pipeline jobs release`.",
        )
    if unit.state.final:
        raise InputError(
            f"the unit has ended already: {unit.state}",
            where=unit.id,
            remedy="`video-pipeline jobs` lists the units that can be cancelled.",
        )


def _named(unit: WorkUnit) -> str:
    request = unit.request
    job = f", job {unit.job}" if unit.job else ""
    return f"{', '.join(request.phases)} of {request.key} at {request.provider}{job}"


def _confirm(question: str, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _launch(settings: Settings, again: Again) -> None:
    launched = launch_again(dagster_of(settings), [again])
    print_launched(settings, launched)
    if launched.left_out:
        raise typer.Exit(1)
