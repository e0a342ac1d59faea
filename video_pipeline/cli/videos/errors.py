"""`errors` and `revive`: failed phases with their reasons, and a new start for dead ones."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.cli.access import PROJECT, AsJson, OfProject, settings_of
from video_pipeline.cli.console import out, remark, wide
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.pipeline.analysis.failure_limit import revive as revive_phases
from video_pipeline.pipeline.analysis.failure_limit import revive_all
from video_pipeline.pipeline.progress.interruption import report_interrupted
from video_pipeline.pipeline.services import projects_of
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.wiring import open_services


def errors(context: typer.Context, project: OfProject = None, as_json: AsJson = False) -> None:
    """Show what failed or was interrupted, why, and what to do. Dead phases come first."""
    with open_services(settings_of(context), plugins={}) as services:
        found = list(_found(report_interrupted(services.catalog, project, services.clock())))
    if as_json:
        typer.echo(json.dumps(found, indent=2))
    elif found:
        wide.print(_table(found))
    else:
        remark("Nothing has failed.")


def revive(
    context: typer.Context,
    video: Annotated[str | None, typer.Argument(help="As PROJECT/VIDEO.")] = None,
    phase: Annotated[Phase | None, typer.Argument(help="Default: every dead phase.")] = None,
    project: Annotated[
        str | None, typer.Option(help="All videos of this project.", **PROJECT)
    ] = None,
) -> None:
    """Let a dead phase run again, from the next run of its video on."""
    if (video is None) is (project is None):
        raise InputError(
            "name either a video or a project", remedy="Write PROJECT/VIDEO, or --project PROJECT."
        )
    with open_services(settings_of(context), plugins={}) as services:
        if video is not None:
            key = VideoKey.parse(video)
            project = key.project
            phases = [phase] if phase else tuple(Phase)
            revived = revive_phases(VideoRun.of(services, key), phases)
            changed = f"{', '.join(revived)} of {key}"
        else:
            projects_of(services.catalog, project)
            changed = f"{revive_all(services, str(project))} phases of {project}"
    launch = f"`video-pipeline backfill --project {project} --only missing`"
    out.print(f"{changed} may run again. Launch with {launch}.", markup=False, soft_wrap=True)


def _found(catalogs: Iterable[ProjectCatalog]) -> Iterator[dict[str, Any]]:
    for catalog in catalogs:
        for video, status in catalog.standings.in_state(*ENDED_BADLY, PhaseState.SKIPPED):
            yield {
                "video": f"{catalog.project}/{video}",
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
