"""`demo`: the main job on sample videos, the way it goes in production."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import err, out
from video_pipeline.cli.local.deliver import deliver
from video_pipeline.cli.local.progress_board import (
    Board,
    Statuses,
    has_ended,
    has_failed,
    is_good,
    reasons,
)
from video_pipeline.cli.local.summary import tell
from video_pipeline.cli.server.deployment import Deployment, deployed, keep_open
from video_pipeline.dagster_api.health import given_up
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline.samples import drawn, footage
from video_pipeline.settings import Settings
from video_pipeline.wiring import open_services

PROJECTS = ("acme", "globex")
_LOOK_SECONDS = 0.5
_LOOKS_A_QUESTION = 6
"""At every how manieth look Dagster is asked for runs that have failed before any phase began."""


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


def _samples() -> dict[VideoKey, Path]:
    """The sample videos, in turn for the two projects. Raises ConfigurationError."""
    files = (*drawn(), *footage())
    keys = (VideoKey(project=PROJECTS[n % 2], video=file.stem) for n, file in enumerate(files))
    return dict(zip(keys, files, strict=True))


def _deliver_samples(ingest: Path, catalog: Catalog) -> None:
    """Put in every sample that is not there yet, or that failed.

    Put in again, a video is a new version to the arrivals sensor, though of the same bytes: its
    run finds what was done before. One that was interrupted is left to its queued run.
    """
    for key, file in _samples().items():
        target = ingest / key.prefix / file.name
        statuses = catalog.project(key.project).results.statuses(key.video)
        if not target.is_file() or has_failed(statuses):
            deliver(file, target)


def _play(services: Services, deployment: Deployment, timeout: float) -> bool:
    """Put the samples in, show how they go, and tell what came of them; whether all is well."""
    ingest = deployment.settings.storage.ingest.folder
    begun = services.clock()
    _deliver_samples(ingest, services.catalog)
    board = Board(out, services.catalog, list(_samples()))
    with board.shown():
        statuses = _watch(board, deployment, begun, begun + timedelta(seconds=timeout))
    if services.clock() > begun + timedelta(seconds=timeout):
        err.print(f"Not done after {timeout:g} s.")
    return _tell(services, statuses, given_up(deployment.url, begun))


def _watch(board: Board, deployment: Deployment, begun: datetime, until: datetime) -> Statuses:
    """Show the videos until each has ended or its run has failed, or until then."""
    look = 0
    while True:
        look += 1
        statuses = board.refresh()
        failed = given_up(deployment.url, begun) if look % _LOOKS_A_QUESTION == 0 else {}
        ended = all(has_ended(s, begun) or str(k) in failed for k, s in statuses.items())
        if ended or now_utc() > until:
            return statuses
        deployment.check()
        time.sleep(_LOOK_SECONDS)


def _tell(services: Services, statuses: Statuses, failed: Mapping[str, str]) -> bool:
    """Tell what came of the videos, of failed runs their pages; whether all is well."""
    for key, of_video in statuses.items():
        tell(out, services, key)
        told = reasons(key, of_video)
        if told and str(key) in failed:
            told.append(f"{key}: its run has failed: {failed[str(key)]}")
        for reason in told:
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
