"""The one document consumers read: markers, words, speakers, and where each came from."""

import hashlib
import json
from datetime import datetime

from pydantic import Field, JsonValue

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen

SCHEMA_VERSION = 1


class Provenance(Frozen):
    """Who made a result, from what, with which choice, and when."""

    provider: str
    plugin: str
    version: str
    model: str = ""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    choice: str
    """Hash over plugin, version, model and options: tells what is stale."""
    content: str
    """SHA-256 of the source it was made from."""
    inputs: dict[Phase, str] = Field(default_factory=dict[Phase, str])
    """The fingerprints of the other phases' results that it was made from."""
    unit: str | None = None
    """The work unit it was bought or computed as; None where several serve the phase."""
    units: tuple[str, ...] = ()
    """All work units, where several serve the phase: the result is what they say together."""
    started_at: datetime
    ended_at: datetime


class PhaseResult(Frozen):
    """What one phase of one video came to. Times are UTC."""

    phase: Phase
    state: PhaseState
    provenance: Provenance | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    """Keys in the output store, below the video's prefix."""
    usage: tuple[Usage, ...] = ()
    warnings: tuple[str, ...] = ()
    language: str | None = None
    language_confidence: float | None = None

    @property
    def fingerprint(self) -> str:
        """16 hex digits that change when the result does: with the source, the choice, the work
        units, what it was made from, or the counts. Made again from the same, it is the same."""
        origin = self.provenance
        parts = [self.state, self.counts]
        if origin is not None:
            units = origin.unit or ",".join(origin.units)
            parts += [origin.content, origin.choice, units, origin.inputs]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class PhaseStatus(Frozen):
    """Where one phase of one video stands now, and its last good result."""

    phase: Phase
    state: PhaseState
    percent: int | None = None
    provider: str | None = None
    message: str = ""
    unit: str | None = None
    run_id: str = ""
    started_at: datetime
    updated_at: datetime
    result: PhaseResult | None = None


class Timeline(Frozen):
    """All that is known of a video, on one clock. Markers are ordered by start, then end."""

    schema_version: int = SCHEMA_VERSION
    key: VideoKey
    source_name: str
    media: MediaInfo
    phases: tuple[PhaseResult, ...]
    markers: tuple[Marker, ...]
    transcript: Transcript
    warnings: tuple[str, ...] = ()
    published_at: datetime
