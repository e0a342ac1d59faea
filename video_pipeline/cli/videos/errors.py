"""`errors` and `revive`: what failed and why, and the way back of what was given up."""

import json
from collections.abc import Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import out, whole
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.failure_limit import revive as revive_phases
from video_pipeline.pipeline.analysis.failure_limit import revive_all
from video_pipeline.pipeline.services import Services, projects_of
from video_pipeline.wiring import open_services


def errors(
    context: typer.Context,
    project: Annotated[str | None, typer.Option(help="Of this project only.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show what failed, with the reason and what mends it; what was given up first."""
    with open_services(settings_of(context), plugins={}) as services:
        found = list(_found(services, project))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif found:
        whole.print(_table(found))
    else:
        out.print("Nothing has failed.")


def revive(
    context: typer.Context,
    video: Annotated[str | None, typer.Argument(help="As PROJECT/VIDEO.")] = None,
    phase: Annotated[Phase | None, typer.Argument(help="Without it, every dead phase.")] = None,
    project: Annotated[str | None, typer.Option(help="Every video of this project.")] = None,
) -> None:
    """Let a phase that was given up be asked for again. It waits for the next run."""
    if (video is None) is (project is None):
        raise InputError(
            "name one video or one project", remedy="Write PROJECT/VIDEO, or --project PROJECT."
        )
    if video is None:
        _revive_project(context, str(project))
        return
    key = VideoKey.parse(video)
    with open_services(settings_of(context), plugins={}) as services:
        revived = revive_phases(services, key, [phase] if phase else tuple(Phase))
    out.print(f"{', '.join(revived)} of {key} may be asked for again: ", end="", markup=False)
    out.print(f"`video-pipeline backfill --project {key.project} --only missing` does.")


def _revive_project(context: typer.Context, project: str) -> None:
    with open_services(settings_of(context), plugins={}) as services:
        projects_of(services, project)
        revived = revive_all(services, project)
    out.print(f"{revived} phases of {project} may be asked for again: ", end="", markup=False)
    out.print(f"`video-pipeline backfill --project {project} --only missing` does.", markup=False)


def _found(services: Services, project: str | None) -> Iterator[dict[str, Any]]:
    states = (PhaseState.DEAD, PhaseState.FAILED, PhaseState.SKIPPED)
    for name in projects_of(services, project):
        for video, status in services.of(name).standings.in_state(*states):
            yield {
                "video": f"{name}/{video}",
                "phase": status.phase.value,
                "state": status.state.value,
                "provider": status.provider,
                "since": status.updated_at.isoformat(timespec="seconds"),
                "message": status.message,
            }


def _table(found: list[dict[str, Any]]) -> Table:
    table = Table("video", "phase", "state", "provider", "since", "why", box=None, pad_edge=False)
    for one in found:
        cells = ("video", "phase", "state", "provider", "since", "message")
        table.add_row(*(escape(one[name] or "") for name in cells))
    return table
