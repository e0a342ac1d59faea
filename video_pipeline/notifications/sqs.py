"""Notices in a queue of Amazon SQS. The client is made elsewhere, with its sessions and retries."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from video_pipeline.domain.errors import NoticesError
from video_pipeline.notifications.messages import Unreadable, read
from video_pipeline.notifications.queue import Delivery

BATCH = 10
"""The most that SQS gives, and lets be deleted, at once."""
WAIT_SECONDS = 1
"""A wait above 0 asks all of the queue's servers; sensors take turns, so it is short."""
VISIBILITY_SECONDS = 120
"""How long a message that was received stays unseen: longer than a batch can take."""
_REASON_LENGTH = 1000
_REMEDIES = {
    "AWS.SimpleQueueService.NonExistentQueue": "Correct storage.ingest.notifications, or make it.",
    "QueueDoesNotExist": "Correct storage.ingest.notifications, or make it.",
    "AccessDenied": "Allow sqs:ReceiveMessage and sqs:DeleteMessage, and SendMessage to the other.",
    "AccessDeniedException": "Allow sqs:ReceiveMessage and sqs:DeleteMessage, and SendMessage to"
    " the other.",
    "ExpiredToken": "Log in again, or renew the credentials.",
    "InvalidClientTokenId": "Correct the credentials.",
}


class SqsNotices:
    """Implements NoticeQueue for one bucket."""

    def __init__(
        self,
        client: Any,
        bucket: str,
        queue: str,
        dead_letters: str | None = None,
        wait_seconds: int = WAIT_SECONDS,
        visibility_seconds: int = VISIBILITY_SECONDS,
    ) -> None:
        self._client, self._bucket = client, bucket
        self._wait, self._visibility = wait_seconds, visibility_seconds
        self._queue, self._dead_letters = queue, dead_letters

    def receive(self) -> list[Delivery]:
        with _translated(self._queue):
            answer = self._client.receive_message(
                QueueUrl=self._queue,
                MaxNumberOfMessages=BATCH,
                WaitTimeSeconds=self._wait,
                VisibilityTimeout=self._visibility,
            )
        return [
            self._read(message["ReceiptHandle"], message.get("Body", ""))
            for message in answer.get("Messages", ())
        ]

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        """A message that cannot be deleted now comes again, and does no harm."""
        for start in range(0, len(deliveries), BATCH):
            entries = [
                {"Id": str(index), "ReceiptHandle": one.receipt}
                for index, one in enumerate(deliveries[start : start + BATCH])
            ]
            with _translated(self._queue):
                self._client.delete_message_batch(QueueUrl=self._queue, Entries=entries)

    def set_aside(self, delivery: Delivery) -> bool:
        """Sent on before it is deleted here: between the two it is in both, never in none."""
        if self._dead_letters is None:
            return False
        reason = {"StringValue": delivery.unreadable[:_REASON_LENGTH], "DataType": "String"}
        with _translated(self._dead_letters):
            self._client.send_message(
                QueueUrl=self._dead_letters,
                MessageBody=delivery.body or "(empty)",
                MessageAttributes={"reason": reason},
            )
        self.acknowledge([delivery])
        return True

    def _read(self, receipt: str, body: str) -> Delivery:
        try:
            return Delivery(receipt=receipt, body=body, notices=read(body, self._bucket))
        except Unreadable as error:
            return Delivery(receipt=receipt, body=body, unreadable=str(error))


@contextmanager
def _translated(queue: str) -> Generator[None]:
    try:
        yield
    except ClientError as error:
        told = error.response.get("Error", {})
        code = told.get("Code", "")
        raise NoticesError(
            f"SQS refused ({code}): {told.get('Message', '')}".rstrip(". "),
            where=queue,
            remedy=_REMEDIES.get(code, "Look the code up in the SQS API reference."),
        ) from error
    except BotoCoreError as error:
        raise NoticesError(
            f"SQS does not answer: {error}".rstrip(". "),
            where=queue,
            remedy="Look at the network, the region and the credentials.",
        ) from error
