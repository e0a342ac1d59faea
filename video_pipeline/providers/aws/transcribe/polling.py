"""How many jobs of Amazon Transcribe stand, with few requests.

The service lets 30 jobs a second be looked up one by one, and 5 pages a second of 100 jobs each be
listed, the newest first (developer guide, "Guidelines and quotas"). A page so costs as much of
what is allowed as six single looks: that many are listed at most as cost no more than looking at
each. What was not listed, as it is old or unknown, is looked up by itself.
"""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from video_pipeline.aws.errors import code_of, failures, message_of
from video_pipeline.domain.errors import ProviderError
from video_pipeline.plugins.base import JobStatus
from video_pipeline.providers.aws.errors import unreadable
from video_pipeline.providers.aws.transcribe.reasons import UNKNOWN_JOB, failure, refusal
from video_pipeline.providers.aws.transcribe.request import PREFIX

LOOKS_A_PAGE = 6
PAGE = 100
_PAGE_SECONDS = 0.2
"""Between two pages of a list, of which the service gives 5 a second."""
_log = logging.getLogger(__name__)
_RUNNING = JobStatus(state="running")


def statuses(
    client: Any, jobs: Sequence[str], sleep: Callable[[float], object] = time.sleep
) -> dict[str, JobStatus]:
    """How they stand; one that the service does not know is left out. Once a request has failed,
    all that are not known by then count as running. Raises what `client` does, where none is known
    by then."""
    found: dict[str, JobStatus] = {}
    unknown: set[str] = set()
    try:
        for line in _listed(client, frozenset(jobs), len(jobs) // LOOKS_A_PAGE, sleep):
            found |= line
        for job in jobs:
            status = found.get(job) or _looked_up(client, job)
            found |= {job: status} if status else {}
            unknown |= set() if status else {job}
    except (*failures(), ProviderError) as error:
        if not found:
            raise
        _log.warning("%d jobs are looked up later: %s", len({*jobs} - {*found} - unknown), error)
        found |= dict.fromkeys({*jobs} - {*found} - unknown, _RUNNING)
    return found


def status_of(job: Mapping[str, Any]) -> JobStatus:
    """From a job's record, or its line in a list."""
    match job["TranscriptionJobStatus"]:
        case "COMPLETED":
            return JobStatus(state="succeeded")
        case "FAILED":
            return JobStatus(state="failed", failure=failure(job.get("FailureReason") or ""))
        case _:
            return _RUNNING


def record_in(answer: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A job's record. Raises ProviderError for an answer without it, as which the SDK takes a page
    of somebody between."""
    record = answer.get("TranscriptionJob") or {}
    if record.get("TranscriptionJobName") != name:
        raise unreadable("it names no job", name)
    return dict(record)


def _listed(
    client: Any, wanted: frozenset[str], pages: int, sleep: Callable[[float], object]
) -> Iterator[dict[str, JobStatus]]:
    """Page by page, those of the jobs that are listed."""
    left = set(wanted)
    token: dict[str, str] = {}
    for number in range(pages):
        if number:
            sleep(_PAGE_SECONDS)
        page = client.list_transcription_jobs(JobNameContains=PREFIX, MaxResults=PAGE, **token)
        jobs = page.get("TranscriptionJobSummaries", ())
        listed = {job["TranscriptionJobName"]: job for job in jobs}
        yield {name: status_of(job) for name, job in listed.items() if name in wanted}
        left -= listed.keys()
        if not left or not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}


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
