"""The phases of the road, what each hangs on, and which the providers serve."""

from enum import StrEnum


class Phase(StrEnum):
    """One asset of the road of one video."""

    SOURCE_VIDEO = "source_video"
    MEDIA_INFO = "media_info"
    SHOTS = "shots"
    OBJECTS = "objects"
    EVENTS = "events"
    THUMBNAILS = "thumbnails"
    AUDIO = "audio"
    TRANSCRIPT = "transcript"
    SCENES = "scenes"
    TIMELINE = "timeline"
    EXPORTS = "exports"


ROAD: dict[Phase, tuple[Phase, ...]] = {
    Phase.SOURCE_VIDEO: (),
    Phase.MEDIA_INFO: (Phase.SOURCE_VIDEO,),
    Phase.SHOTS: (Phase.MEDIA_INFO,),
    Phase.OBJECTS: (Phase.MEDIA_INFO,),
    Phase.EVENTS: (Phase.MEDIA_INFO,),
    Phase.THUMBNAILS: (Phase.MEDIA_INFO,),
    Phase.AUDIO: (Phase.MEDIA_INFO,),
    Phase.TRANSCRIPT: (Phase.AUDIO,),
    Phase.SCENES: (Phase.SHOTS, Phase.TRANSCRIPT),
    Phase.TIMELINE: (
        Phase.SHOTS,
        Phase.OBJECTS,
        Phase.EVENTS,
        Phase.THUMBNAILS,
        Phase.TRANSCRIPT,
        Phase.SCENES,
    ),
    Phase.EXPORTS: (Phase.TIMELINE,),
}
"""Each phase with what it hangs on, in an order in which all can be done."""

ANALYSIS = (
    Phase.SHOTS,
    Phase.OBJECTS,
    Phase.EVENTS,
    Phase.THUMBNAILS,
    Phase.AUDIO,
    Phase.TRANSCRIPT,
)
"""The phases of the one step that shares its decode."""

TEMPORAL = (Phase.SHOTS, Phase.OBJECTS, Phase.EVENTS, Phase.SCENES)
"""The phases that temporal plugins serve."""

SERVED = (*TEMPORAL, Phase.TRANSCRIPT)
"""The phases that any plugin serves; the others are the pipeline's own."""


MADE_FROM: dict[Phase, tuple[Phase, ...]] = {
    Phase.TIMELINE: ROAD[Phase.TIMELINE],
    Phase.EXPORTS: ROAD[Phase.EXPORTS],
}
"""The phases that are made from other phases' results; all the others from the source itself."""


def step_name(phase: Phase) -> str:
    """The step that makes a phase. Held runs were planned with these names."""
    return "analysis" if phase in ANALYSIS else phase.value


def downstream(phases: frozenset[Phase]) -> frozenset[Phase]:
    """All that hangs on any of these phases, without the phases themselves."""
    found = set(phases)
    for phase, needs in ROAD.items():
        if found.intersection(needs):
            found.add(phase)
    return frozenset(found - phases)
