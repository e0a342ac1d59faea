"""A run of one video or a round of the sweep in its own process, killed with SIGKILL at any step.

The process is forked from a server that has imported everything, so a hundred of them are cheap.
MongoDB, the folders and the vendor are real and outlive it.
"""

import multiprocessing
import os
import signal
import time
from dataclasses import dataclass
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

from video_pipeline.catalog.connection import connect
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.policies import Choices, PhaseChoice, WorkPolicy
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline.storage.local.folder import FolderIngest, FolderOutputs
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots

# The durable steps of a work unit, in order.
STEPS = (
    *("planned", "opened", "submitting", "submitted"),
    *("fetched", "stored", "published", "settled"),
)


@dataclass(frozen=True)
class Deployment:
    """The servers and folders of a run, and whether the vendor takes a token."""

    uri: str
    database: str
    folder: Path
    vendor: str
    token: bool
    slots: int | None = None


def services(deployment: Deployment, kill_at: str | None = None) -> Services:
    """Make the services in the calling process."""

    def on_step(name: str) -> None:
        if name == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    scratch = deployment.folder / "scratch"
    scratch.mkdir(parents=True, exist_ok=True)
    (deployment.folder / "ingest").mkdir(exist_ok=True)
    options = VendorOptions(url=deployment.vendor, token=deployment.token, slots=deployment.slots)
    return Services(
        catalog=connect(deployment.uri, deployment.database),
        ingest=FolderIngest(deployment.folder / "ingest"),
        outputs=FolderOutputs(deployment.folder / "outputs"),
        media=ChildMediaReader(),
        plugins={"vendor": VendorShots(options)},
        choices=Choices(phases={Phase.SHOTS: PhaseChoice(providers=("vendor",))}),
        scratch=scratch,
        policy=WorkPolicy(lease_seconds=0.5, backoff_seconds=0.01),
        on_step=on_step,
    )


def _run(deployment: Deployment, key: str, kill_at: str | None) -> None:
    made = services(deployment, kill_at)
    analyse(made, VideoKey.parse(key), [Phase.SHOTS])
    made.catalog.close()


def _sweep(deployment: Deployment, kill_at: str | None) -> None:
    made = services(deployment, kill_at)
    make_round(made, made.clock())
    made.catalog.close()


class Runs:
    """Starts runs and sweeps, and kills them."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._context: ForkServerContext = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload([__name__])

    def run(self, key: str, *, kill_at: str | None = None, kill_after: float | None = None) -> bool:
        """Run to the end, to a step, or for some seconds. Return whether the run was killed."""
        process = self._context.Process(target=_run, args=(self._deployment, key, kill_at))
        process.start()
        if kill_after is not None:
            time.sleep(kill_after)
            process.kill()
        return _killed(process, f"the run of {key}")

    def sweep(self, *, kill_at: str | None = None, side_by_side: int = 1) -> bool:
        """Make a round of the sweep in each process. Return whether one was killed."""
        arguments = (self._deployment, kill_at)
        processes = [
            self._context.Process(target=_sweep, args=arguments) for _ in range(side_by_side)
        ]
        for process in processes:
            process.start()
        killed = [_killed(process, "a sweep") for process in processes]
        return any(killed)


def _killed(process: ForkServerProcess, what: str) -> bool:
    process.join(120)
    code = process.exitcode
    process.kill()
    process.close()
    if code not in (0, -signal.SIGKILL):
        raise AssertionError(f"{what} ended with {code}")
    return code != 0
