"""The five analyses of stored videos: which kinds each serves, what it is asked, what it meters.

Names and members are those of the service's model in botocore.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic import JsonValue

from video_pipeline.domain.results.markers import Kind
from video_pipeline.providers.aws.rekognition.options import RekognitionOptions

Parameters = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Analysis:
    """One pair of operations, Start and Get."""

    name: str
    """As it stands in both operations' names."""
    rows: str
    """The member of Get's answer that holds the rows."""
    kinds: tuple[Kind, ...]
    dimensions: dict[Kind, str]
    """What is metered for each kind; kinds with the same are paid once."""
    asked: Callable[[RekognitionOptions, Sequence[str]], Parameters]
    """What Start is asked beside the video, for some kinds."""

    @property
    def start(self) -> str:
        """The operation that is paid."""
        return f"Start{self.name}"

    @property
    def get(self) -> str:
        """The operation that looks a job up."""
        return f"Get{self.name}"

    def among(self, kinds: Sequence[str]) -> tuple[Kind, ...]:
        """Those of some kinds that it serves, in its own order."""
        return tuple(kind for kind in self.kinds if kind in kinds)

    def metered(self, kinds: Sequence[str]) -> tuple[str, ...]:
        """What it meters for these kinds."""
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
    """Where faces are, never whose: no search in collections, no attributes of persons."""
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
