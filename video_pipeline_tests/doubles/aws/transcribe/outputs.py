"""The output of the service: results in the customer's bucket, state changes in a queue."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from video_pipeline.testing.double import client
from video_pipeline_tests.doubles.aws.transcribe.jobs import FAILED, Job
from video_pipeline_tests.doubles.aws.transcribe.results import redacted, result
from video_pipeline_tests.doubles.aws.transcribe.settings import Settings


def write(job: Job, settings: Settings) -> str | None:
    """Write the results to the requested bucket and key. Return an error message, or None."""
    bucket = job.request.get("OutputBucketName")
    if not settings.s3 or not bucket or "output_missing" in job.quirks:
        return None
    s3 = s3_client(settings.s3, job.call.account, job.call.region)
    name = job.name[::-1] if "output_foreign" in job.quirks else job.name
    told = result(name, job.call.account, job.request, job.speech)
    for member, key in job.outputs().items():
        body = json.dumps(redacted(told) if member.startswith("Redacted") else told).encode()
        if "output_malformed" in job.quirks:
            body = body[: len(body) // 2]
        try:
            s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
        except (BotoCoreError, ClientError) as error:
            return f"The output could not be written to your S3 bucket: {error}"
    return None


def tell(job: Job, settings: Settings, now: float) -> list[dict[str, Any]]:
    """Send the events of a job's end in EventBridge's envelope, as changed by its faults.

    Returns the events, also those that were not delivered.
    """
    if "event_lost" in job.quirks:
        return []
    names = [job.name] * (2 if "event_twice" in job.quirks else 1)
    if "event_of_unknown_job" in job.quirks:
        names.append(f"{job.name}.of-somebody-else")
    told = [_event(job, name, now) for name in names]
    if settings.sqs and settings.queue:
        sqs = client("sqs", settings.sqs, job.call.account, region=job.call.region)
        for event in told:
            try:
                sqs.send_message(QueueUrl=settings.queue, MessageBody=json.dumps(event))
            except (BotoCoreError, ClientError) as error:
                event["undelivered"] = str(error)
    return told


def s3_client(endpoint: str, account: str, region: str) -> Any:
    """Return a client of the S3 server that has media and results."""
    return client("s3", endpoint, account, region=region, s3={"addressing_style": "path"})


def _event(job: Job, name: str, now: float) -> dict[str, Any]:
    detail = {"TranscriptionJobName": name, "TranscriptionJobStatus": job.status}
    if job.status == FAILED:
        detail["FailureReason"] = job.reason
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Transcribe Job State Change",
        "source": "aws.transcribe",
        "account": job.call.account,
        "time": datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": job.call.region,
        "resources": [],
        "detail": detail,
    }
