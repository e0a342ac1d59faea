"""Listening to what AWS says of jobs that have ended, in one queue of SQS.

It comes there by a topic of SNS, with or without raw message delivery, or from EventBridge. What a
queue holds beside that, or nobody can read, is left where it is, so that the queue's redrive
policy sees to it. Which job a message means, its plugin says.

Formats: "Amazon SNS message and JSON formats", and "Monitoring Amazon Transcribe with EventBridge".
"""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from video_pipeline.domain.errors import FailureCategory
from video_pipeline.plugins.base import Heard
from video_pipeline.providers.aws.errors import Meaning, told

_log = logging.getLogger(__name__)
BATCH = 10
"""The most that SQS gives, and lets be deleted, at once."""
_BATCHES = 10
"""At most so many at once: the sweep has others to look after."""
_VISIBILITY_SECONDS = 120
"""How long a message that was received stays unseen: longer than a sweep needs for a batch."""
_ENDED = ("COMPLETED", "FAILED")

_GONE = Meaning(
    FailureCategory.UNSUPPORTED,
    "there is no such queue",
    "Correct `completions` in pipeline.yaml, or make the queue; jobs are looked up meanwhile.",
)
_OWN: dict[str, Meaning] = dict.fromkeys(
    ("AWS.SimpleQueueService.NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"), _GONE
)

JobsOf = Callable[[dict[str, Any]], Sequence[str]]
"""The job that a message says has ended, as units know it; where it leaves open which one, those
that it may be; nothing for a message of something else."""


class Queue:
    """The messages in one queue. All methods raise ProviderError."""

    def __init__(self, client: Callable[[], Any], url: str, jobs_of: JobsOf) -> None:
        self._client, self._url, self._jobs_of = client, url, jobs_of

    def listen(self) -> list[Heard]:
        """What is there, at most 100 messages."""
        heard: list[Heard] = []
        for _ in range(_BATCHES):
            messages = self._receive(wait_seconds=0 if heard else 1)
            heard += [one for message in messages for one in self._heard(message)]
            if len(messages) < BATCH:
                break
        return heard

    def acknowledge(self, heard: Sequence[Heard]) -> None:
        """Delete them. One that cannot be deleted now comes again, and does no harm."""
        receipts = list(dict.fromkeys(one.receipt for one in heard))
        for start in range(0, len(receipts), BATCH):
            entries = [
                {"Id": str(index), "ReceiptHandle": receipt}
                for index, receipt in enumerate(receipts[start : start + BATCH])
            ]
            with told(self._url, _OWN):
                answer = self._client().delete_message_batch(QueueUrl=self._url, Entries=entries)
            for failed in answer.get("Failed", ()):
                _log.warning("%s: a message was not deleted: %s", self._url, failed.get("Code"))

    def _receive(self, wait_seconds: int) -> list[dict[str, Any]]:
        with told(self._url, _OWN):
            answer = self._client().receive_message(
                QueueUrl=self._url,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=wait_seconds,
                VisibilityTimeout=_VISIBILITY_SECONDS,
            )
        return list(answer.get("Messages", ()))

    def _heard(self, message: dict[str, Any]) -> list[Heard]:
        body = message.get("Body", "")
        carried = carried_by(body)
        jobs = self._jobs_of(carried) if carried is not None else ()
        if not jobs:
            _log.warning("%s: left for its redrive policy: %.200r", self._url, body)
        return [Heard(job=job, receipt=message["ReceiptHandle"]) for job in jobs]


def carried_by(body: str) -> dict[str, Any] | None:
    """The object in a message, without the envelope that SNS may have put around it; None for what
    is none. Pure."""
    found = _object(body)
    if found is None:
        return None
    inner = found.get("Message")
    if found.get("Type") == "Notification" and isinstance(inner, str):
        return _object(inner)
    return found


def transcribe_jobs(message: dict[str, Any]) -> Sequence[str]:
    """The name of the job that an event of Transcribe says has ended. Pure."""
    detail = message.get("detail")
    ours = message.get("source") == "aws.transcribe"
    if not ours or message.get("detail-type") != "Transcribe Job State Change":
        return ()
    if not isinstance(detail, dict) or detail.get("TranscriptionJobStatus") not in _ENDED:
        return ()
    name = detail.get("TranscriptionJobName")
    return (name,) if isinstance(name, str) and name else ()


def _object(text: str) -> dict[str, Any] | None:
    try:
        value: Any = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
