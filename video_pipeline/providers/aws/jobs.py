"""The base of plugins whose work runs as jobs at AWS."""

import logging
from abc import abstractmethod
from collections.abc import Collection, Sequence
from typing import Any, ClassVar

from video_pipeline.aws.errors import short
from video_pipeline.plugins.base import Heard, Jobs, JobStatus, Listens
from video_pipeline.providers.aws.events import Queue
from video_pipeline.providers.aws.session import AwsOptions, AwsSession

_log = logging.getLogger(__name__)


class AwsJobs(Jobs, Listens):
    """Jobs of one service of AWS. AWS cannot stop them, and bills them."""

    service: ClassVar[str]
    """The service's name in boto3."""
    libraries = ("boto3",)
    install = "pip install boto3"

    def __init__(self, options: AwsOptions) -> None:
        super().__init__(options)
        self._region, self.deadline_seconds = options.region, options.deadline_hours * 3600
        self._session = AwsSession(options, self.service)
        url = options.completions
        self._queue = (
            Queue(lambda: self._session.queue(url or ""), url, self.jobs_of) if url else None
        )

    @abstractmethod
    def jobs_of(self, message: dict[str, Any]) -> Sequence[str]:
        """Return the jobs that this message says have ended. Pure."""

    @property
    def account(self) -> str:
        return self._session.account

    @property
    def region(self) -> str:
        return self._region

    def cancel(self, job: str) -> bool:
        """Return False: AWS cannot stop a job."""
        return False

    def listen(self) -> Sequence[Heard]:
        return self._queue.listen() if self._queue else ()

    def acknowledge(self, heard: Sequence[Heard]) -> None:
        if self._queue:
            self._queue.acknowledge(heard)


def unended(status: object, known: Collection[str], where: str) -> JobStatus:
    """Return that a job still runs, with a note if its status is none of the `known` ones.

    To fail it would pay for it again, though it may only be in a state that is new at AWS.
    """
    if status in known:
        return JobStatus(state="running")
    note = f"AWS reports the undocumented status {short(repr(status))}, which counts as running"
    _log.warning("%s: %s", where, note)
    return JobStatus(state="running", note=note)
