"""`forget`: delete what is left of a video that is not registered."""

from typing import Annotated

import typer

from video_pipeline.cli.access import Yes, settings_of
from video_pipeline.cli.console import out
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.publishing.leftovers import forget as delete
from video_pipeline.pipeline.publishing.leftovers import leftovers
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.wiring import open_services


def forget(
    context: typer.Context,
    video: Annotated[str, typer.Argument(help="As PROJECT/VIDEO.")],
    yes: Yes = False,
) -> None:
    """Delete the rows and files of a video that is not registered."""
    key = VideoKey.parse(video)
    with open_services(settings_of(context), plugins={}) as services:
        run = VideoRun.of(services, key)
        found = leftovers(run)
        sums = f"phases {found.phases}, outputs {found.outputs}, raw pages {found.raw_pages}"
        if not any(found.model_dump().values()):
            out.print(f"Nothing is left of {key}.", markup=False)
        elif yes or typer.confirm(f"Delete of {key}: {sums}? Raw pages may have been paid for."):
            delete(run)
            out.print(f"Deleted of {key}: {sums}.", markup=False)
        else:
            raise typer.Abort
    out.print(
        f"If Dagster has a partition {key} that was added by hand, delete it on the page of the "
        "asset source_video.",
        markup=False,
        soft_wrap=True,
    )
