"""The five analyses of stored videos: kinds, requests, meters, and the names of their jobs.

Names and members are those of the service's model in botocore.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import JsonValue

from video_pipeline.domain.results.markers import Kind
from video_pipeline.providers.aws.rekognition.options import RekognitionOptions

Parameters = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One pair of operations, Start and Get."""

    name: str
    """As in both operations' names."""
    rows: str
    """The member of Get's answer that holds the rows."""
    kinds: tuple[Kind, ...]
    dimensions: dict[Kind, str]
    """The metered dimension of each kind; kinds with the same one are paid once."""
    asked: Callable[[RekognitionOptions, Sequence[str]], Parameters]
    """Parameters of Start for some kinds, besides the video."""

    @property
    def start(self) -> str:
        return f"Start{self.name}"

    @property
    def get(self) -> str:
        return f"Get{self.name}"

    def among(self, kinds: Sequence[str]) -> tuple[Kind, ...]:
        """Return those of some kinds that it serves, in its own order."""
        return tuple(kind for kind in self.kinds if kind in kinds)

    def metered(self, kinds: Sequence[str]) -> tuple[str, ...]:
        """Return the dimensions metered for these kinds."""
        return tuple(dict.fromkeys(self.dimensions[kind] for kind in self.among(kinds)))


def _segments(options: RekognitionOptions, kinds: Sequence[str]) -> Parameters:
    types: list[JsonValue] = []
    filters: Parameters = {}
    if Kind.SHOT in kinds:
        types.append("SHOT")
        filters["ShotFilter"] = {"MinSegmentConfidence": options.shot_confidence}
    if Kind.CUE in kinds:
        types.append("TECHNICAL_CUE")
        filters["TechnicalCueFilter"] = {
            "MinSegmentConfidence": options.cue_confidence,
            "BlackFrame": {
                "MaxPixelThreshold": options.black_pixel_threshold,
                "MinCoveragePercentage": options.black_coverage,
            },
        }
    return {"SegmentTypes": types, "Filters": filters}


def _labels(options: RekognitionOptions, kinds: Sequence[str]) -> Parameters:
    named = {
        "LabelInclusionFilters": options.labels,
        "LabelExclusionFilters": options.labels_not,
        "LabelCategoryInclusionFilters": options.categories,
        "LabelCategoryExclusionFilters": options.categories_not,
    }
    general: Parameters = {name: [*sorted(set(some))] for name, some in named.items() if some}
    settings: Parameters = {"Settings": {"GeneralLabels": general}} if general else {}
    return {
        "MinConfidence": options.label_confidence,
        "Features": ["GENERAL_LABELS"],
        **settings,
    }


def _text(options: RekognitionOptions, kinds: Sequence[str]) -> Parameters:
    return {"Filters": {"WordFilter": {"MinConfidence": options.text_confidence}}}


def _faces(options: RekognitionOptions, kinds: Sequence[str]) -> Parameters:
    """Ask where faces are, never whose: no search in collections, no attributes of persons."""
    return {"FaceAttributes": "DEFAULT"}


def _moderation(options: RekognitionOptions, kinds: Sequence[str]) -> Parameters:
    return {"MinConfidence": options.moderation_confidence}


ANALYSES: tuple[Analysis, ...] = (
    Analysis(
        "SegmentDetection",
        "Segments",
        (Kind.SHOT, Kind.CUE),
        {Kind.SHOT: "shot", Kind.CUE: "technical-cue"},
        _segments,
    ),
    Analysis(
        "LabelDetection",
        "Labels",
        (Kind.LABEL, Kind.OBJECT),
        {Kind.LABEL: "label", Kind.OBJECT: "label"},
        _labels,
    ),
    Analysis("TextDetection", "TextDetections", (Kind.TEXT,), {Kind.TEXT: "text"}, _text),
    Analysis("FaceDetection", "Faces", (Kind.FACE,), {Kind.FACE: "face"}, _faces),
    Analysis(
        "ContentModeration",
        "ModerationLabels",
        (Kind.MODERATION,),
        {Kind.MODERATION: "moderation"},
        _moderation,
    ),
)
BY_NAME = {analysis.name: analysis for analysis in ANALYSES}
BY_START = {analysis.start: analysis for analysis in ANALYSES}
_ENDED = ("SUCCEEDED", "FAILED", "ERROR")


def job_name(analysis: Analysis, job_id: str) -> str:
    """Return what a unit calls a job. AWS's JobId does not name the analysis, and each analysis is
    polled by an operation of its own."""
    return f"{analysis.name}/{job_id}"


def parsed(job: str) -> tuple[Analysis, str] | None:
    """Return the analysis and JobId of a job; None for a name of another form."""
    name, _, job_id = job.partition("/")
    return (BY_NAME[name], job_id) if name in BY_NAME and job_id else None


def jobs_of(message: dict[str, Any]) -> Sequence[str]:
    """Return the job that a notification says has ended.

    The documentation spells `API` as StartLabelDetection and as LABEL_DETECTION. With another
    spelling it may be the job of any analysis; units know only one of these.

    Format: "Reference: Video analysis results notification" of the developer guide.
    """
    job_id, status = message.get("JobId"), message.get("Status")
    if not isinstance(job_id, str) or not job_id or status not in _ENDED:
        return ()
    told = _plain(str(message.get("API", "")))
    meant = [one for one in ANALYSES if told in (_plain(one.start), _plain(one.name))]
    return [job_name(analysis, job_id) for analysis in meant or ANALYSES]


def _plain(text: str) -> str:
    return text.replace("_", "").lower()
