"""`archive` and `restore`: the partitions of finished videos leave Dagster, and come back."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import project_id_for, video_id_for
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.arrivals import archive as archiving
from video_pipeline.pipeline.services import Services
from video_pipeline.wiring import open_services

Project = Annotated[str, typer.Argument(help="Its id, or its name as delivered.")]
VideoNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VIDEO]...", help="Ids or names; without any, all of the project."),
]


def archive(
    context: typer.Context,
    project: Project,
    videos: VideoNames = None,
    force: Annotated[bool, typer.Option("--force", help="Unfinished ones too.")] = False,
) -> None:
    """Take finished videos out of Dagster; catalogue and outputs stay."""
    with open_services(settings_of(context), plugins={}) as services:

        def one(record: VideoRecord) -> bool:
            return archiving.archive(services, record, force=force)

        done, left = _each(services, project, videos, one)
    out.print(f"{done} archived; their keys leave Dagster at the next tick of `arrivals`.")
    raise typer.Exit(1 if left and videos else 0)


def restore(context: typer.Context, project: Project, videos: VideoNames = None) -> None:
    """Put archived videos back into Dagster, with all that they showed before."""
    with open_services(settings_of(context), plugins={}) as services:

        def one(record: VideoRecord) -> bool:
            return archiving.restore(services, record)

        done, left = _each(services, project, videos, one)
    out.print(f"{done} restored; their keys are back after the next tick of `arrivals`.")
    raise typer.Exit(1 if left and videos else 0)


def _each(
    services: Services,
    project: str,
    videos: Sequence[str] | None,
    do: Callable[[VideoRecord], bool],
) -> tuple[int, int]:
    """How many were changed, and how many could not be, each told with the reason."""
    done = left = 0
    for record in _records(services, project_id_for(project), videos):
        try:
            done += do(record)
        except InputError as error:
            left += 1
            err.print(str(error), markup=False, soft_wrap=True)
    return done, left


def _records(
    services: Services, project: str, videos: Sequence[str] | None
) -> Iterator[VideoRecord]:
    known = services.of(project).videos
    if videos:
        yield from (_record(services, project, name) for name in videos)
        return
    after = ""
    while page := known.listing(after):
        yield from page
        after = page[-1].key.video


def _record(services: Services, project: str, name: str) -> VideoRecord:
    found = services.of(project).videos.get(video_id_for(name))
    if found is None:
        raise InputError(
            "the catalogue knows no such video",
            where=f"{project}/{name}",
            remedy="See `video-pipeline status` for those that there are.",
        )
    return found
