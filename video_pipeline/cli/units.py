"""`hint` and `release`: what a person may say about a work unit."""

from typing import Annotated

import typer

from video_pipeline.cli.configured import settings_of
from video_pipeline.cli.console import out
from video_pipeline.domain.errors import FailureCategory, InputError
from video_pipeline.domain.work import UnitFailure, UnitState, WorkUnit
from video_pipeline.pipeline.listen import hint as job_has_ended
from video_pipeline.pipeline.services import Services
from video_pipeline.wiring import open_services


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
                remedy="See `video-pipeline show VIDEO` for the jobs of a video.",
            )
    out.print("It is looked up at the next sweep.")


def release(
    context: typer.Context,
    unit: Annotated[str, typer.Argument(help="The work unit's id.")],
    yes: Annotated[bool, typer.Option("--yes", help="Without being asked.")] = False,
) -> None:
    """Give up a unit in doubt, so that a new run makes the request again, and may pay again."""
    with open_services(settings_of(context), plugins={}) as services:
        found = _in_doubt(services, unit)
        request = found.request
        if not yes:
            typer.confirm(
                f"{request.key} at {request.provider}: it may have been billed already. Release?",
                abort=True,
            )
        failure = UnitFailure(
            category=FailureCategory.CANCELLED, message="released by hand while in doubt"
        )
        services.of(request.key.project).units.move(
            found, UnitState.FAILED, services.clock(), failure=failure
        )
    out.print("Released. The next run of the video makes the request again.")


def _in_doubt(services: Services, unit: str) -> WorkUnit:
    projects = services.catalog.projects()
    found = next((u for p in projects if (u := services.of(p).units.get(unit))), None)
    if found is None or found.state is not UnitState.IN_DOUBT:
        raise InputError(
            f"it is {found.state}, not in doubt" if found else "there is no such work unit",
            where=unit,
            remedy="See `video-pipeline show VIDEO` for the units of a video.",
        )
    return found
