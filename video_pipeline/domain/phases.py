"""The phases of a video, one `PhaseSpec` each, and what follows from the specs.

A new phase touches at most three files. All need a member of `Phase` and a spec here. Then:

- served by plugins: the plugin that has the kinds in its capabilities, and for new kinds
  domain/results/markers.py;
- made by the pipeline in a step of its own: its module in pipeline/, and `MAKERS` in
  pipeline/run_video.py;
- made by the pipeline within the step `analysis`: its module, and pipeline/analysis/run.py.

If the timeline shows it, add it to the `needs` of TIMELINE. Tests then ask for a row in README.md
and docs/dagster.md, and for the generated files; each failing test names the command.

A new marker kind touches two: `Kind` in domain/results/markers.py, and its phase here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from video_pipeline.domain.results.markers import Kind


class Phase(StrEnum):
    """One asset of one video."""

    SOURCE_VIDEO = "source_video"
    MEDIA_INFO = "media_info"
    SHOTS = "shots"
    OBJECTS = "objects"
    EVENTS = "events"
    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    PICTURES = "pictures"
    SCENES = "scenes"
    TIMELINE = "timeline"
    EXPORTS = "exports"


@dataclass(frozen=True)
class Column:
    """A column of the table that a phase finds."""

    name: str
    description: str
    type: str = "string"


@dataclass(frozen=True)
class Check:
    """A check of a phase's result. Its name is stored with every evaluation."""

    name: str
    description: str


@dataclass(frozen=True)
class PhaseSpec:
    """All that is declared of one phase."""

    phase: Phase
    description: str
    group: Literal["source", "analysis", "timeline"]
    # What an asset browser shows as the technology of the result.
    technology: str
    # Phases whose results must be good before this one starts.
    needs: tuple[Phase, ...] = ()
    # Whether the result is made from the results of `needs`. Others are made from the source.
    from_results: bool = False
    # The step that makes it together with others; alone, a phase is a step of its own name.
    shared_step: str = ""
    # The plugins that serve it; the pipeline makes the others itself.
    served_by: Literal["temporal", "transcription"] | None = None
    # The stream of the source without which the result is empty.
    stream: Literal["video", "audio"] | None = None
    # The marker kinds that it publishes.
    kinds: tuple[Kind, ...] = ()
    columns: tuple[Column, ...] = ()
    # Each costs about 10 kB of Dagster's records a run, so that pictures and audio have none.
    checks: tuple[Check, ...] = ()


SUCCEEDED = Check(
    "succeeded",
    "The phase has a result. If not, the text says why and what to do. Warns where the phase waits "
    "or is optional.",
)
EXACT_MARKERS = Check(
    "markers_exact", "Every marker lies within the video, half-open, and markers are in order."
)
WITHIN_AUDIO = Check(
    "words_within_audio", "Every word lies within the audio, and words are in order."
)
PLAUSIBLE = Check(
    "plausible",
    "The result does not contradict the media, as far as it was compared. Warns of each "
    "contradiction; fails where the result was not published because of one.",
)
READABLE = Check(
    "outputs_readable", "The published files exist, and the JSON is valid by its schema."
)

MARKER_COLUMNS = (
    Column("kind", "What was found."),
    Column("start", "As h:mm:ss.mmm; belongs to the marker."),
    Column("end", "As h:mm:ss.mmm; does not belong to it."),
    Column("frames", "The first to the last one, from 0. Empty where the frame rate varies."),
    Column("label", "What a detector names."),
    Column("confidence", "0 to 1.", "float"),
)
WORD_COLUMNS = (
    Column("word", "As written, punctuation attached."),
    Column("start", "As h:mm:ss.mmm; belongs to the word."),
    Column("end", "As h:mm:ss.mmm; does not belong to it."),
    Column("speaker", "The speaker."),
    Column("confidence", "0 to 1.", "float"),
)

_SPECS = (
    PhaseSpec(
        Phase.SOURCE_VIDEO,
        "The delivered object, read once and hashed.",
        group="source",
        technology="video",
        checks=(SUCCEEDED,),
    ),
    PhaseSpec(
        Phase.MEDIA_INFO,
        "Container and streams, as probed.",
        group="source",
        technology="video",
        needs=(Phase.SOURCE_VIDEO,),
        checks=(SUCCEEDED,),
    ),
    PhaseSpec(
        Phase.SHOTS,
        "Frames between two cuts.",
        group="analysis",
        technology="mongodb",
        needs=(Phase.MEDIA_INFO,),
        shared_step="analysis",
        served_by="temporal",
        stream="video",
        kinds=(Kind.SHOT, Kind.TRANSITION),
        columns=MARKER_COLUMNS,
        checks=(SUCCEEDED, EXACT_MARKERS, PLAUSIBLE),
    ),
    PhaseSpec(
        Phase.OBJECTS,
        "Objects, labels and faces, with confidence.",
        group="analysis",
        technology="mongodb",
        needs=(Phase.MEDIA_INFO,),
        shared_step="analysis",
        served_by="temporal",
        stream="video",
        kinds=(Kind.OBJECT, Kind.LABEL, Kind.FACE),
        columns=MARKER_COLUMNS,
        checks=(SUCCEEDED, EXACT_MARKERS, PLAUSIBLE),
    ),
    PhaseSpec(
        Phase.EVENTS,
        "Silence, black, freezes, text on screen and the like.",
        group="analysis",
        technology="mongodb",
        needs=(Phase.MEDIA_INFO,),
        shared_step="analysis",
        served_by="temporal",
        stream="video",
        kinds=(
            Kind.TEXT,
            Kind.MODERATION,
            Kind.SILENCE,
            Kind.SPEECH,
            Kind.BLACK,
            Kind.FREEZE,
            Kind.CUE,
        ),
        columns=MARKER_COLUMNS,
        checks=(SUCCEEDED, EXACT_MARKERS, PLAUSIBLE),
    ),
    PhaseSpec(
        Phase.AUDIO,
        "Whether there is an audio stream, and its length.",
        group="analysis",
        technology="audio",
        needs=(Phase.MEDIA_INFO,),
        shared_step="analysis",
        stream="audio",
    ),
    PhaseSpec(
        Phase.TRANSCRIPT,
        "Segments and words with their times.",
        group="analysis",
        technology="mongodb",
        needs=(Phase.AUDIO,),
        shared_step="analysis",
        served_by="transcription",
        stream="audio",
        columns=WORD_COLUMNS,
        checks=(SUCCEEDED, WITHIN_AUDIO, PLAUSIBLE),
    ),
    PhaseSpec(
        Phase.PICTURES,
        "The best frame of each shot, as files and on sheets with a thumbnail track.",
        group="analysis",
        technology="image",
        needs=(Phase.MEDIA_INFO, Phase.SHOTS),
        stream="video",
    ),
    PhaseSpec(
        Phase.SCENES,
        "Consecutive shots of one place or action.",
        group="analysis",
        technology="mongodb",
        needs=(Phase.SHOTS, Phase.TRANSCRIPT),
        served_by="temporal",
        stream="video",
        kinds=(Kind.SCENE,),
        columns=MARKER_COLUMNS,
        checks=(SUCCEEDED, EXACT_MARKERS, PLAUSIBLE),
    ),
    PhaseSpec(
        Phase.TIMELINE,
        "The one document that consumers read: markers, words, provenance.",
        group="timeline",
        technology="mongodb",
        needs=(
            Phase.SHOTS,
            Phase.OBJECTS,
            Phase.EVENTS,
            Phase.TRANSCRIPT,
            Phase.PICTURES,
            Phase.SCENES,
        ),
        from_results=True,
        checks=(SUCCEEDED,),
    ),
    PhaseSpec(
        Phase.EXPORTS,
        "The timeline as files: JSON and captions.",
        group="timeline",
        technology="json",
        needs=(Phase.TIMELINE,),
        from_results=True,
        checks=(READABLE,),
    ),
)

# In an order in which each phase follows all that it needs.
PHASES = {spec.phase: spec for spec in _SPECS}

TEMPORAL = tuple(spec.phase for spec in _SPECS if spec.served_by == "temporal")
SERVED = (*TEMPORAL, *(spec.phase for spec in _SPECS if spec.served_by == "transcription"))
MADE_FROM = {spec.phase: spec.needs for spec in _SPECS if spec.from_results}

_BY_KIND = {kind.value: spec.phase for spec in _SPECS for kind in spec.kinds}


def step_name(phase: Phase) -> str:
    """Return the step that makes a phase. Held runs were planned with these names."""
    return PHASES[phase].shared_step or phase.value


# The steps of a run with the phases that each makes, in order.
STEPS = {
    step: tuple(phase for phase in PHASES if step_name(phase) == step)
    for step in map(step_name, PHASES)
}
ANALYSIS = STEPS["analysis"]


def phase_of(kind: str) -> Phase:
    """Return the phase that publishes markers of this kind. A project's own are events."""
    return _BY_KIND.get(kind, Phase.EVENTS)


def phases_of(kinds: Iterable[str]) -> tuple[Phase, ...]:
    """Return the phases that these kinds belong to. A request without kinds is for speech."""
    return tuple(dict.fromkeys(map(phase_of, kinds))) or (Phase.TRANSCRIPT,)


def downstream(phases: frozenset[Phase]) -> frozenset[Phase]:
    """Return all phases that need any of these, directly or not, without these."""
    found = set(phases)
    for spec in _SPECS:
        if found.intersection(spec.needs):
            found.add(spec.phase)
    return frozenset(found - phases)
