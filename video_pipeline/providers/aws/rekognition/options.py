"""Options of Rekognition Video. Defaults are the service's own where it has one."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from video_pipeline.domain.results.markers import Kind
from video_pipeline.providers.aws.session import AwsOptions

Offered = Literal["shot", "technical-cue", "label", "object", "text", "face", "moderation"]
Percent = Annotated[float, Field(ge=0, le=100)]
SegmentPercent = Annotated[float, Field(ge=50, le=100)]
# GeneralLabelsFilterValue of the service's model, whose are topic's and role's patterns, too.
Filter = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[A-Za-z0-9àâèçñó'-_(). ]+$")]
_LABELS: tuple[Offered, ...] = ("label", "object")


class RekognitionOptions(AwsOptions):
    """Kinds, confidences and filters, and how AWS is reached."""

    kinds: tuple[Offered, ...] = Field(
        default=(Kind.SHOT.value, Kind.CUE.value, *_LABELS), min_length=1
    )
    """What it offers. `label` and `object` are one analysis, each other one is paid by itself."""
    shot_confidence: SegmentPercent = 50
    """Shots that are less sure are left out, in percent, as all confidences here."""
    cue_confidence: SegmentPercent = 50
    black_pixel_threshold: float = Field(default=0.2, ge=0, le=1)
    """How bright a pixel may be that counts as black; 0 is black itself."""
    black_coverage: Percent = 99
    """How much of a frame must be black, in percent."""
    label_confidence: Percent = 50
    labels: tuple[Filter, ...] = Field(default=(), max_length=100)
    """Only these labels; all where it is empty."""
    labels_not: tuple[Filter, ...] = Field(default=(), max_length=100)
    categories: tuple[Filter, ...] = Field(default=(), max_length=100)
    """Only labels of these categories."""
    categories_not: tuple[Filter, ...] = Field(default=(), max_length=100)
    text_confidence: Percent = 80
    moderation_confidence: Percent = 50
    concurrent_jobs: int = Field(default=20, ge=1, exclude=True)
    """How many jobs the account may run at once in the region, over all analyses."""
    deadline_hours: float = Field(default=24, gt=0, le=160, exclude=True)
    """When a job that still runs is given up; results are kept for 7 days."""
    topic: str | None = Field(
        default=None, pattern=r"^arn:aws:sns:[a-z0-9-]+:\d{12}:.+$", exclude=True
    )
    """The ARN of the SNS topic that Rekognition notifies of ended jobs."""
    topic_role: str | None = Field(
        default=None, pattern=r"^arn:aws:iam::\d{12}:role/[a-zA-Z_0-9+=,.@\-/]+$", exclude=True
    )
    """The ARN of the role by which Rekognition publishes there."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        if bool(self.topic) != bool(self.topic_role):
            raise ValueError("topic and topic_role go together: name both, or none")
        if self.topic and self.topic.split(":")[3] != self.region:
            raise ValueError(f"topic must lie in the provider's region, {self.region}")
        if self.completions and not self.topic:
            raise ValueError("`completions` needs topic and topic_role: the topic feeds that queue")
        if bool(set(_LABELS) & set(self.kinds)) and not set(_LABELS) <= set(self.kinds):
            raise ValueError("label and object are one analysis: name both, or none")
        return self
