"""The document that consumers read: markers, words, speakers and provenance."""

import hashlib
import json
from datetime import datetime

from pydantic import Field, JsonValue

from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen

SCHEMA_VERSION = 1


class Provenance(Frozen):
    """How a result was made: provider, inputs, options and times."""

    provider: str
    plugin: str
    version: str
    model: str = ""
    options: dict[str, JsonValue] = Field(default_factory=dict)
    choice: str  # hash over plugin, model and options: tells what is stale
    content: str  # SHA-256 of the source
    # The fingerprints of the other phases' results that it was made from.
    inputs: dict[Phase, str] = Field(default_factory=dict[Phase, str])
    unit: str | None = None  # None if several units serve the phase
    units: tuple[str, ...] = ()  # all of them, if several serve the phase
    started_at: datetime
    ended_at: datetime


class PhaseResult(Frozen):
    """The outcome of one phase of one video. Times are UTC."""

    phase: Phase
    state: PhaseState
    provenance: Provenance | None = None
    counts: dict[str, int] = Field(default_factory=dict)
    outputs: tuple[str, ...] = ()  # keys in the output store
    usage: tuple[Usage, ...] = ()
    warnings: tuple[str, ...] = ()
    language: str | None = None
    language_confidence: float | None = None
    findings: tuple[Finding, ...] = Field(default=(), exclude_if=lambda found: not found)
    """How the result contradicts the media. `warnings` has them as text."""
    not_checked: dict[FindingKind, str] = Field(
        default_factory=dict[FindingKind, str], exclude_if=lambda kinds: not kinds
    )
    """The findings that were not looked for, and why."""

    @property
    def fingerprint(self) -> str:
        """Return 16 hex digits over state, counts, source, choice, work units and inputs.

        A repetition with the same inputs has the same fingerprint.
        """
        origin = self.provenance
        parts = [self.state, self.counts]
        if origin is not None:
            units = origin.unit or ",".join(origin.units)
            parts += [origin.content, origin.choice, units, origin.inputs]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


class PhaseStatus(Frozen):
    """The current state of one phase of one video, and its last good result."""

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


class TimelineMedia(MediaInfo):
    """What the container declares, and beside it what a decode of the frames found.

    `duration` reaches to the last decoded frame where the container declares less.
    """

    decoded: DecodedVideo | None = None


class Timeline(Frozen):
    """All results of a video on one clock. Markers are ordered by start, then end."""

    schema_version: int = SCHEMA_VERSION
    key: VideoKey
    source_name: str
    media: TimelineMedia
    phases: tuple[PhaseResult, ...]
    markers: tuple[Marker, ...]
    transcript: Transcript
    warnings: tuple[str, ...] = ()
    published_at: datetime
