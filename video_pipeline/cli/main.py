"""The command `video-pipeline`: its options and its commands."""

import atexit
import gc
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from video_pipeline import __version__
from video_pipeline.cli.console import out, print_error
from video_pipeline.cli.doctor import aws, command
from video_pipeline.cli.jobs import actions, backfill, list
from video_pipeline.cli.local import demo, try_file
from video_pipeline.cli.server import clean_up, deployment
from video_pipeline.cli.signals import end_tidily
from video_pipeline.cli.videos import archive, errors, forget, show, stale, status
from video_pipeline.domain.errors import PipelineError


class _Reporting(TyperGroup):
    """Prints errors of the pipeline without a traceback; the exit code is 1."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except PipelineError as error:
            print_error(error)
            raise typer.Exit(1) from error


app = typer.Typer(
    cls=_Reporting,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Analyse arriving videos, and publish one timeline for each.",
)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(__version__)
        raise typer.Exit


@app.callback()
def _options(
    context: typer.Context,
    config: Annotated[
        Path | None, typer.Option(help="Use this pipeline.yaml.", show_default=False)
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    end_tidily()
    # As in definitions.py.
    atexit.register(gc.freeze)
    context.obj = config


app.command("demo")(demo.demo)
app.command("try")(try_file.try_file)
app.command("up")(deployment.up)
app.command("doctor")(command.doctor)
app.command("status")(status.status)
app.command("show")(show.show)
app.command("rejected")(status.rejected)
app.command("archive")(archive.archive)
app.command("restore")(archive.restore)
app.command("forget")(forget.forget)
app.command("stale")(stale.stale)
app.command("errors")(errors.errors)
app.command("revive")(errors.revive)
app.command("backfill")(backfill.backfill)
app.command("cancel")(backfill.cancel)
app.command("clean-up")(clean_up.clean_up)
app.add_typer(list.app, name="jobs")
app.add_typer(aws.app, name="aws")
app.command("hint")(actions.hint)
app.command("release")(actions.release)


if __name__ == "__main__":
    app()
