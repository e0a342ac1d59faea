"""The first rows of what a phase found, as a table."""

from collections.abc import Iterator
from itertools import islice

import dagster as dg

from video_pipeline.catalog.results import Results
from video_pipeline.defs.videos.specs import table_schema
from video_pipeline.domain.naming.printable import printable
from video_pipeline.domain.phases import PHASES, WORD_COLUMNS, Phase
from video_pipeline.domain.time import FrameRate, TimeRange, clock

_ROWS = 20
_Row = dict[str, str | float]


def preview(
    results: Results, video: str, phase: Phase, rate: FrameRate | None
) -> dg.TableMetadataValue | None:
    """Return the first markers or words, or None if the phase has no rows.

    Without a `rate`, as where it varies, no frames are shown.
    """
    schema = table_schema(phase)
    if schema is None:
        return None
    spoken = PHASES[phase].columns == WORD_COLUMNS
    rows = _words(results, video) if spoken else _markers(results, video, phase, rate)
    records = [dg.TableRecord(row) for row in islice(rows, _ROWS)]
    return dg.MetadataValue.table(records, schema=schema) if records else None


def _markers(results: Results, video: str, phase: Phase, rate: FrameRate | None) -> Iterator[_Row]:
    for marker in results.markers(video, [phase]):
        row: _Row = {"kind": marker.kind, **_times(marker.range)}
        row |= {"frames": _frames(marker.range, rate), "label": printable(marker.label or "")}
        yield row | _confidence(marker.confidence)


def _words(results: Results, video: str) -> Iterator[_Row]:
    for segment in results.segments(video):
        for word in segment.words:
            row: _Row = {"word": printable(word.text), **_times(word.range)}
            row["speaker"] = printable(word.speaker or "")
            yield row | _confidence(word.confidence)


def _times(range: TimeRange) -> _Row:
    return {"start": clock(range.start), "end": clock(range.end)}


def _frames(range: TimeRange, rate: FrameRate | None) -> str:
    if rate is None:
        return ""
    first, last = rate.frames_of(range)
    return str(first) if first == last else f"{first} to {last}"


def _confidence(confidence: float | None) -> _Row:
    return {"confidence": "" if confidence is None else round(confidence, 3)}
