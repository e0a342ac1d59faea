"""Completions as the vendor publishes them to an SNS topic."""

import json
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from video_pipeline.testing.double import client
from video_pipeline_tests.doubles.aws.rekognition.jobs import Job
from video_pipeline_tests.doubles.aws.rekognition.settings import Settings


class Events:
    """Publishes what becomes of jobs, where a topic was named and an SNS is known."""

    def __init__(self) -> None:
        self.published: list[dict[str, Any]] = []
        self._clients: dict[tuple[str, str], Any] = {}

    def tell(self, job: Job, settings: Settings, now: float) -> None:
        """Publish the end of a job, with the faults that it has."""
        if "NotificationChannel" not in job.request or "event_lost" in job.quirks:
            return
        message = _message(job, settings, now)
        self._publish(job, settings, message)
        if "event_twice" in job.quirks:
            self._publish(job, settings, message)
        if "event_of_unknown_job" in job.quirks:
            self._publish(job, settings, message | {"JobId": job.id[::-1]})

    def _publish(self, job: Job, settings: Settings, message: dict[str, Any]) -> None:
        topic = job.request["NotificationChannel"]["SNSTopicArn"]
        told = {"topic": topic, **message}
        if settings.sns:
            sns = self._client(settings.sns, topic.split(":")[3], job.call.account)
            try:
                sns.publish(TopicArn=topic, Message=json.dumps(message))
            except (BotoCoreError, ClientError) as error:  # the vendor does not try again either
                told["undelivered"] = str(error)
        self.published.append(told)

    def _client(self, endpoint: str, region: str, account: str) -> Any:
        key = (region, account)
        if key not in self._clients:
            self._clients[key] = client("sns", endpoint, account, region=region)
        return self._clients[key]


def _message(job: Job, settings: Settings, now: float) -> dict[str, Any]:
    spelling = settings.api_spelling
    if spelling == "both":
        spelling = "operation" if job.number % 2 else "constant"
    message: dict[str, Any] = {
        "JobId": job.id,
        "Status": "ERROR" if "event_error" in job.quirks else job.status,
        "API": job.call.operation if spelling == "operation" else job.analysis.constant,
        "Timestamp": int(now * 1000),
        "Video": {"S3ObjectName": job.object["Name"], "S3Bucket": job.object["Bucket"]},
    }
    if "JobTag" in job.request:
        message["JobTag"] = job.request["JobTag"]
    return message
