"""How many jobs of Amazon Transcribe stand, with few requests.

The service lets 30 jobs a second be looked up one by one, and 5 pages a second of 100 jobs each be
listed, the newest first (developer guide, "Guidelines and quotas"). A page so costs as much of
what is allowed as six single looks: that many are listed at most as cost no more than looking at
each. What was not listed, as it is old or unknown, is looked up by itself.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from video_pipeline.plugins.base import JobStatus
from video_pipeline.providers.aws_errors import unreadable
from video_pipeline.providers.aws_transcribe.reasons import UNKNOWN_JOB, failure, refusal
from video_pipeline.providers.aws_transcribe.request import PREFIX

LOOKS_A_PAGE = 6
PAGE = 100
_RUNNING = JobStatus(state="running")


def statuses(client: Any, jobs: Sequence[str]) -> dict[str, JobStatus]:
    """How they stand; one that the service does not know is left out. Raises what `client` does."""
    found = _listed(client, frozenset(jobs), len(jobs) // LOOKS_A_PAGE)
    for job in jobs:
        if job not in found and (status := _looked_up(client, job)):
            found[job] = status
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


def _listed(client: Any, wanted: frozenset[str], pages: int) -> dict[str, JobStatus]:
    found: dict[str, JobStatus] = {}
    token: dict[str, str] = {}
    for _ in range(pages):
        page = client.list_transcription_jobs(JobNameContains=PREFIX, MaxResults=PAGE, **token)
        for job in page.get("TranscriptionJobSummaries", ()):
            if job["TranscriptionJobName"] in wanted:
                found[job["TranscriptionJobName"]] = status_of(job)
        if len(found) == len(wanted) or not page.get("NextToken"):
            break
        token = {"NextToken": page["NextToken"]}
    return found


def _looked_up(client: Any, job: str) -> JobStatus | None:
    from botocore.exceptions import ClientError

    from video_pipeline.aws.answers import code_of, message_of

    try:
        answer = client.get_transcription_job(TranscriptionJobName=job)
        return status_of(record_in(answer, job))
    except ClientError as error:
        code = code_of(error)
        if refusal(code, message_of(error)).get(code) is UNKNOWN_JOB:
            return None
        raise
