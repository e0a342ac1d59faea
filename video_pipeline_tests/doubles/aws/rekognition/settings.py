"""How the double behaves; every number is the vendor's unless a test says otherwise."""

from fnmatch import fnmatchcase
from typing import Literal

from pydantic import Field

from video_pipeline.domain.values import Frozen
from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent

DAY_SECONDS = 86_400


class Settings(Frozen):
    """Quotas and lives from the developer guide of Amazon Rekognition, "Guidelines and quotas"."""

    concurrent: int = Field(default=20, ge=0)
    """Jobs at once of one account in one region, over all operations."""
    running_seconds: float = Field(default=0.2, ge=0)
    """How long a job runs."""
    page_rows: int = Field(default=1000, ge=1, le=1000)
    page_token_seconds: float = DAY_SECONDS
    """The life of a NextToken."""
    kept_seconds: float = 7 * DAY_SECONDS
    """The life of results and of a ClientRequestToken."""
    sns: str | None = None
    """The endpoint of an SNS that completions are published to; None: nobody is told."""
    api_spelling: Literal["operation", "constant", "both"] = "both"
    """`API` in a message: `StartLabelDetection`, `LABEL_DETECTION`, or the one and the other in
    turn: the vendor's documentation shows both."""
    s3: str | None = None
    """The endpoint of an S3 in which objects must exist; None: every object does."""
    videos: dict[str, VideoContent] = Field(default_factory=dict)
    """What is in videos, by a pattern of the object's key; the first that matches holds."""
    otherwise: VideoContent = VideoContent()
    """What is in all others."""

    def content(self, key: str) -> VideoContent:
        """What is in the video with a key."""
        found = (c for pattern, c in self.videos.items() if fnmatchcase(key, pattern))
        return next(found, self.otherwise)
