"""Settings of the double. The defaults are the vendor's numbers; a test can change them."""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from video_pipeline.domain.values import Frozen
from video_pipeline_tests.doubles.aws.transcribe.results import Speech

DAY_SECONDS = 86_400


class Settings(Frozen):
    """Quotas and lifetimes of the Amazon Transcribe developer guide, "Guidelines and quotas"."""

    concurrent: int = Field(default=250, ge=0)
    """The limit of jobs in progress of one account in one region."""
    queued_seconds: float = Field(default=0, ge=0)
    """How long a job is QUEUED before it is IN_PROGRESS."""
    running_seconds: float = Field(default=0.2, ge=0)
    kept_seconds: float = 90 * DAY_SECONDS
    """The lifetime of a job's record and of its name."""
    missing_job: Literal["BadRequestException", "NotFoundException"] = "BadRequestException"
    """The error for an unknown job: the service sends the first, its model lists the second."""
    vocabularies: tuple[str, ...] | None = None
    """The existing vocabularies. None: all exist."""
    s3: str | None = None
    """The endpoint of the S3 server for media and results. None: check and write neither."""
    sqs: str | None = None
    """The endpoint of the SQS server that has `queue`."""
    queue: str | None = None
    """The URL of the queue for state changes, which are sent in EventBridge's envelope."""
    media: dict[str, Speech] = Field(default_factory=dict)
    """The speech in media, by a pattern of the object's key. The first match applies."""
    otherwise: Speech = Speech()
    """The speech in all other media."""

    def speech(self, key: str) -> Speech:
        """Return the speech in the media with this key."""
        found = (said for pattern, said in self.media.items() if fnmatchcase(key, pattern))
        return next(found, self.otherwise)
