"""`show`: all that is known of one video."""

import json
from collections.abc import Iterable
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.interface import PhaseStatus, ProjectCatalog
from video_pipeline.cli.configured import settings_of
from video_pipeline.cli.console import out
from video_pipeline.cli.findings import tell
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import VideoRecord
from video_pipeline.domain.work import WorkUnit
from video_pipeline.wiring import open_services


def show(
    context: typer.Context,
    video: Annotated[str, typer.Argument(help="As PROJECT/VIDEO.")],
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show a video's phases, where they came from, its work units, warnings and errors."""
    key = VideoKey.parse(video)
    with open_services(settings_of(context), plugins={}) as services:
        project = services.of(key.project)
        record = _record(project, key)
        statuses, units = project.results.statuses(key.video), project.units.of_video(key.video)
        if as_json:
            typer.echo(json.dumps(_document(record, statuses.values(), units), indent=2))
            return
        out.print(_phases(statuses))
        if units:
            out.print("\n[bold]work units[/]", _units(units))
        tell(out, services, key)


def _record(project: ProjectCatalog, key: VideoKey) -> VideoRecord:
    record = project.videos.get(key.video)
    if record:
        return record
    rejected = [r for r in project.videos.rejections() if r.object_key.startswith(key.prefix)]
    raise InputError(
        rejected[0].reason if rejected else "the catalogue knows no such video",
        where=rejected[0].object_key if rejected else str(key),
        remedy="See `video-pipeline status` for those that there are.",
    )


def _document(
    record: VideoRecord, statuses: Iterable[PhaseStatus], units: Iterable[WorkUnit]
) -> dict[str, Any]:
    return {
        "video": record.model_dump(mode="json"),
        "phases": [status.model_dump(mode="json") for status in statuses],
        "units": [unit.model_dump(mode="json") for unit in units],
    }


def _phases(statuses: dict[Phase, PhaseStatus]) -> Table:
    table = Table("phase", "state", "provider", "plugin", "model", "made", "message", box=None)
    for phase in Phase:
        status = statuses.get(phase)
        if status:
            origin = status.result.provenance if status.result else None
            table.add_row(
                phase,
                status.state,
                status.provider or "",
                f"{origin.plugin} {origin.version}" if origin else "",
                origin.model if origin else "",
                f"{origin.ended_at:%Y-%m-%d %H:%M:%S}" if origin else "",
                escape(status.message),
            )
    return table


def _units(units: Iterable[WorkUnit]) -> Table:
    table = Table("unit", "state", "provider", "phases", "job", "attempts", "failure", box=None)
    for unit in units:
        table.add_row(
            unit.id,
            unit.state,
            unit.request.provider,
            ", ".join(unit.request.phases),
            unit.job or "",
            str(unit.attempts),
            escape(unit.failure.message if unit.failure else ""),
        )
    return table
