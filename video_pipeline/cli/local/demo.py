"""`demo`: sample videos in a real deployment, from arrival to outputs."""

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.cli.access import Port, settings_of
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
from video_pipeline.cli.local.summary import print_summary
from video_pipeline.cli.server.deployment import (
    Deployment,
    deployed,
    keep_open,
    look_first,
)
from video_pipeline.dagster_api.health import given_up
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline.samples import drawn, footage
from video_pipeline.wiring import open_services

PROJECTS = ("acme", "globex")
_POLL_SECONDS = 0.5
# Dagster is asked for failed runs only at every n-th poll: a question takes it some time.
_POLLS_PER_QUESTION = 6


def demo(
    context: typer.Context,
    leave: Annotated[bool, typer.Option("--exit", help="Stop everything when it is done.")] = False,
    port: Port = None,
    timeout: Annotated[float, typer.Option(help="Fail after this many seconds.")] = 300,
) -> None:
    """Run sample videos of two projects through the pipeline, with Dagster's web interface."""
    settings = settings_of(context)
    bucket = settings.storage.ingest.bucket
    if bucket:
        raise ConfigurationError(
            "the demo needs an ingest folder, but the settings name a bucket",
            where=f"bucket {bucket}",
            remedy="Unset S3_BUCKET, and set storage.ingest.folder in pipeline.yaml.",
        )
    with deployed(settings, port) as deployment:
        out.print(f"Dagster's web interface: {deployment.url}\n")
        with open_services(deployment.settings, plugins={}) as services:
            good = _play(services, deployment, timeout)
        if not leave:
            out.print(f"\nDagster's web interface: {deployment.url}. Ctrl-C ends everything.")
            key = next(iter(_samples()))
            out.print(look_first(deployment.url, key), markup=False, soft_wrap=True)
            keep_open(deployment)
    raise typer.Exit(0 if good else 1)


def _samples() -> dict[VideoKey, Path]:
    """Return the sample videos, dealt to the two projects. Raises ConfigurationError."""
    files = (*drawn(), *footage())
    keys = (VideoKey(project=PROJECTS[n % 2], video=file.stem) for n, file in enumerate(files))
    return dict(zip(keys, files, strict=True))


def _deliver_samples(ingest: Path, catalog: Catalog) -> None:
    """Deliver every sample that is missing, or that failed.

    The arrivals sensor takes a repeated delivery for a new version. Its run reuses what was done.
    An interrupted video is left to its queued run.
    """
    for key, file in _samples().items():
        target = ingest / key.prefix / file.name
        statuses = catalog.project(key.project).results.statuses(key.video)
        if not target.is_file() or has_failed(statuses):
            deliver(file, target)


def _play(services: Services, deployment: Deployment, timeout: float) -> bool:
    """Deliver the samples, show their progress and results. Return whether all are good."""
    ingest = deployment.settings.storage.ingest.folder
    begun = services.clock()
    _deliver_samples(ingest, services.catalog)
    board = Board(out, services.catalog, list(_samples()))
    with board.shown():
        statuses = _watch(board, deployment, begun, begun + timedelta(seconds=timeout))
    if services.clock() > begun + timedelta(seconds=timeout):
        err.print(f"Not done after {timeout:g} s. Allow more with --timeout.")
    return _print_results(services, statuses, given_up(deployment.url, begun))


def _watch(board: Board, deployment: Deployment, begun: datetime, until: datetime) -> Statuses:
    """Show the videos until each has ended or its run has failed, or until the time is up."""
    polls = 0
    while True:
        polls += 1
        statuses = board.refresh()
        failed = given_up(deployment.url, begun) if polls % _POLLS_PER_QUESTION == 0 else {}
        ended = all(has_ended(s, begun) or str(k) in failed for k, s in statuses.items())
        if ended or now_utc() > until:
            return statuses
        deployment.look_after()
        time.sleep(_POLL_SECONDS)


def _print_results(services: Services, statuses: Statuses, failed: Mapping[str, str]) -> bool:
    """Print the results, and the pages of failed runs. Return whether all are good."""
    for key, of_video in statuses.items():
        print_summary(out, services, key)
        lines = reasons(key, of_video)
        if lines and str(key) in failed:
            lines.append(f"{key}: its run failed; see {failed[str(key)]}")
        for line in lines:
            err.print(line, style="red", markup=False, soft_wrap=True)
    return all(is_good(of_video) for of_video in statuses.values())
