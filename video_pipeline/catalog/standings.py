"""Counts and listings over all videos of one project, found by index and streamed."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from datetime import datetime
from fractions import Fraction
from itertools import groupby, islice
from typing import Any, NamedTuple

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, PhaseStatus
from video_pipeline.domain.source import Totals
from video_pipeline.domain.staleness import Current, Made, VideoStanding, outdated
from video_pipeline.domain.usage import Meter, Usage
from video_pipeline.domain.work import UnitState

# The provider of the pipeline's own results.
_OWN = "pipeline"
_PAGE = 500
_THERE: Document = {"removed_at": None}
_REMOVED: Document = {"removed_at": {"$ne": None}}
_INACTIVE: Document = {"$or": [_REMOVED, {"archived_at": {"$ne": None}}]}
# Units under a lease, by the server's clock, and units that the sweep or its runs continue.
_LEASED: Document = {
    "holder": {"$ne": None},
    "$expr": {"$gt": ["$leased_until", "$$NOW"]},
}
_CONTINUED: Document = {
    "state": {"$in": [state.value for state in UnitState if state.parked or state.ready]}
}
_ORDER = [("video", 1), ("phase", 1)]
_ORIGIN = "result.provenance"
_MADE = ("provider", "model", "choice", "content", "inputs")
# The index that separates today's choices from others. Without the hint MongoDB sometimes scans
# every video.
_BY_CHOICE = [("project_id", 1), ("phase", 1), (f"{_ORIGIN}.choice", 1), ("video", 1)]
# The fields of a phase's document that `standing_of` reads.
SHORT = {
    "_id": 0,
    **dict.fromkeys(
        (
            *("video", "phase", "state", "fingerprint", "outdated", "result.state"),
            "failures.against",
        ),
        1,
    ),
    **{f"{_ORIGIN}.{name}": 1 for name in _MADE},
}

_PHASES = {phase.value: phase for phase in Phase}
_STATES = {state.value: state for state in PhaseState}


class Standings:
    """Counts and listings over all videos of one project.

    `usage` includes removed videos, since they were paid for; all others skip them. Those about
    outdated results and other choices skip archived videos too.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._phases, self._videos = database["phases"], database["videos"]
        self._units = database["units"]

    def counts(self) -> dict[tuple[Phase, PhaseState], int]:
        """Count the videos by phase and state."""
        found = Counter(self._by_state({}))
        removed = self._videos.find(_REMOVED, projection=["video"])
        while page := list(islice(removed, _PAGE)):
            ids = [document["video"] for document in page]
            found.subtract(self._by_state({"video": {"$in": ids}}))
        return {one: count for one, count in found.items() if count > 0}

    def _by_state(self, where: Document) -> dict[tuple[Phase, PhaseState], int]:
        known: Document = {"state": {"$in": list(PhaseState)}}
        found = self._phases.grouped(known | where, "phase", "state")
        return {(Phase(phase), PhaseState(state)): count for (phase, state), count in found}

    def totals(self) -> Totals:
        """Return the number of videos, and the length of those that were probed."""
        durations = self._videos.grouped(_THERE, "media.duration")
        probed = [(Fraction(length), n) for (length,), n in durations if length is not None]
        return Totals(
            videos=self._videos.count(_THERE),
            seconds=sum((length * count for length, count in probed), Fraction(0)),
            removed=self._videos.count(_REMOVED),
        )

    def usage(self) -> list[tuple[str, Usage]]:
        """Return the usage so far: by provider, a sum for each meter and dimension.

        Includes requests in doubt.
        """
        sums: dict[tuple[str, str, bool, Any, str], Fraction] = {}
        kinds = ("settled.meter", "settled.paid", "settled.measured", "settled.dimension")
        for (*by, quantity), count in self._units.grouped(
            {"state": {"$in": ["settled", "failed", "cancelled", "in_doubt"]}},
            *("provider", *kinds, "settled.quantity"),
            unwound="settled",
        ):
            one = (by[0], by[1], by[2], by[3], by[4] or "")
            sums[one] = sums.get(one, Fraction(0)) + Fraction(quantity) * count
        return [
            (
                provider,
                Usage(
                    meter=Meter(meter), quantity=quantity, paid=paid, measured=how, dimension=what
                ),
            )
            for (provider, meter, paid, how, what), quantity in sorted(sums.items())
        ]

    def in_state(self, *states: PhaseState) -> Iterator[tuple[str, PhaseStatus]]:
        """Stream the phases in these states with their videos, by state, phase and video."""
        for state in states:
            order = [("state", 1), ("phase", 1), ("video", 1)]
            found = self._phases.find({"state": state.value}, sort=order)
            for document in self._without(_REMOVED, found):
                yield document["video"], status_of(document)

    def videos_in(self, *states: PhaseState) -> set[str]:
        """Return the videos with a phase in one of these states."""
        where: Document = {"state": {"$in": [state.value for state in states]}}
        found = self._phases.find(where, projection={"_id": 0, "video": 1})
        return {document["video"] for document in self._without(_REMOVED, found)}

    def is_running(self) -> bool:
        """Return whether a process works on a phase, or is believed to."""
        return self._phases.find_one({"state": PhaseState.RUNNING.value}) is not None

    def silent(self, before: datetime) -> Iterator[tuple[str, PhaseStatus]]:
        """Stream the running phases without an event since then on which no process works.

        Left out are videos with a leased unit, and phases that the sweep continues by their unit.
        """
        old: Document = {"state": PhaseState.RUNNING.value, "updated_at": {"$lt": before}}
        found = self._phases.find(old, sort=[("state", 1), ("phase", 1), ("video", 1)])
        while page := list(islice(found, _PAGE)):
            units: Document = {"video": {"$in": [document["video"] for document in page]}}
            leased = {u["video"] for u in self._units.find(units | _LEASED, projection=["video"])}
            awaited = {u["id"] for u in self._units.find(units | _CONTINUED, projection=["id"])}
            for document in page:
                if document["video"] not in leased and document["unit"] not in awaited:
                    yield document["video"], status_of(document)

    def warned(self) -> Iterator[tuple[str, Phase, tuple[str, ...]]]:
        """Stream the warnings of results, each with video and phase."""
        shown = {"video": 1, "phase": 1, "result.warnings": 1}
        found = self._phases.find({"warned": True}, projection=shown)
        for document in self._without(_REMOVED, found):
            yield document["video"], Phase(document["phase"]), tuple(document["result"]["warnings"])

    def count_outdated(self) -> dict[Phase, int]:
        """Count the results of each phase that were not made from its current inputs."""
        return Counter(phase for phase, _ in self._active({"outdated": True}))

    def outdated(self) -> Iterator[str]:
        """Stream the videos of outdated results, once for each result."""
        for _, video in self._active({"outdated": True}):
            yield video

    def count_otherwise(self, phase: Phase, current: Current) -> int:
        """Count a phase's up-to-date results that were made by none of today's choices."""
        return sum(1 for _ in self.otherwise(phase, current))

    def otherwise(self, phase: Phase, current: Current) -> Iterator[str]:
        """Stream the videos of those results."""
        for _, video in self._active(_otherwise(phase, current), hint=_BY_CHOICE):
            yield video

    def _active(self, where: Document, **options: Any) -> Iterator[tuple[Phase, str]]:
        """Yield the matching phases of videos that are neither removed nor archived."""
        shown = {"_id": 0, "video": 1, "phase": 1}
        found = self._phases.find(where, projection=shown, **options)
        for document in self._without(_INACTIVE, found):
            yield _PHASES[document["phase"]], document["video"]

    def _without(self, left_out: Document, found: Iterator[Document]) -> Iterator[Document]:
        """Yield the phases of videos that do not match `left_out`."""
        while page := list(islice(found, _PAGE)):
            ids = [document["video"] for document in page]
            matching = {"video": {"$in": ids}, **left_out}
            out = {one["video"] for one in self._videos.find(matching, projection=["video"])}
            yield from (document for document in page if document["video"] not in out)

    def videos(self, among: Collection[str] | None = None) -> Iterator[VideoStanding]:
        """Stream every video, or those of these ids that exist, ordered by id."""
        if among is None:
            after = ""
            while page := self._page({"video": {"$gt": after}}):
                yield from self._standings(page)
                after = page[-1]["video"]
            return
        wanted = sorted(set(among))
        for start in range(0, len(wanted), _PAGE):
            page = self._page({"video": {"$in": wanted[start : start + _PAGE]}})
            yield from self._standings(page)

    def _page(self, where: Document) -> list[Document]:
        where = {**where, **_THERE}
        shown = {"video": 1, "media": 1, "archived_at": 1, "source.object_key": 1}
        return list(self._videos.find(where, sort=[("video", 1)], limit=_PAGE, projection=shown))

    def _standings(self, page: list[Document]) -> Iterator[VideoStanding]:
        ids = [document["video"] for document in page]
        found = self._phases.find({"video": {"$in": ids}}, sort=_ORDER, projection=SHORT)
        by_video = {
            video: [standing_of(document) for document in documents]
            for video, documents in groupby(found, lambda document: document["video"])
        }
        for document in page:
            phases, media = by_video.get(document["video"], []), document["media"]
            yield VideoStanding(
                video=document["video"],
                media=MediaInfo.model_validate(media) if media else None,
                states={one.phase: one.state for one in phases if one.state},
                made={one.phase: one.made for one in phases if one.made},
                failed_against={p.phase: p.failed_against for p in phases if p.failed_against},
                archived=document.get("archived_at") is not None,
                object_key=document["source"]["object_key"],
            )


class Standing(NamedTuple):
    """A phase's document in short."""

    phase: Phase
    state: PhaseState | None
    made: Made | None
    failed_against: str | None


def standing_of(document: Document) -> Standing:
    """Read a phase's document in short."""
    state, result = document.get("state"), document.get("result")
    return Standing(
        _PHASES[document["phase"]],
        _STATES[state] if state else None,
        _made(result, document.get("fingerprint", "")) if result else None,
        document.get("failures", {}).get("against"),
    )


def _made(result: Document, fingerprint: str) -> Made | None:
    origin = result.get("provenance")
    if origin is None:
        return None
    return Made(
        state=_STATES[result["state"]],
        provider=origin["provider"],
        model=origin["model"],
        choice=origin["choice"],
        content=origin["content"],
        fingerprint=fingerprint,
        inputs=origin.get("inputs", {}),
    )


def wrong_flags(documents: Iterable[Document]) -> dict[Phase, bool]:
    """Return the phases of one video whose `outdated` flag is wrong, with the right value."""
    noted: dict[Phase, bool] = {}
    made: dict[Phase, Made] = {}
    for document in documents:
        one = standing_of(document)
        if one.made:
            made[one.phase] = one.made
            noted[one.phase] = bool(document.get("outdated"))
    true = {phase: bool(outdated(phase, made)) for phase in made}
    return {phase: flag for phase, flag in true.items() if flag is not noted[phase]}


def is_warned(result: PhaseResult) -> bool:
    """Return whether a result is listed among those with warnings."""
    return bool(result.warnings) and result.state is not PhaseState.NOT_CONFIGURED


def result_of(document: Document) -> PhaseResult | None:
    """Read the current result from a phase's document."""
    return PhaseResult.model_validate(document["result"]) if "result" in document else None


def status_of(document: Document) -> PhaseStatus:
    """Read the status from a phase's document."""
    return PhaseStatus(
        phase=document["phase"],
        state=document["state"],
        percent=document["percent"],
        provider=document["provider"],
        message=document["message"],
        unit=document["unit"],
        run_id=document["run_id"],
        started_at=document["started_at"],
        updated_at=document["updated_at"],
        result=result_of(document),
    )


def _otherwise(phase: Phase, current: Current) -> Document:
    """Match up-to-date results that were made, or skipped, by another choice than today's."""
    by_provider = {
        "result.state": PhaseState.DONE.value,
        f"{_ORIGIN}.provider": {"$nin": [_OWN, *current.untold]},
    }
    left_out = {"result.state": PhaseState.NOT_CONFIGURED.value}
    return {
        "phase": phase.value,
        f"{_ORIGIN}.choice": {"$nin": list(current.choices), "$exists": True},
        "outdated": {"$ne": True},
        "$or": [by_provider, left_out] if current.configured else [by_provider],
    }
