"""Notices in a queue of Amazon SQS. The client is made elsewhere, with its sessions and retries."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from video_pipeline.aws.errors import UNFIT, Cause, Fault, translated
from video_pipeline.aws.queue import VISIBILITY_SECONDS, SqsQueue, Unreadable
from video_pipeline.domain.errors import NoticesError
from video_pipeline.notifications.messages import read
from video_pipeline.notifications.queue import Delivery

# Short, since sensors take turns.
WAIT_SECONDS = 1
_RIGHTS = "Allow sqs:ReceiveMessage and sqs:DeleteMessage, and SendMessage to the other."
_REMEDIES = {
    Cause.ABSENT_QUEUE: "Correct storage.ingest.notifications, or create the queue.",
    Cause.DENIED: _RIGHTS,
    Cause.KMS: "Allow kms:Decrypt and kms:GenerateDataKey on the queue's key.",
    Cause.EXPIRED: "Log in again, or renew the credentials.",
    Cause.WRONG_KEYS: "Correct the credentials.",
    Cause.CLOCK: "Set this machine's clock, best by NTP.",
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
        self._bucket, self._wait = bucket, wait_seconds
        self._queue = SqsQueue(lambda: client, queue, _errors, dead_letters, visibility_seconds)

    def receive(self) -> list[Delivery]:
        return [self._read(*message) for message in self._queue.receive(self._wait)]

    def acknowledge(self, deliveries: Sequence[Delivery]) -> None:
        self._queue.delete(one.receipt for one in deliveries)

    def set_aside(self, delivery: Delivery) -> bool:
        return self._queue.set_aside(delivery.receipt, delivery.body, delivery.unreadable)

    def _read(self, receipt: str, body: str) -> Delivery:
        try:
            return Delivery(receipt=receipt, body=body, notices=read(body, self._bucket))
        except Unreadable as error:
            return Delivery(receipt=receipt, body=body, unreadable=str(error))


def _errors(queue: str) -> AbstractContextManager[None]:
    return translated(lambda fault: _error(fault, queue), UNFIT)


def _error(fault: Fault, queue: str) -> NoticesError:
    if not (fault.code or fault.operation):
        what = f"SQS does not answer: {fault.said}"
        remedy = "Look at the network, the region and the credentials."
    else:
        what = f"SQS refused ({fault.code}): {fault.said}"
        remedy = _REMEDIES.get(fault.cause, "Look the code up in the SQS API reference.")
    return NoticesError(what.rstrip(". "), where=queue, remedy=remedy)
