"""`archive` and `restore`: take partitions of videos out of Dagster and put them back."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.cli.access import PROJECT, settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import video_id_for
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.arrivals import archive as archiving
from video_pipeline.wiring import open_services

Project = Annotated[str, typer.Argument(help="The project's id or folder name.", **PROJECT)]
VideoNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[VIDEO]...", help="Ids or folder names. Default: all of the project."),
]


def archive(
    context: typer.Context,
    project: Project,
    videos: VideoNames = None,
    force: Annotated[bool, typer.Option("--force", help="Include unfinished videos.")] = False,
) -> None:
    """Take finished videos out of Dagster. Catalogue and outputs are kept."""
    with open_services(settings_of(context), plugins={}) as services:
        catalog, now = services.of(project), services.clock()
        records = _records(catalog, videos)
        done, left = _each(records, lambda r: archiving.archive(catalog, r, now, force=force))
    out.print(f"{done} archived. The sensor `arrivals` removes their partitions at its next tick.")
    raise typer.Exit(1 if left and videos else 0)


def restore(context: typer.Context, project: Project, videos: VideoNames = None) -> None:
    """Put archived videos back into Dagster, with their history."""
    with open_services(settings_of(context), plugins={}) as services:
        catalog = services.of(project)
        done, left = _each(_records(catalog, videos), lambda r: archiving.restore(catalog, r))
    out.print(f"{done} restored. The sensor `arrivals` adds their partitions at its next tick.")
    raise typer.Exit(1 if left and videos else 0)


def _each(records: Iterator[VideoRecord], do: Callable[[VideoRecord], bool]) -> tuple[int, int]:
    """Return how many were changed and how many refused; print the reasons."""
    done = left = 0
    for record in records:
        try:
            done += do(record)
        except InputError as error:
            left += 1
            err.print(str(error), markup=False, soft_wrap=True)
    return done, left


def _records(catalog: ProjectCatalog, videos: Sequence[str] | None) -> Iterator[VideoRecord]:
    known = catalog.videos
    for name in videos or ():
        found = known.get(video_id_for(name))
        if found is None:
            raise InputError(
                "there is no such video in the catalogue",
                where=f"{catalog.project}/{name}",
                remedy="`video-pipeline status` lists all videos.",
            )
        yield found
    after = ""
    while not videos and (page := known.listing(after)):
        yield from page
        after = page[-1].key.video
