"""`archive` and `restore`: take partitions of videos out of Dagster and put them back."""

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated

import typer

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.cli.access import project_of, settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import video_id_for
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.arrivals import archive as archiving
from video_pipeline.pipeline.services import projects_of
from video_pipeline.wiring import open_services

Project = Annotated[
    str, typer.Argument(help="The project's id or folder name, or one video as PROJECT/VIDEO.")
]
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
        catalog, videos = _named(services.catalog, project, videos)
        records, now = _records(catalog, videos), services.clock()
        done, left = _each(records, lambda r: archiving.archive(catalog, r, now, force=force))
    out.print(f"{done} archived. The sensor `arrivals` removes their partitions at its next tick.")
    raise typer.Exit(1 if left and videos else 0)


def restore(context: typer.Context, project: Project, videos: VideoNames = None) -> None:
    """Put archived videos back into Dagster, with their history."""
    with open_services(settings_of(context), plugins={}) as services:
        catalog, videos = _named(services.catalog, project, videos)
        restore_one = _restore_named if videos else archiving.restore
        done, left = _each(_records(catalog, videos), lambda r: restore_one(catalog, r))
    out.print(f"{done} restored. The sensor `arrivals` adds their partitions at its next tick.")
    raise typer.Exit(1 if left and videos else 0)


def _named(
    catalog: Catalog, project: str, videos: list[str] | None
) -> tuple[ProjectCatalog, list[str]]:
    """Return the catalogue of a project, and the videos that the arguments name.

    Raises InputError for a project without videos, of which none is named.
    """
    project, slash, video = project.partition("/")
    named = [*([video] if slash else []), *(videos or [])]
    key = project_of(project)
    if not named:
        projects_of(catalog, key)
    return catalog.project(key), named


def _restore_named(catalog: ProjectCatalog, record: VideoRecord) -> bool:
    """Restore a video. Raises InputError for one that is removed and not archived."""
    if record.removed_at is not None and record.archived_at is None:
        raise InputError(
            f"its file was deleted from the ingest store, found at {record.removed_at:%Y-%m-%d}",
            where=str(record.key),
            remedy="Deliver the file again: the video then returns by itself.",
        )
    return archiving.restore(catalog, record)


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
            raise _unknown(catalog, name)
        yield found
    after = ""
    while not videos and (page := known.listing(after)):
        yield from page
        after = page[-1].key.video


def _unknown(catalog: ProjectCatalog, name: str) -> InputError:
    """Return the error for a video without a row. Its work units outlive its removal."""
    video = video_id_for(name)
    if catalog.units.of_video(video):
        return InputError(
            "it was removed with its results, since its file was deleted (`removal: delete`)",
            where=f"{catalog.project}/{video}",
            remedy="Deliver the file again: the video is then processed from the start.",
        )
    return InputError(
        "there is no such video in the catalogue",
        where=f"{catalog.project}/{name}",
        remedy="`video-pipeline status` lists all videos.",
    )
