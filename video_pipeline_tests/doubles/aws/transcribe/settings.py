"""How the double behaves; every number is the vendor's unless a test says otherwise."""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from video_pipeline.domain.values import Frozen
from video_pipeline_tests.doubles.aws.transcribe.results import Speech

DAY_SECONDS = 86_400


class Settings(Frozen):
    """Quotas and lives from the developer guide of Amazon Transcribe, "Guidelines and quotas"."""

    concurrent: int = Field(default=250, ge=0)
    """Jobs in progress at once of one account in one region."""
    queued_seconds: float = Field(default=0, ge=0)
    """How long a job is QUEUED before it is in progress."""
    running_seconds: float = Field(default=0.2, ge=0)
    kept_seconds: float = 90 * DAY_SECONDS
    """The life of a job's record, and of its name."""
    missing_job: Literal["BadRequestException", "NotFoundException"] = "BadRequestException"
    """What is said of an unknown job: the model has the second, the service says the first."""
    vocabularies: tuple[str, ...] | None = None
    """The vocabularies that exist; None: every one does."""
    s3: str | None = None
    """The endpoint of an S3 that has the media and takes results; None: neither is looked at."""
    sqs: str | None = None
    """The endpoint of the SQS that has `queue`."""
    queue: str | None = None
    """The URL of a queue that changes of state are told in, in EventBridge's envelope."""
    media: dict[str, Speech] = Field(default_factory=dict)
    """What is said in media, by a pattern of the object's key; the first that matches holds."""
    otherwise: Speech = Speech()
    """What is said in all others."""

    def speech(self, key: str) -> Speech:
        """What is said in the media with a key."""
        found = (said for pattern, said in self.media.items() if fnmatchcase(key, pattern))
        return next(found, self.otherwise)
