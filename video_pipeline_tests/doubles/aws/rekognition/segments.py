"""Rows of segment detection: shots and technical cues, which have different end frames.

In the same response, a shot ends with its *inclusive last frame*. A technical cue ends with the
first frame of the next one. Milliseconds are rounded down. A duration is end minus start in both.
This was measured in a capture of 1,000 segments, and is so in the developer guide's sample.
"""

from typing import Any

from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.rows import Row, Rows, chance, confidence

_CUES = ("BlackFrames", "OpeningCredits", "Content", "EndCredits", "BlackFrames")
_SHOT_SECONDS = 4
_SOFT_EVERY = 97


def segments(seed: str, content: VideoContent, request: dict[str, Any]) -> Rows:
    """Return the rows for one request, by segment type in the requested order, then by time."""
    filters = request.get("Filters", {})
    found = Rows(0, lambda number: {})
    for kind in request["SegmentTypes"]:
        if kind == "SHOT":
            found = found.then(_shots(seed, content, _least(filters, "ShotFilter")))
        else:
            found = found.then(_cues(seed, content, _least(filters, "TechnicalCueFilter")))
    return found


def _least(filters: dict[str, Any], name: str) -> float:
    return filters.get(name, {}).get("MinSegmentConfidence", 50)


def _shots(seed: str, content: VideoContent, least: float) -> Rows:
    usual = max(1, content.milliseconds // (1000 * _SHOT_SECONDS))
    count = min(content.frames, usual if content.rows is None else content.rows)

    def shot(number: int) -> Row:
        soft = number % _SOFT_EVERY == _SOFT_EVERY - 1  # some frames of a dissolve are in no shot
        start = _cut(seed, content.frames, count, number)
        after = _cut(seed, content.frames, count, number + 1)
        last = max(start, after - (3 if soft else 1))
        sure = confidence(least, seed, "shot", number)
        kind = {"Type": "SHOT", "ShotSegment": {"Index": number, "Confidence": sure}}
        return kind | span(content, start, last)

    return Rows(count, shot)


def _cut(seed: str, frames: int, count: int, number: int) -> int:
    """Return the first frame of shot `number`: strictly rising, uneven, and always the same."""
    even = number * frames // count
    room = frames // count // 2
    if number in (0, count) or not room:
        return even
    return even + int(room * chance(seed, "cut", number))


def _cues(seed: str, content: VideoContent, least: float) -> Rows:
    count = min(len(_CUES), content.frames)
    if content.rows == 0:
        count = 0

    def cue(number: int) -> Row:
        start, end = (content.frames * n // count for n in (number, number + 1))
        sure = confidence(least, seed, "cue", number)
        told = {"Type": _CUES[number], "Confidence": sure}
        return {"Type": "TECHNICAL_CUE", "TechnicalCueSegment": told} | span(content, start, end)

    return Rows(count, cue)


def span(content: VideoContent, start: int, end: int) -> Row:
    """Return the members of a row that give its start, end and duration."""
    began, ended = content.millisecond_of(start), content.millisecond_of(end)
    return {
        "StartTimestampMillis": began,
        "EndTimestampMillis": ended,
        "DurationMillis": ended - began,
        "StartTimecodeSMPTE": content.timecode(start),
        "EndTimecodeSMPTE": content.timecode(end),
        "DurationSMPTE": content.timecode(end - start),
        "StartFrameNumber": start,
        "EndFrameNumber": end,
        "DurationFrames": end - start,
    }
