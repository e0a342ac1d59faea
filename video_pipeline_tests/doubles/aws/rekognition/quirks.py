"""Faults of a job, and how they change its content and its rows."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from video_pipeline_tests.doubles.aws.rekognition.content import VideoContent
from video_pipeline_tests.doubles.aws.rekognition.rows import Row, Rows

_BENT_EVERY = 5
_OVERLAP_MILLISECONDS = 400
_OVERLAP_FRAMES = 10

JOB_FAULTS: Mapping[str, str] = {
    "job_failed": "Video analysis failed: the media could not be decoded.",
    "event_error": "The job encountered an issue.",
    "event_lost": "",
    "event_twice": "",
    "event_before_reply": "",
    "event_of_unknown_job": "",
    "no_rows": "",
    "never_ends": "",
    "unordered_rows": "",
    "zero_durations": "",
    "overlaps": "",
    "variable_rate": "",
    "drop_frame": "",
}
"""Each fault with the vendor's message, empty if there is none."""
FOREIGN, ODD_STATUS, STATUS_FLIPS = GET_FAULTS = "foreign_answer", "odd_status", "status_flips"
"""Faults of a Get: the reply is about another job, has a status that no documentation names, or
says of an ended job that it runs."""
UNDOCUMENTED = "QUEUED"


def misreported(fault: str, answer: Row, rows: str) -> Row:
    """Return the answer to a Get as changed by one of its faults."""
    if fault == FOREIGN:
        return answer | {"JobId": answer["JobId"][::-1]}
    status = UNDOCUMENTED if fault == ODD_STATUS else "IN_PROGRESS"
    return answer | {"JobStatus": status, rows: []}


def changed(content: VideoContent, quirks: Mapping[str, str]) -> VideoContent:
    """Return a video's content as changed by the faults of its job."""
    changes: dict[str, Any] = {}
    if "no_rows" in quirks:
        changes = {"rows": 0, "given": {}}
    if "variable_rate" in quirks:
        changes["variable_rate"] = True
    if "drop_frame" in quirks:
        changes |= {"drop_frame": True, "frames_per_second": Fraction(30000, 1001)}
    return content.model_copy(update=changes)


def bent(rows: Rows, content: VideoContent, quirks: Mapping[str, str]) -> Rows:
    """Return rows as changed by the faults of their job: every fifth row, if it has an end."""

    def row(number: int) -> Row:
        found = rows.row(number)
        if number % _BENT_EVERY or "EndTimestampMillis" not in found:
            return found
        if "zero_durations" in quirks:
            return _stopped(found)
        return _stretched(found, content) if "overlaps" in quirks else found

    made = Rows(rows.count, row) if {"zero_durations", "overlaps"} & quirks.keys() else rows
    return made.shuffled() if "unordered_rows" in quirks and rows.count > 1 else made


def _stopped(found: Row) -> Row:
    found = found | {"EndTimestampMillis": found["StartTimestampMillis"], "DurationMillis": 0}
    if "EndFrameNumber" in found:
        found |= {
            "EndFrameNumber": found["StartFrameNumber"],
            "EndTimecodeSMPTE": found["StartTimecodeSMPTE"],
            "DurationSMPTE": "00:00:00:00",
            "DurationFrames": 0,
        }
    return found


def _stretched(found: Row, content: VideoContent) -> Row:
    end = min(found["EndTimestampMillis"] + _OVERLAP_MILLISECONDS, content.milliseconds)
    if "EndFrameNumber" not in found:
        length = end - found["StartTimestampMillis"]
        return found | {"EndTimestampMillis": end, "DurationMillis": length}
    last = min(found["EndFrameNumber"] + _OVERLAP_FRAMES, content.frames - 1)
    end = content.millisecond_of(last)
    return found | {
        "EndFrameNumber": last,
        "EndTimestampMillis": end,
        "DurationMillis": end - found["StartTimestampMillis"],
        "EndTimecodeSMPTE": content.timecode(last),
        "DurationSMPTE": content.timecode(last - found["StartFrameNumber"]),
        "DurationFrames": last - found["StartFrameNumber"],
    }
