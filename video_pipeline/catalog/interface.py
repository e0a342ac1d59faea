"""The catalogue as the pipeline sees it: repositories, each bound to one project.

Implementations stand beside it; what work units promise is in ledger.py. No method can be asked
about another project. All raise CatalogUnavailable where no server answers. Times are aware
datetimes in UTC.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from video_pipeline.catalog.ledger import UnitFilter as UnitFilter
from video_pipeline.catalog.ledger import Units as Units
from video_pipeline.catalog.ledger import UnitSum as UnitSum
from video_pipeline.catalog.shared import Admissions
from video_pipeline.domain.identity import ProjectId
from video_pipeline.domain.markers import Marker
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState, ProgressEvent
from video_pipeline.domain.source import Due, Known, Rejection, Source, VideoRecord
from video_pipeline.domain.standing import Current, VideoStanding
from video_pipeline.domain.timeline import PhaseResult
from video_pipeline.domain.transcript import Segment
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.values import Frozen, Rational


class Videos(Protocol):
    """The videos of one project."""

    def register(self, source: Source, now: datetime, due: Due | None = Due.RUN) -> bool:
        """Record a source; True where it is new, another version than the one recorded, or was
        removed and is there again.

        Then it is `due`, and `sha256`, `media` and all marks are cleared. Raises IdentityError
        where the id belongs to a video of another exact name.
        """
        ...

    def get(self, video: str) -> VideoRecord | None: ...

    def listing(self, after: str = "", limit: int = 1000) -> list[VideoRecord]:
        """Videos with an id greater than `after`, in order of their ids."""
        ...

    def set_sha256(self, video: str, version: str, sha256: str) -> bool:
        """Record the hash of this version; False where another version has arrived since."""
        ...

    def set_media(self, video: str, sha256: str, media: MediaInfo) -> bool:
        """Record what probing found; False where other bytes have arrived since."""
        ...

    def reject(self, rejection: Rejection) -> None:
        """Record what no video can be made of; the same object replaces its earlier row."""
        ...

    def clear_rejection(self, object_key: str) -> None: ...

    def rejections(self, limit: int = 1000, after: str = "") -> list[Rejection]:
        """Of objects with a key greater than `after`, in order of their keys."""
        ...


class Arrivals(Protocol):
    """What is compared with the ingest store, and what is due, of one project's videos."""

    def folder(self) -> str | None:
        """The object key of a video of this project, None where it has none: it tells whose
        folder the project's id was made from."""
        ...

    def known(self, first: str, last: str) -> list[Known]:
        """The videos whose object keys are not less than `first` and not greater than `last`."""
        ...

    def rejected(self, first: str, last: str) -> dict[str, str]:
        """The rejected object keys in that range, each with its reason."""
        ...

    def miss(self, known: Known, now: datetime) -> None:
        """Note that its object was not found, unless that is noted already."""
        ...

    def found(self, known: Known) -> None:
        """Its object is there after all."""
        ...

    def missing(self, limit: int) -> int:
        """How many videos are noted as missing and not removed, counted up to the limit."""
        ...

    def present(self) -> int:
        """How many videos are not removed."""
        ...

    def remove(self, known: Known, now: datetime) -> bool:
        """Mark as removed, with the removal due; False where it has changed meanwhile."""
        ...

    def due(self, what: Due, limit: int) -> list[VideoRecord]:
        """The videos for which this is to be done, those first that arrived first."""
        ...

    def count_due(self, what: Due) -> int: ...

    def done(self, record: VideoRecord) -> bool:
        """What was due for this record is done; False where it has changed meanwhile."""
        ...

    def archive(self, record: VideoRecord, at: datetime) -> bool:
        """Mark as archived, with that due; False where the record has changed meanwhile."""
        ...

    def restore(self, record: VideoRecord, due: Due = Due.RESTORATION) -> bool:
        """Take the mark away, with this due; False where the record has changed meanwhile."""
        ...

    def forget(self, record: VideoRecord) -> bool:
        """Remove the record of a removed video; False where it has changed meanwhile."""
        ...


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


class Results(Protocol):
    """What the phases of one project's videos came to.

    A result and its rows (markers, segments) are swapped at once: a reader sees those of the
    old generation or those of the new one, never a mixture and never a part.
    """

    def publish(
        self,
        video: str,
        result: PhaseResult,
        rows: Iterable[Marker | Segment] = (),
        *,
        instead_of: str | None = None,
    ) -> bool:
        """Store a result with its rows, in bulk, and make it the current one. Repeatable.

        False, and nothing is changed, where a later one was published meanwhile; and where the
        current one is not the one with the fingerprint `instead_of`, if that is given."""
        ...

    def get(self, video: str, phase: Phase) -> PhaseResult | None:
        """The current result."""
        ...

    def markers(self, video: str, phases: Sequence[Phase] | None = None) -> Iterator[Marker]:
        """The current markers, ordered by start then end, streamed."""
        ...

    def segments(self, video: str) -> Iterator[Segment]:
        """The current transcript's segments, ordered by start, streamed."""
        ...

    def count_failure(self, video: str, phase: Phase, against: str, run_id: str) -> int:
        """Note a run in which a phase failed; in how many it did, `against` being the same."""
        ...

    def failures(self, video: str, phase: Phase, against: str) -> int:
        """In how many runs a phase failed so since its last result."""
        ...

    def forget_failures(self, video: str, phase: Phase) -> bool:
        """Begin to count anew; False where there is nothing to forget."""
        ...

    def statuses(self, video: str) -> dict[Phase, PhaseStatus]:
        """Every phase that was ever begun."""
        ...

    def all_statuses(self) -> Iterator[tuple[str, PhaseStatus]]:
        """Every status of every video of the project, ordered by video id."""
        ...

    def forget(self, video: str) -> None:
        """Remove every result, row, status and event of a video. Repeatable."""
        ...


class Totals(Frozen):
    """How much a project has."""

    videos: int
    seconds: Rational
    """Of video, of all that were probed."""


class Standings(Protocol):
    """What is to be known of all videos of one project at once."""

    def counts(self) -> dict[tuple[Phase, PhaseState], int]:
        """How many videos have a phase in a state."""
        ...

    def totals(self) -> Totals: ...

    def usage(self) -> list[tuple[str, Usage]]:
        """What was used so far, that of requests in doubt too: by provider, a sum for each meter
        and dimension."""
        ...

    def in_state(self, *states: PhaseState) -> Iterator[tuple[str, PhaseStatus]]:
        """The phases in these states, with their videos, streamed by state, phase and video."""
        ...

    def warned(self) -> Iterator[tuple[str, Phase, tuple[str, ...]]]:
        """The warnings of results, with video and phase, streamed."""
        ...

    def count_outdated(self) -> dict[Phase, int]:
        """How many results of each phase were not made from what lies there now. This and all
        below leave out videos that are removed, the counts and candidates archived ones too."""
        ...

    def outdated(self) -> Iterator[str]:
        """The videos of those, once for each such result."""
        ...

    def count_otherwise(self, phase: Phase, current: Current) -> int:
        """How many other results of a phase were made by none of today's choices."""
        ...

    def otherwise(self, phase: Phase, current: Current) -> Iterator[str]:
        """The videos of those."""
        ...

    def videos(self, among: Collection[str] | None = None) -> Iterator[VideoStanding]:
        """Every video, or those among these ids that there are, in order of their ids."""
        ...


class Events(Protocol):
    """Progress of one project, in order."""

    def record(
        self,
        video: str,
        phase: Phase,
        state: PhaseState,
        now: datetime,
        *,
        percent: int | None = None,
        provider: str | None = None,
        message: str = "",
        unit: str | None = None,
        run_id: str = "",
    ) -> ProgressEvent:
        """Append an event with the project's next sequence number and update the phase's status.

        `started_at` of the status is set when the phase enters RUNNING from another state.
        """
        ...

    def last(self) -> int:
        """The number of the latest event; 0 before the first."""
        ...

    def after(self, sequence: int, limit: int = 1000) -> list[ProgressEvent]:
        """Events with a greater sequence number, in order."""
        ...


class ProjectCatalog(Protocol):
    """All repositories of one project."""

    @property
    def project(self) -> ProjectId: ...
    @property
    def videos(self) -> Videos: ...
    @property
    def arrivals(self) -> Arrivals: ...
    @property
    def results(self) -> Results: ...
    @property
    def standings(self) -> Standings: ...
    @property
    def events(self) -> Events: ...
    @property
    def units(self) -> Units: ...


class Catalog(Protocol):
    """The catalogue of a deployment."""

    @property
    def admissions(self) -> Admissions: ...

    def projects(self) -> list[ProjectId]:
        """Every project that has a video or a rejection, in order."""
        ...

    def project(self, project: str) -> ProjectCatalog:
        """The repositories of one project."""
        ...

    def close(self) -> None: ...
