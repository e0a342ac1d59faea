"""What a person may say about one work unit: `jobs cancel`, `retry`, `force`, `fetch`, `release`
and `hint`. The last two are commands of their own as well.
"""

from typing import Annotated

import typer

from video_pipeline.cli.access import address, dagster_of, settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.dagster_api.unit_actions import cancel_work, launch_again
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.backfill import retry_unit
from video_pipeline.pipeline.backfill.refetch_unit import fetch_again, look_up_now
from video_pipeline.pipeline.backfill.retry_unit import Again
from video_pipeline.pipeline.jobs import release_doubt as in_doubt
from video_pipeline.pipeline.jobs.cancel_group import together
from video_pipeline.pipeline.jobs.queries import find_unit, quantity_of
from video_pipeline.pipeline.sweep.events import hint as job_has_ended
from video_pipeline.settings import Settings
from video_pipeline.wiring import open_services

Unit = Annotated[str, typer.Argument(help="The work unit's id.")]
Yes = Annotated[bool, typer.Option("--yes", help="Without being asked.")]


def cancel(context: typer.Context, unit: Unit, yes: Yes = False) -> None:
    """Cancel a work unit and the runs that wait for it: stopped where its provider can."""
    settings = settings_of(context)
    with open_services(settings) as services:
        found = find_unit(services, unit)
        _check_cancellable(found)
        lost = together(services, [found])
        _confirm(
            f"{'; '.join(map(_named, lost))}: cancel {'them' if lost[1:] else 'it'}? What the "
            "provider cannot stop is paid for all the same.",
            yes,
        )
        became = cancel_work(services, dagster_of(settings), [found], "cancelled by hand")
        now = find_unit(services, unit)
    for one in became:
        which = "" if one.unit.id == found.id else f"{one.unit.id}, {_named(one.unit)}: "
        out.print(f"{which}{one.unit.state}: {one.told}", markup=False, soft_wrap=True)
    if not became:
        out.print(f"{now.state}: it is {now.state}", markup=False, soft_wrap=True)
    if any(one.unit.state in (UnitState.INTENT, UnitState.SUBMITTING) for one in became):
        raise typer.Exit(1)


def retry(context: typer.Context, unit: Unit) -> None:
    """Make the request of a failed or cancelled unit again, by a run that is launched."""
    settings = settings_of(context)
    with open_services(settings) as services:
        again = retry_unit.retry(services, find_unit(services, unit))
    _launch(settings, again)


def force(context: typer.Context, unit: Unit, yes: Yes = False) -> None:
    """Make the request of an ended unit again, and pay again, by a run that is launched."""
    settings = settings_of(context)
    with open_services(settings) as services:
        found = find_unit(services, unit)
        again = retry_unit.force(services, found)
        paid = quantity_of(retry_unit.to_pay(services, found))
    _confirm(f"{_named(found)}: ask again, for {paid or 'nothing'}?", yes)
    _launch(settings, again)


def fetch(context: typer.Context, unit: Unit) -> None:
    """Fetch a job's result once more, or look its job up at once. It pays nothing."""
    settings = settings_of(context)
    with open_services(settings) as services:
        found = find_unit(services, unit)
        if look_up_now(services, found):
            out.print("Its job runs; it is looked up at the next sweep.")
            return
        again = fetch_again(services, found)
    out.print("Its pages are stored anew.")
    if again is None:
        out.print("Every phase of it has its result already: those stand as they are.")
    else:
        _launch(settings, again)


def release(context: typer.Context, unit: Unit, yes: Yes = False) -> None:
    """Give up a unit in doubt, so that a new run makes the request again, and may pay again."""
    with open_services(settings_of(context), plugins={}) as services:
        found = find_unit(services, unit)
        in_doubt.check_in_doubt(found)
        _confirm(f"{_named(found)}: it may have been billed already. Release?", yes)
        in_doubt.release(services, found)
    out.print("Released. The next run of the video makes the request again: ", end="")
    out.print(f"`video-pipeline jobs retry {found.id}` launches one.", soft_wrap=True)


def hint(
    context: typer.Context,
    provider: Annotated[str, typer.Argument(help="The entry's name in pipeline.yaml.")],
    job: Annotated[str, typer.Argument(help="The provider's name for the job.")],
) -> None:
    """Say that a provider's job has ended, so that it is looked up at once."""
    with open_services(settings_of(context)) as services:
        if not job_has_ended(services, provider, job):
            raise InputError(
                f"no work unit has the job {job!r} at {provider!r}",
                remedy="See `video-pipeline jobs` for those that run.",
            )
    out.print("It is looked up at the next sweep.")


def _check_cancellable(unit: WorkUnit) -> None:
    if unit.state is UnitState.IN_DOUBT:
        raise InputError(
            "it is in doubt: nobody knows a job that could be stopped",
            where=unit.id,
            remedy="Look at the provider; then `video-pipeline jobs release` gives it up.",
        )
    if unit.state.ended:
        raise InputError(
            f"it has ended already: {unit.state}",
            where=unit.id,
            remedy="See `video-pipeline jobs` for those under way.",
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
    url = address(settings)
    for one in launched.backfills:
        page = f": {url}/runs/b/{one}" if url else ""
        out.print(f"launched {one}{page}", markup=False, soft_wrap=True)
    if launched.left_out:
        err.print(f"{launched.left_out[0]} is no partition in Dagster yet: try again in a minute.")
        raise typer.Exit(1)
