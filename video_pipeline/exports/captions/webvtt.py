"""Captions as WebVTT."""

from collections.abc import Iterator
from typing import BinaryIO

from video_pipeline.domain.results.timeline import Timeline
from video_pipeline.exports.captions.cues import Cue, cues

NAME = "captions.vtt"
MEDIA_TYPE = "text/vtt"

_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\0": "\N{REPLACEMENT CHARACTER}"}
)


def write(timeline: Timeline, into: BinaryIO) -> None:
    """Write the captions in UTF-8. Without speech the file is only its header."""
    into.write(b"WEBVTT\n")
    for cue in cues(timeline.transcript, timeline.media.duration):
        into.write("\n".join(["", *_rows(cue), ""]).encode())


def _rows(cue: Cue) -> Iterator[str]:
    yield f"{_clock(cue.start_ms)} --> {_clock(cue.end_ms)}"
    voice = f"<v {_escaped(cue.speaker)}>" if cue.speaker else ""
    first, *others = map(_escaped, cue.lines)
    yield voice + first
    yield from others


def _escaped(text: str) -> str:
    return " ".join(text.translate(_ESCAPES).split())


def _clock(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}.{rest:03}"
