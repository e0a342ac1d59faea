"""How each phase shows as an asset: group, kinds, owner, description, columns, checks."""

import warnings
from collections.abc import Iterable

import dagster as dg

from video_pipeline.defs.asset_keys import asset_key
from video_pipeline.defs.partitions import VIDEOS
from video_pipeline.domain.phases import ANALYSIS, ROAD, SERVED, Phase

SUCCEEDED = "succeeded"
EXACT_MARKERS = "markers_exact"
WITHIN_AUDIO = "words_within_audio"
READABLE = "outputs_readable"

MARKER_PHASES = (Phase.SHOTS, Phase.OBJECTS, Phase.EVENTS, Phase.SCENES)
"""The phases whose results are markers."""

_OWNERS = ["team:video"]
_CHECKS = {
    SUCCEEDED: "A provider came to a result; a warning where the phase is optional.",
    EXACT_MARKERS: "Every marker lies within the video, half-open, and they are in order.",
    WITHIN_AUDIO: "Every word lies within the audio, and they are in order.",
    READABLE: "The published files are there, and the JSON is valid by its schema.",
}
_ABOUT: dict[Phase, tuple[str, set[str]]] = {
    Phase.SOURCE_VIDEO: ("The delivered object, read once and hashed.", {"video"}),
    Phase.MEDIA_INFO: ("Container and streams, as probing found them.", {"video"}),
    Phase.SHOTS: ("Frames between two cuts.", {"mongodb"}),
    Phase.OBJECTS: ("Objects, labels and faces, with confidence.", {"mongodb"}),
    Phase.EVENTS: ("Silence, black, freezes, text on screen and the like.", {"mongodb"}),
    Phase.THUMBNAILS: ("Small pictures of keyframes.", {"image"}),
    Phase.AUDIO: ("Whether there is sound, and how long.", {"audio"}),
    Phase.TRANSCRIPT: ("What was said: segments and words with times.", {"mongodb"}),
    Phase.SCENES: ("Consecutive shots of one place or action.", {"mongodb"}),
    Phase.TIMELINE: ("The one document consumers read: markers, words, provenance.", {"mongodb"}),
    Phase.EXPORTS: ("The timeline as files: JSON and captions.", {"json"}),
}
_MARKER_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("kind", description="What was found."),
        dg.TableColumn("start", "rational", description="Seconds; belongs to the marker."),
        dg.TableColumn("end", "rational", description="Seconds; does not belong to it."),
        dg.TableColumn("label", description="What a detector names."),
        dg.TableColumn("confidence", "float", description="0 to 1."),
    ]
)
_WORD_COLUMNS = dg.TableSchema(
    columns=[
        dg.TableColumn("word", description="As written, punctuation attached."),
        dg.TableColumn("start", "rational", description="Seconds; belongs to the word."),
        dg.TableColumn("end", "rational", description="Seconds; does not belong to it."),
        dg.TableColumn("speaker", description="Who says it."),
        dg.TableColumn("confidence", "float", description="0 to 1."),
    ]
)


def asset_spec(phase: Phase) -> dg.AssetSpec:
    """The asset of a phase. It may be skipped: a parked phase yields nothing."""
    about, kinds = _ABOUT[phase]
    columns = columns_of(phase)
    return dg.AssetSpec(
        asset_key(phase),
        deps=[asset_key(needed) for needed in ROAD[phase]],
        skippable=True,
        description=about,
        group_name=_group(phase),
        kinds=kinds,
        owners=_OWNERS,
        metadata={"dagster/column_schema": columns} if columns else {},
    )


def check_specs(phases: Iterable[Phase]) -> list[dg.AssetCheckSpec]:
    """The checks of these phases, each evaluated for the video of its run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", dg.PreviewWarning)
        return [
            dg.AssetCheckSpec(
                name,
                asset=asset_key(phase),
                description=_CHECKS[name],
                partitions_def=VIDEOS,
            )
            for phase in phases
            for name in _check_names(phase)
        ]


def _check_names(phase: Phase) -> tuple[str, ...]:
    """The pipeline's own phases fail with their step; a check of that would only cost events."""
    return ((SUCCEEDED,) if phase in SERVED else ()) + content_checks(phase)


def content_checks(phase: Phase) -> tuple[str, ...]:
    """The names of the checks on what a phase came to."""
    if phase in MARKER_PHASES:
        return (EXACT_MARKERS,)
    return {Phase.TRANSCRIPT: (WITHIN_AUDIO,), Phase.EXPORTS: (READABLE,)}.get(phase, ())


def columns_of(phase: Phase) -> dg.TableSchema | None:
    """The columns of what a phase finds, where that is a table."""
    if phase is Phase.TRANSCRIPT:
        return _WORD_COLUMNS
    return _MARKER_COLUMNS if phase in MARKER_PHASES else None


def _group(phase: Phase) -> str:
    if phase in (Phase.SOURCE_VIDEO, Phase.MEDIA_INFO):
        return "source"
    return "analysis" if phase in (*ANALYSIS, Phase.SCENES) else "timeline"
