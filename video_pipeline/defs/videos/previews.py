"""A table of the first rows of a phase's result, for the asset's metadata."""

from collections.abc import Iterator
from itertools import islice

import dagster as dg

from video_pipeline.defs.videos.specs import table_schema
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, WORD_COLUMNS, Phase
from video_pipeline.domain.time import TimeRange
from video_pipeline.pipeline.services import Services

_ROWS = 20
_Row = dict[str, str | float]


def preview(services: Services, key: VideoKey, phase: Phase) -> dg.TableMetadataValue | None:
    """Return the first markers or words, or None where the phase found none."""
    schema = table_schema(phase)
    if schema is None:
        return None
    spoken = PHASES[phase].columns == WORD_COLUMNS
    rows = _words(services, key) if spoken else _markers(services, key, phase)
    records = [dg.TableRecord(row) for row in islice(rows, _ROWS)]
    return dg.MetadataValue.table(records, schema=schema) if records else None


def _markers(services: Services, key: VideoKey, phase: Phase) -> Iterator[_Row]:
    for marker in services.of(key.project).results.markers(key.video, [phase]):
        row: _Row = {"kind": marker.kind, **_times(marker.range), "label": marker.label or ""}
        yield row | _confidence(marker.confidence)


def _words(services: Services, key: VideoKey) -> Iterator[_Row]:
    for segment in services.of(key.project).results.segments(key.video):
        for word in segment.words:
            row: _Row = {"word": word.text, **_times(word.range), "speaker": word.speaker or ""}
            yield row | _confidence(word.confidence)


def _times(range: TimeRange) -> _Row:
    return {"start": str(range.start), "end": str(range.end)}


def _confidence(confidence: float | None) -> _Row:
    return {"confidence": "" if confidence is None else round(confidence, 3)}
