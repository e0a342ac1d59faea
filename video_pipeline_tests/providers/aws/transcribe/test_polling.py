"""How many jobs stand is asked with few requests, and what was heard outlives one that fails."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from botocore.stub import Stubber

from video_pipeline.providers.aws.transcribe.polling import LOOKS_A_PAGE, statuses

JOBS = [f"video-pipeline-{n}" for n in range(2 * LOOKS_A_PAGE)]


@pytest.fixture
def stub() -> Iterator[Stubber]:
    keys = {"aws_access_key_id": "a", "aws_secret_access_key": "b"}
    with Stubber(boto3.client("transcribe", region_name="eu-west-1", **keys)) as stubbed:
        yield stubbed
        stubbed.assert_no_pending_responses()


def listed(stub: Stubber, *jobs: str, more: str | None = None) -> None:
    lines = [{"TranscriptionJobName": job, "TranscriptionJobStatus": "COMPLETED"} for job in jobs]
    token = {"NextToken": more} if more else {}
    stub.add_response("list_transcription_jobs", {"TranscriptionJobSummaries": lines, **token})


def asked(stub: Stubber, sleep: Any = lambda _: None) -> dict[str, str]:
    found = statuses(stub.client, JOBS, sleep)
    return {job: status.state for job, status in found.items()}


def test_pages_are_listed_no_faster_than_the_service_gives_them(stub: Stubber) -> None:
    listed(stub, *JOBS[:5], more="next")
    listed(stub, *JOBS[5:])
    waited: list[float] = []
    assert asked(stub, waited.append) == dict.fromkeys(JOBS, "succeeded")
    assert waited == [0.2]


def test_statuses_listed_before_failure_are_returned(stub: Stubber) -> None:
    listed(stub, *JOBS[:5], more="next")
    stub.add_client_error("list_transcription_jobs", "ThrottlingException")
    assert asked(stub) == dict.fromkeys(JOBS[:5], "succeeded") | dict.fromkeys(JOBS[5:], "running")


def test_forgotten_job_is_omitted_despite_later_failure(stub: Stubber) -> None:
    listed(stub, *JOBS[:5])
    stub.add_client_error("get_transcription_job", "NotFoundException")
    stub.add_client_error("get_transcription_job", "InternalFailureException")
    assert set(asked(stub)) == {*JOBS} - {JOBS[5]}


def test_failure_before_first_status_raises(stub: Stubber) -> None:
    stub.add_client_error("list_transcription_jobs", "AccessDeniedException")
    with pytest.raises(ClientError, match="AccessDenied"):
        asked(stub)


def test_list_that_repeats_its_token_is_left_for_lookups(stub: Stubber) -> None:
    jobs = [f"video-pipeline-{n}" for n in range(4 * LOOKS_A_PAGE)]
    listed(stub, *jobs[:-1], more="next")
    listed(stub, more="next")
    record = {"TranscriptionJobName": jobs[-1], "TranscriptionJobStatus": "COMPLETED"}
    stub.add_response("get_transcription_job", {"TranscriptionJob": record})
    found = statuses(stub.client, jobs, lambda _: None)
    assert {job: status.state for job, status in found.items()} == dict.fromkeys(jobs, "succeeded")
