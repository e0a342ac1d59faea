"""One job, and the registry of all jobs with their quotas, tokens and ends. Time is an argument."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from video_pipeline.testing.service import Call, Refused
from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.operations import Analysis, meters
from video_pipeline_tests.doubles.aws.rekognition.rows import Rows

RUNNING, SUCCEEDED, FAILED = "IN_PROGRESS", "SUCCEEDED", "FAILED"


@dataclass
class Job:
    """One analysis of one video."""

    id: str
    number: int
    analysis: Analysis
    call: Call
    content: VideoContent
    quirks: dict[str, str]
    """Faults of this job, each with the vendor's message."""
    started: float
    ends: float | None
    """None: never."""
    status: str = RUNNING
    message: str = ""
    views: dict[tuple[str | None, str | None], Rows] = field(default_factory=dict)

    @property
    def request(self) -> dict[str, Any]:
        """Return the parameters of the request."""
        return self.call.request

    @property
    def object(self) -> dict[str, str]:
        """Return the video's bucket, name and version."""
        return self.request["Video"]["S3Object"]

    @property
    def seed(self) -> str:
        """Return the seed of the results: the same video gives the same results in every job."""
        return "/".join((self.analysis.name, self.object["Bucket"], self.object["Name"]))

    def entry(self) -> dict[str, Any]:
        """Return the job's entry in the books."""
        return {
            "JobId": self.id,
            "account": self.call.account,
            "region": self.call.region,
            "operation": self.analysis.name,
            "bucket": self.object["Bucket"],
            "video": self.object["Name"],
            "version": self.object.get("Version"),
            "token": self.request.get("ClientRequestToken"),
            "tag": self.request.get("JobTag"),
            "types": self.request.get("SegmentTypes"),
            "status": self.status,
            "faults": sorted(self.quirks),
            "milliseconds": self.content.milliseconds if self.status == SUCCEEDED else 0,
        }

    def end(self) -> None:
        """Set the final status, which depends on the faults."""
        failed = self.quirks.get("job_failed") or self.quirks.get("event_error")
        self.status = SUCCEEDED if failed is None else FAILED
        self.message = failed or ""


@dataclass
class Jobs:
    """Every job of every account, in the order of their numbers."""

    seed: str
    by_id: dict[str, Job] = field(default_factory=dict)
    running: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    peaks: dict[tuple[str, str], int] = field(default_factory=dict)
    _tokens: dict[tuple[str, str, str, str], str] = field(default_factory=dict)

    def known(self, call: Call, since: float) -> Job | None:
        """Return the job of the call's token, if it was started at or after `since`.

        Raises Refused if the token was used with other parameters.
        """
        job = self.by_id.get(self._tokens.get(_token(call), ""))
        if job is None or job.started < since:
            return None
        if job.request != call.request:
            raise Refused(
                "IdempotentParameterMismatchException",
                "A ClientRequestToken input parameter was reused with an operation, but at least "
                "one of the other input parameters is different from the previous call to the "
                "operation.",
            )
        return job

    def add(self, job: Job) -> None:
        """Add a running job."""
        place = (job.call.account, job.call.region)
        self.by_id[job.id] = job
        now = self.running.setdefault(place, set())
        now.add(job.id)
        self.peaks[place] = max(self.peaks.get(place, 0), len(now))
        if "ClientRequestToken" in job.request:
            self._tokens[_token(job.call)] = job.id

    def running_with(self, call: Call) -> int:
        """Return the number of running jobs in the account and region of a call."""
        return len(self.running.get((call.account, call.region), ()))

    def next_id(self) -> str:
        """Return an unused job id."""
        return hashlib.sha256(f"{self.seed}/{len(self.by_id)}".encode()).hexdigest()

    def due(self, now: float) -> list[Job]:
        """Return the running jobs that must end by `now`, in the order of their ends."""
        found = [job for job in self.all_running() if job.ends is not None and job.ends <= now]
        return sorted(found, key=lambda job: (job.ends, job.number))

    def all_running(self) -> Iterable[Job]:
        """Return every running job."""
        return (self.by_id[name] for names in self.running.values() for name in names)

    def end(self, job: Job) -> None:
        """End a running job, and free its slot."""
        self.running[job.call.account, job.call.region].discard(job.id)
        job.end()

    def billed(self) -> dict[str, float]:
        """Return the successfully processed minutes, by meter."""
        total: dict[str, int] = {}
        for job in self.by_id.values():
            if job.status == SUCCEEDED:
                for meter in meters(job.analysis, job.request):
                    total[meter] = total.get(meter, 0) + job.content.milliseconds
        return {meter: milliseconds / 60_000 for meter, milliseconds in sorted(total.items())}


def _token(call: Call) -> tuple[str, str, str, str]:
    token = call.request.get("ClientRequestToken", "")
    return call.account, call.region, call.operation, token
