"""Results of one project: each phase's current result and its rows, swapped at once.

Rows are written under a new generation. One atomic step on the phase's document then makes that
generation and its result current, and older rows are deleted last. Readers use a snapshot, and so
see whole results beside any writer. MongoDB keeps a snapshot for five minutes; a longer read ends
in CatalogError. Rows of a crashed writer are never current; the next publication deletes them.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from pymongo.client_session import ClientSession

from video_pipeline.catalog.events import Events
from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.catalog.standings import SHORT, is_warned, result_of, status_of, wrong_flags
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.results.timeline import PhaseResult, PhaseStatus
from video_pipeline.domain.results.transcript import Segment

_BATCH = 1000
_ORDER = [("start_seconds", 1), ("end_seconds", 1), ("ordinal", 1)]


class Results:
    """The results of one project's phases, each with its rows (markers, segments).

    A result and its rows are swapped at once. A reader sees the old generation or the new one,
    never a mixture or a part. Of two concurrent writers, the one that began last prevails.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._database, self._phases = database, database["phases"]
        self._rows = {"markers": database["markers"], "segments": database["segments"]}

    def publish(
        self,
        video: str,
        result: PhaseResult,
        rows: Iterable[Marker | Segment] = (),
        *,
        instead_of: str | None = None,
    ) -> bool:
        """Store a result with its rows, and make it the current one. Repeatable.

        Returns False and keeps the current result if a later one was published meanwhile. With
        `instead_of`, the same holds if the current result has another fingerprint.
        """
        where: Document = {"video": video, "phase": result.phase.value}
        counted = self._phases.put(where, {"$inc": {"last_generation": 1}})
        generation = counted["last_generation"]
        self._insert({**where, "generation": generation}, rows)
        made = {
            "generation": generation,
            "result": result.model_dump(mode="json"),
            "fingerprint": result.fingerprint,
            "warned": is_warned(result),
        }
        before: Document = {"generation": {"$not": {"$gte": generation}}}
        if instead_of is not None:
            before["fingerprint"] = instead_of
        change: Document = {"$set": made, "$unset": {"failures": ""}}
        prevails = self._phases.update({**where, **before}, change)
        self._outdate(video)
        self._sweep(where, {"$lt" if prevails else "$eq": generation})
        return prevails

    def _outdate(self, video: str) -> None:
        """Set the `outdated` flags of all phases.

        Runs after the swap, and until all flags are right: the last writer has seen all others.
        """
        while wrong := wrong_flags(self._phases.find({"video": video}, projection=SHORT)):
            for phase, flag in wrong.items():
                self._phases.update(
                    {"video": video, "phase": phase.value}, {"$set": {"outdated": flag}}
                )

    def count_failure(self, video: str, phase: Phase, against: str, run_id: str) -> int:
        """Record a run in which a phase failed. Return in how many runs it has.

        Another `against` restarts the count.
        """
        where: Document = {"video": video, "phase": phase.value}
        same = {**where, "failures.against": against}
        found = self._phases.change(same, {"$addToSet": {"failures.runs": run_id}})
        if found is None:
            fresh = {"failures": {"against": against, "runs": [run_id]}}
            found = self._phases.put(where, {"$set": fresh})
        return len(found["failures"]["runs"])

    def failures(self, video: str, phase: Phase, against: str) -> int:
        """Return in how many runs a phase failed against this since its last result."""
        where: Document = {"video": video, "phase": phase.value}
        found = self._phases.find_one(where)
        counted = (found or {}).get("failures")
        return len(counted["runs"]) if counted and counted["against"] == against else 0

    def forget_failures(self, video: str, phase: Phase) -> bool:
        """Reset the count of failures. Return False if there is nothing to reset."""
        where: Document = {"video": video, "phase": phase.value, "failures": {"$exists": True}}
        return self._phases.update(where, {"$unset": {"failures": ""}})

    def get(self, video: str, phase: Phase) -> PhaseResult | None:
        """Return the current result of a phase, or None."""
        found = self._phases.find_one({"video": video, "phase": phase.value})
        return result_of(found) if found else None

    def markers(self, video: str, phases: Sequence[Phase] | None = None) -> Iterator[Marker]:
        """Stream the current markers, ordered by start, then by end."""
        for value in self._current("markers", video, phases):
            yield Marker.model_validate(value)

    def segments(self, video: str) -> Iterator[Segment]:
        """Stream the segments of the current transcript, ordered by start."""
        for value in self._current("segments", video, None):
            yield Segment.model_validate(value)

    def statuses(self, video: str) -> dict[Phase, PhaseStatus]:
        """Return the status of every phase that was ever begun."""
        found = self._phases.find({"video": video, "state": {"$exists": True}})
        return {status.phase: status for status in map(status_of, found)}

    def all_statuses(self) -> Iterator[tuple[str, PhaseStatus]]:
        """Stream every status of every video, ordered by video id."""
        order = [("video", 1), ("phase", 1)]
        for document in self._phases.find({"state": {"$exists": True}}, sort=order):
            yield document["video"], status_of(document)

    def forget(self, video: str) -> None:
        """Delete every result, row, status and event of a video. Repeatable.

        Rows go first: after a kill, the results that lead to the rest are still there.
        """
        for rows in self._rows.values():
            rows.delete({"video": video})
        Events(self._database).forget(video)
        self._phases.delete({"video": video})

    def _insert(self, owner: Document, rows: Iterable[Marker | Segment]) -> None:
        remaining = enumerate(rows)
        while batch := list(islice(remaining, _BATCH)):
            documents: dict[str, list[Document]] = {"markers": [], "segments": []}
            for ordinal, row in batch:
                name = "markers" if isinstance(row, Marker) else "segments"
                documents[name].append(_row(owner, ordinal, row))
            for name, found in documents.items():
                if found:
                    self._rows[name].insert(found)

    def _sweep(self, where: Document, generations: Document) -> None:
        for rows in self._rows.values():
            rows.delete({**where, "generation": generations})

    def _current(self, name: str, video: str, phases: Sequence[Phase] | None) -> Iterator[Document]:
        """Yield the rows in order.

        A read that loses its server continues at the next one, unless a result was replaced.
        """
        read, owners = 0, None
        while True:
            before = read
            try:
                with self._database.snapshot() as session:
                    found = self._generations(video, phases, session)
                    if owners not in (None, found):
                        raise _overtaken(video)
                    owners = found
                    for document in islice(self._scan(name, video, owners, session), read, None):
                        read += 1
                        yield document["value"]
                return
            except CatalogUnavailable:
                if read == before:
                    raise

    def _scan(
        self, name: str, video: str, owners: list[Document], session: ClientSession
    ) -> Iterator[Document]:
        """Merge one sorted scan for each phase. MongoDB might sort a single scan in memory."""
        scans = [
            self._rows[name].find({"video": video, **owner}, sort=_ORDER, session=session)
            for owner in owners
        ]
        return heapq.merge(*scans, key=_moments)

    def _generations(
        self, video: str, phases: Sequence[Phase] | None, session: ClientSession
    ) -> list[Document]:
        """Return the phases that have a result, each with its current generation."""
        found = self._phases.find({"video": video}, sort=[("phase", 1)], session=session)
        wanted = frozenset(Phase if phases is None else phases)
        return [
            {"phase": document["phase"], "generation": document["generation"]}
            for document in found
            if "generation" in document and document["phase"] in wanted
        ]


def _overtaken(video: str) -> CatalogUnavailable:
    return CatalogUnavailable(
        "MongoDB ended while a result was read, and the result was replaced meanwhile",
        where=video,
        remedy="Read it again.",
    )


def _moments(document: Document) -> tuple[float, float]:
    return document["start_seconds"], document["end_seconds"]


def _row(owner: Document, ordinal: int, row: Marker | Segment) -> Document:
    return {
        **owner,
        "ordinal": ordinal,
        "start_seconds": float(row.range.start),
        "end_seconds": float(row.range.end),
        "value": row.model_dump(mode="json"),
    }
