"""Shots and technical cues from segments, half-open and exact. Pure.

In one answer AWS keeps two conventions: a shot's end is its last frame, a cue's is the first frame
after it (measured over 1,000 segments; and the developer guide's sample). Milliseconds are rounded
down, so times come from frame numbers; captures of before there were any have SMPTE timecodes.
Where the frame rate varies, AWS saw another rate, or a row's milliseconds contradict its frames,
milliseconds are used instead; a shot then ends one mean frame after the start of its last one.

Decided here: a gap of up to three frames between two shots (a gradual change) is added to the
earlier shot, also at the end of the video. Wider gaps stay, where AWS was not sure. Where shots
overlap, the earlier one ends at the later one's start. An empty cue lasts one frame. Anything
outside the video is dropped.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.time import FrameRate, Timecode, TimeRange
from video_pipeline.providers.aws.rekognition.pages import Metadata, Row, in_order, seconds

_SOFT_FRAMES = 3
# Rates that differ by less are the same. AWS's is a single-precision float, and 23.976 may be told
# as 23.98 (0.02 %); 29.97 and 30 (0.1 %) are two rates.
_SAME_RATE = Fraction(5, 10_000)
# By how many seconds more a row's milliseconds may differ from its frames: a late first frame.
_LATE_START = Fraction(1, 2)
_TYPES = {"SHOT": Kind.SHOT, "TECHNICAL_CUE": Kind.CUE}


@dataclass(frozen=True, slots=True)
class _Clock:
    """Converts the starts and ends of segments to the time of the probed video."""

    rate: FrameRate
    by_frames: bool

    def range_of(self, row: Row) -> tuple[Fraction, Fraction]:
        """Return start and end. Raises ValueError, KeyError and TypeError for other rows."""
        ends = 1 if row["Type"] == "SHOT" else 0
        frames = _frames(row, self.rate) if self.by_frames else None
        if frames is None or self._is_contradicted(frames[0], row):
            start = seconds(row["StartTimestampMillis"])
            end = seconds(row["EndTimestampMillis"]) + self.rate.start_of(ends)
            return start, max(end, start + self.rate.start_of(1))
        first, after = frames[0], max(frames[1] + ends, frames[0] + 1)
        return self.rate.start_of(first), self.rate.start_of(after)

    def _is_contradicted(self, frame: int, row: Row) -> bool:
        """Return whether a row's start in milliseconds is far from its first frame."""
        if "StartTimestampMillis" not in row:
            return False
        told = seconds(row["StartTimestampMillis"])
        return abs(self.rate.start_of(frame) - told) > told * _SAME_RATE + _LATE_START


def segment_markers(media: MediaInfo, metadata: Metadata, rows: Iterable[Row]) -> Iterator[Marker]:
    """Cues and shots, each kind in the order of time. Raises ValueError, KeyError, TypeError."""
    assert media.video is not None, "planned for videos with a picture only"
    video = media.video
    clock = _Clock(
        video.frame_rate, not video.variable_rate and _agrees(video.frame_rate, metadata)
    )
    types: dict[str, int] = {}  # AWS's rows are sorted by their type before their times
    sorted_rows = in_order(
        (types.setdefault(row["Type"], len(types)), *_found(row, clock)) for row in rows
    )
    softly = _SOFT_FRAMES * video.frame_rate.start_of(1)
    end = min(media.duration, video.duration)
    before: tuple[Any, ...] | None = None
    for found in sorted_rows:
        if before is not None:
            yield from _marker(before, _until(before, found, softly, end), media)
        before = found
    if before is not None:
        yield from _marker(before, _until(before, None, softly, end), media)


def _found(row: Row, clock: _Clock) -> tuple[Fraction, Fraction, Kind, str, float]:
    kind = _TYPES[row["Type"]]
    start, end = clock.range_of(row)
    if kind is Kind.SHOT:
        return start, end, kind, "", float(row["ShotSegment"]["Confidence"])
    told = row["TechnicalCueSegment"]
    return start, end, kind, str(told["Type"]), float(told["Confidence"])


def _until(
    found: tuple[Any, ...], following: tuple[Any, ...] | None, softly: Fraction, end: Fraction
) -> Fraction:
    """Return where a segment ends: a shot at the next shot, and the last one at the end of the
    video."""
    _, start, after, kind, *_ = found
    if kind is not Kind.SHOT:
        return after
    if following is None or following[3] is not kind:
        return max(end, start) if abs(end - after) <= softly else after
    return following[1] if following[1] - after <= softly else after


def _marker(found: tuple[Any, ...], end: Fraction, media: MediaInfo) -> Iterator[Marker]:
    _, start, _, kind, label, confidence = found
    extent = media.extent
    start, end = max(start, extent.start), min(end, extent.end)
    if start < end:
        yield Marker(
            kind=kind,
            range=TimeRange(start=start, end=end),
            label=label or None,
            confidence=min(max(confidence, 0.0), 100.0) / 100,
        )


def _frames(row: Row, rate: FrameRate) -> tuple[int, int] | None:
    """Return the frame numbers of a segment; None where it has no valid ones."""
    if "StartFrameNumber" in row and "EndFrameNumber" in row:
        return int(row["StartFrameNumber"]), int(row["EndFrameNumber"])
    try:
        start, end = (
            Timecode.parse(row[name], rate).frames
            for name in ("StartTimecodeSMPTE", "EndTimecodeSMPTE")
        )
    except (KeyError, ValueError):
        return None
    return start, end


def _agrees(rate: FrameRate, metadata: Metadata) -> bool:
    seen = metadata.frames_a_second
    return not seen or abs(Fraction(seen) / rate.per_second - 1) < _SAME_RATE
