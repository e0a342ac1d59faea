"""`try`: one video through the whole pipeline in this process, without Dagster."""

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
    object_key = f"projects/{PROJECT}/videos/{source.stem}/{source.name}"
    deliver(source, settings.storage.ingest.folder / object_key, link_or_copy)
    with open_services(settings) as services:
        now = services.clock()
        key = register_now(services.ingest, services.catalog, object_key, now).key
        good = _run(services, key)
    raise typer.Exit(0 if good else 1)


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
    try:
        with file.open("rb"):
            return file.resolve()
    except OSError as error:
        raise SourceError(
            f"the video cannot be read: {error.strerror}",
            where=str(file),
            remedy="Check the path, and that you may read the file.",
        ) from error
