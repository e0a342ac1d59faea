"""`try`: one video through the whole pipeline in this process, without Dagster."""

import filecmp
import itertools
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.cli.local.deliver import deliver, link_or_copy
from video_pipeline.cli.local.progress_board import Board, is_good, reasons
from video_pipeline.cli.local.summary import print_summary
from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.printable import printable
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Place, Settings, Storage
from video_pipeline.wiring import open_services

PROJECT = "try"
# MongoDB allows 63 characters for the name of a database; four are for `_try`.
_NAME_LENGTH = 59


def try_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A video file. It is never changed.")],
) -> None:
    """Run a video of your own through the pipeline, and print the results and their location."""
    settings = _apart(settings_of(context))
    source = _readable(file)
    object_key = _delivered(source, settings.storage.ingest.folder)
    with open_services(settings) as services:
        now = services.clock()
        key = register_now(services.ingest, services.catalog, object_key, now).key
        good = _run(services, key)
    raise typer.Exit(0 if good else 1)


def _delivered(source: Path, ingest: Path) -> str:
    """Put the file into the ingest folder unless it is there, and return its object key.

    A name that another video has gets a number, so that the results of both are kept.
    """
    stem, videos = printable(source.stem), f"projects/{PROJECT}/videos"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    name = next(one for one in names if _is_free(ingest / videos / one, source))
    if name != stem:
        out.print(f"{stem} is another video: this one is {name}.", markup=False, soft_wrap=True)
    object_key = f"{videos}/{name}/{printable(source.name)}"
    if not (ingest / object_key).exists():
        deliver(source, ingest / object_key, link_or_copy)
    return object_key


def _is_free(folder: Path, source: Path) -> bool:
    """Return whether a video's folder has no file, or only this one."""
    files = (file for file in folder.glob("[!.]*") if file.is_file())
    return all(filecmp.cmp(source, file, shallow=False) for file in files)


def _run(services: Services, key: VideoKey) -> bool:
    board = Board(out, services.catalog, [key])
    with board.shown():
        run_video(replace(services, notify=board.notify), key)
    statuses = board.refresh()[key]
    print_summary(out, services, key)
    for reason in reasons(key, statuses):
        err.print(reason, style="red", markup=False, soft_wrap=True)
    return is_good(statuses)


def _apart(settings: Settings) -> Settings:
    """Return the settings with separate stores and database, which no sensor sees."""
    home = settings.home / PROJECT
    storage = Storage(ingest=Place(folder=home / "ingest"), outputs=Place(folder=home / "outputs"))
    database = f"{settings.catalog.database[:_NAME_LENGTH]}_{PROJECT}"
    catalog = settings.catalog.model_copy(update={"database": database})
    return settings.model_copy(update={"storage": storage, "catalog": catalog})


def _readable(file: Path) -> Path:
    """Return the absolute path of a file that can be tried. Raises SourceError."""
    try:
        size = file.stat().st_size
        if file.is_file():  # opening a pipe would wait for its writer
            file.open("rb").close()
    except OSError as error:
        raise SourceError(
            f"the video cannot be read: {error.strerror}",
            where=str(file),
            remedy="Check the path, and that you may read the file.",
        ) from error
    if not (file.is_file() and size):
        what = "the file is empty" if file.is_file() else "this is no file"
        remedy = "Name a video file that is complete."
        raise SourceError(what, where=str(file), remedy=remedy)
    return file.resolve()
