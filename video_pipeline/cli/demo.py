"""`demo`: the main job on sample videos, the way it goes in production."""

import time
from datetime import timedelta
from typing import Annotated

import typer

from video_pipeline.cli.configured import settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.cli.deployment import Deployment, deployed, keep_open
from video_pipeline.cli.ending import has_ended, is_good, reasons
from video_pipeline.cli.findings import tell
from video_pipeline.cli.live import Board, Statuses
from video_pipeline.cli.samples import deliver_samples, samples
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.pipeline.services import Services
from video_pipeline.settings import Settings
from video_pipeline.wiring import open_services

_LOOK_SECONDS = 0.5


def demo(
    context: typer.Context,
    leave: Annotated[bool, typer.Option("--exit", help="End everything when it is done.")] = False,
    port: Annotated[
        int | None, typer.Option(help="The web interface's port; without it, a free one.")
    ] = None,
    timeout: Annotated[float, typer.Option(help="Seconds in which it must be done.")] = 300,
) -> None:
    """Run sample videos of two projects through the whole road, with Dagster's web interface."""
    settings = settings_of(context)
    _refuse_bucket(settings)
    with deployed(settings, port) as deployment:
        out.print(f"Dagster's web interface: {deployment.url}\n")
        with open_services(deployment.settings, plugins={}) as services:
            good = _play(services, deployment, timeout)
        if not leave:
            out.print(f"\nDagster's web interface: {deployment.url}\nCtrl-C ends everything.")
            keep_open(deployment)
    raise typer.Exit(0 if good else 1)


def _play(services: Services, deployment: Deployment, timeout: float) -> bool:
    """Put the samples in, show how they go, and tell what came of them; whether all is well."""
    ingest = deployment.settings.storage.ingest.folder
    begun = services.clock()
    deliver_samples(ingest, services.catalog)
    board = Board(out, services.catalog, list(samples()))
    with board.shown():
        statuses = board.refresh()
        while not all(has_ended(of_video, begun) for of_video in statuses.values()):
            if services.clock() - begun > timedelta(seconds=timeout):
                err.print(f"Not done after {timeout:g} s.")
                break
            deployment.check()
            time.sleep(_LOOK_SECONDS)
            statuses = board.refresh()
    return _tell(services, statuses)


def _tell(services: Services, statuses: Statuses) -> bool:
    for key, of_video in statuses.items():
        tell(out, services, key)
        for reason in reasons(key, of_video):
            err.print(reason, style="red", markup=False, soft_wrap=True)
    return all(is_good(of_video) for of_video in statuses.values())


def _refuse_bucket(settings: Settings) -> None:
    bucket = settings.storage.ingest.bucket
    if bucket:
        raise ConfigurationError(
            "the demo writes its samples into an ingest folder, not into a bucket",
            where=f"bucket {bucket}",
            remedy="Unset S3_BUCKET, and name a folder under `storage:`.",
        )
