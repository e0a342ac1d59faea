"""Events of AWS about ended jobs, in one queue of SQS.

They arrive by a topic of SNS, with or without raw message delivery, or from EventBridge. Other
messages stay in the queue, for its redrive policy. A plugin says which job a message means.

Format: "Monitoring Amazon Transcribe with EventBridge".
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any

from video_pipeline.aws.queue import BATCH, SqsQueue, Unreadable, message_in
from video_pipeline.plugins.base import Heard
from video_pipeline.providers.aws.errors import provider_errors

_log = logging.getLogger(__name__)
# The most batches of one `listen`: the sweep has other work.
_BATCHES = 10
_ENDED = ("COMPLETED", "FAILED")

# The job that a message says has ended, as units know it; where it leaves open which one, those
# that it may be; nothing for a message of something else.
JobsOf = Callable[[dict[str, Any]], Sequence[str]]


class Queue:
    """The events in one queue. All methods raise ProviderError."""

    def __init__(self, client: Callable[[], Any], url: str, jobs_of: JobsOf) -> None:
        self._queue, self._jobs_of = SqsQueue(client, url, provider_errors), jobs_of

    def listen(self) -> list[Heard]:
        """Return the next events, of at most 100 messages."""
        heard: list[Heard] = []
        for _ in range(_BATCHES):
            messages = self._queue.receive(wait_seconds=0 if heard else 1)
            heard += [one for message in messages for one in self._heard(*message)]
            if len(messages) < BATCH:
                break
        return heard

    def acknowledge(self, heard: Sequence[Heard]) -> None:
        """Delete them."""
        self._queue.delete(one.receipt for one in heard)

    def _heard(self, receipt: str, body: str) -> list[Heard]:
        try:
            jobs = self._jobs_of(message_in(body))
        except Unreadable:
            jobs = ()
        if not jobs:
            _log.warning("%s: left for its redrive policy: %.200r", self._queue.url, body)
        return [Heard(job=job, receipt=receipt) for job in jobs]


def transcribe_jobs(message: dict[str, Any]) -> Sequence[str]:
    """Return the name of the job that an event of Transcribe says has ended."""
    detail = message.get("detail")
    ours = message.get("source") == "aws.transcribe"
    if not ours or message.get("detail-type") != "Transcribe Job State Change":
        return ()
    if not isinstance(detail, dict) or detail.get("TranscriptionJobStatus") not in _ENDED:
        return ()
    name = detail.get("TranscriptionJobName")
    return (name,) if isinstance(name, str) and name else ()
