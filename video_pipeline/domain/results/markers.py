"""Temporal markers: findings with a range of time."""

import re
from enum import StrEnum
from typing import Annotated

from pydantic import AfterValidator, Field

from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.values import Frozen

_CUSTOM = re.compile(r"x-[a-z0-9][a-z0-9-]{0,40}")


class Kind(StrEnum):
    """The marker kinds of all projects. A project's own kinds are named `x-<name>`."""

    SHOT = "shot"
    TRANSITION = "transition"
    SCENE = "scene"
    OBJECT = "object"
    LABEL = "label"
    FACE = "face"
    TEXT = "text"
    MODERATION = "moderation"
    SILENCE = "silence"
    SPEECH = "speech"
    BLACK = "black"
    FREEZE = "freeze"
    CUE = "technical-cue"


def _kind(text: str) -> str:
    if text in frozenset(Kind) or _CUSTOM.fullmatch(text):
        return str(text)
    raise ValueError(f"{text!r} is no marker kind: one of {', '.join(Kind)}, or x-<name>")


MarkerKind = Annotated[str, AfterValidator(_kind)]


class Box(Frozen):
    """A rectangle in the frame, as fractions of its width and height from the top left."""

    left: float = Field(ge=0, le=1)
    top: float = Field(ge=0, le=1)
    width: float = Field(ge=0, le=1)
    height: float = Field(ge=0, le=1)


class Marker(Frozen):
    """One finding. `confidence` is 0 to 1, None where the provider gives none."""

    kind: MarkerKind
    range: TimeRange
    label: str | None = None
    confidence: float | None = Field(default=None, ge=0, le=1)
    track: str | None = None
    box: Box | None = None
