"""`show`: everything that the catalogue holds about one video."""

from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Annotated

import typer
from pydantic import Field
from rich.markup import escape
from rich.table import Table

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.cli.access import AsJson, settings_of
from video_pipeline.cli.console import out, wide
from video_pipeline.cli.local.summary import print_summary
from video_pipeline.cli.videos.status import rejections_table
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey, project_id_for, video_id_for
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.naming.printable import address, printable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.timeline import PhaseStatus
from video_pipeline.domain.source import Rejection, VideoRecord
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.wiring import open_services

_LINK_SECONDS = 3600


def show(
    context: typer.Context,
    video: Annotated[str, typer.Argument(help="As PROJECT/VIDEO: ids or folder names.")],
    with_links: Annotated[
        bool, typer.Option("--links", help="Link source and exports, readable for an hour.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show a video's phases with their providers, its work units, warnings and errors."""
    key = _key(video)
    with open_services(settings_of(context), plugins={}) as services:
        known = _look_up(services.of(key.project), key, services.ingest.layout)
        if with_links:
            run = VideoRun.of(services, key)
            known = known.model_copy(update={"links": _links(run, known)})
        if as_json:
            typer.echo(known.model_dump_json(indent=2))
            return
        if known.video.source.name != key.video:
            out.print(f"{key}, delivered as {known.video.source.name!r}", markup=False)
        wide.print(_phases(known.phases))
        if known.units:
            out.print("\n[bold]work units[/]")
            wide.print(_units(known.units))
        if known.rejections:
            out.print("\n[bold]rejected[/]")
            wide.print(rejections_table(known.rejections))
        print_summary(out, services, key)
        if known.links:
            out.print("\n[bold]links[/]: for an hour everybody who has one of a bucket can read it")
        for name, link in known.links.items():
            out.print(f"{printable(name)}  {link}", markup=False, soft_wrap=True)


class _Known(Frozen):
    """What the catalogue holds about one video."""

    video: VideoRecord
    phases: tuple[PhaseStatus, ...]
    units: tuple[WorkUnit, ...]
    rejections: tuple[Rejection, ...]
    # By the name of the file. Bearer secrets, so they are made when asked for and stored nowhere.
    links: dict[str, str] = Field(default_factory=dict[str, str])


def _links(run: VideoRun, known: _Known) -> dict[str, str]:
    """Return an address of the source and of each export. Of local files it is the path."""
    made = dict[str, str]()
    if known.video.removed_at is None:
        source = known.video.source.object_key
        made["source"] = run.ingest.presigned(source, _LINK_SECONDS)
    results = [one.result for one in known.phases if one.phase is Phase.EXPORTS and one.result]
    for output in (output for result in results for output in result.outputs):
        made[PurePosixPath(output).name] = run.outputs.presigned(output, _LINK_SECONDS)
    return {name: address(link) for name, link in made.items()}


def _key(text: str) -> VideoKey:
    """Return the key for ids or folder names. The id of an id is itself."""
    project, slash, video = text.partition("/")
    if not slash:
        return VideoKey.parse(text)
    return VideoKey(project=project_id_for(project), video=video_id_for(video))


def _look_up(project: ProjectCatalog, key: VideoKey, layout: Layout) -> _Known:
    record = project.videos.get(key.video)
    rejected = [r for r in project.videos.rejections() if _is_of(key, r, layout)]
    if record is None:
        raise InputError(
            rejected[0].reason if rejected else "there is no such video in the catalogue",
            where=rejected[0].object_key if rejected else str(key),
            remedy="`video-pipeline status` lists all videos.",
        )
    statuses = project.results.statuses(key.video)
    return _Known(
        video=record,
        phases=tuple(statuses[phase] for phase in Phase if phase in statuses),
        units=tuple(project.units.of_video(key.video)),
        rejections=tuple(rejected),
    )


def _is_of(key: VideoKey, rejection: Rejection, layout: Layout) -> bool:
    """Return whether the rejected file is in this video's folder."""
    place = layout.place_of(rejection.object_key)
    return place is not None and bool(place.video) and video_id_for(place.video) == key.video


def _phases(statuses: Iterable[PhaseStatus]) -> Table:
    table = Table("phase", "state", "provider", "plugin", "model", "finished", "message", box=None)
    for status in statuses:
        origin = status.result.provenance if status.result else None
        table.add_row(
            status.phase,
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
