"""Polling many jobs of Amazon Transcribe with few requests.

The service allows 30 Gets a second, and 5 Lists a second of 100 jobs each, the newest first
(developer guide, "Guidelines and quotas"). So a page costs as much of the quota as six Gets. Pages
are listed only while they are cheaper than Gets. A job that was not listed is polled by itself.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from video_pipeline.aws.errors import UNFIT, code_of, failures, message_of
from video_pipeline.domain.errors import ProviderError
from video_pipeline.plugins.base import JobStatus
from video_pipeline.plugins.paging import pages
from video_pipeline.providers.aws.errors import unreadable
from video_pipeline.providers.aws.jobs import unended
from video_pipeline.providers.aws.transcribe.reasons import UNKNOWN_JOB, failure, refusal
from video_pipeline.providers.aws.transcribe.request import PREFIX

LOOKS_A_PAGE = 6
PAGE = 100
# Between two pages of a list: the service allows 5 a second.
_PAGE_SECONDS = 0.2
_log = logging.getLogger(__name__)
_RUNNING = JobStatus(state="running")


def statuses(
    client: Any, jobs: Sequence[str], sleep: Callable[[float], object] = time.sleep
) -> dict[str, JobStatus]:
    """Return the status of jobs, without those that the service does not know. Once a request has
    failed, all jobs without a status count as running. Raises the failure if none has one."""
    found: dict[str, JobStatus] = {}
    unknown: set[str] = set()
    try:
        for line in _listed(client, frozenset(jobs), len(jobs) // LOOKS_A_PAGE, sleep):
            found |= line
        for job in jobs:
            status = found.get(job) or _looked_up(client, job)
            found |= {job: status} if status else {}
            unknown |= set() if status else {job}
    except (*failures(), *UNFIT, ProviderError) as error:
        if not found:
            raise
        _log.warning("%d jobs are looked up later: %s", len({*jobs} - {*found} - unknown), error)
        found |= dict.fromkeys({*jobs} - {*found} - unknown, _RUNNING)
    return found


def status_of(job: Mapping[str, Any]) -> JobStatus:
    """Return the status in a job's record or list entry."""
    match job.get("TranscriptionJobStatus"):
        case "COMPLETED":
            return JobStatus(state="succeeded")
        case "FAILED":
            return JobStatus(state="failed", failure=failure(job.get("FailureReason") or ""))
        case status:
            return unended(status, ("QUEUED", "IN_PROGRESS"), str(job.get("TranscriptionJobName")))


def record_in(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return a job's record. Raises ProviderError for an answer without it, as a proxy's."""
    record = answer.get("TranscriptionJob") or {}
    if record.get("TranscriptionJobName") != name:
        raise unreadable("it names no job", name)
    return dict(record)


def _listed(
    client: Any, wanted: frozenset[str], most: int, sleep: Callable[[float], object]
) -> Iterator[dict[str, JobStatus]]:
    """Yield the status of the listed jobs, page by page, at most of so many pages."""

    def ask(token: str | None) -> Any:
        if token:
            sleep(_PAGE_SECONDS)
        more = {"NextToken": token} if token else {}
        return client.list_transcription_jobs(JobNameContains=PREFIX, MaxResults=PAGE, **more)

    left = set(wanted)
    try:
        for page in islice(pages(ask, lambda page: page.get("NextToken"), _endless), most):
            jobs = page.get("TranscriptionJobSummaries", ())
            listed = {job.get("TranscriptionJobName"): job for job in jobs}
            yield {name: status_of(job) for name, job in listed.items() if name in wanted}
            left -= listed.keys()
            if not left:
                return
    except ProviderError as error:
        _log.warning("%d jobs are looked up one by one: %s", len(left), error)


def _endless(why: str) -> ProviderError:
    return unreadable(f"the list of jobs does not end: {why}", "jobs")


def _looked_up(client: Any, job: str) -> JobStatus | None:
    from botocore.exceptions import ClientError

    try:
        answer = client.get_transcription_job(TranscriptionJobName=job)
        return status_of(record_in(answer, job))
    except ClientError as error:
        code = code_of(error)
        if refusal(code, message_of(error)).get(code) is UNKNOWN_JOB:
            return None
        raise
