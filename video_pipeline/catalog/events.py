"""Progress of one project: numbered events, and the resulting status of each phase.

An event takes the number after the last one, under a unique index; a second writer of a number
takes the next. So numbers have no gaps and become visible in order. There is no transaction that
a killed process could leave open.
"""

from datetime import datetime
from typing import Any

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState, ProgressEvent
from video_pipeline.domain.results.timeline import PhaseStatus


class Events:
    """The progress events of one project, in order."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database
        self._events, self._phases = database["events"], database["phases"]
        self._sequences = database["sequences"]

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
        """Append an event with the next sequence number, and update the phase's status.

        The status gets a new `started_at` when the phase enters RUNNING from another state.
        """
        event: Document = {
            "video": video,
            "phase": phase.value,
            "state": state.value,
            "percent": percent,
            "provider": provider,
            "message": message,
            "run_id": run_id,
            "at": _to_milliseconds(now),
        }
        while not self._events.add(event | {"sequence": (sequence := self.last() + 1)}):
            pass
        self._set_status(event | {"sequence": sequence}, unit)
        return self._event(event | {"sequence": sequence})

    def end_silent(
        self,
        video: str,
        seen: PhaseStatus,
        state: PhaseState,
        message: str,
        now: datetime,
        *,
        silent_since: datetime,
    ) -> bool:
        """Report the end of a phase that has recorded nothing since then. Return False if it has.

        A process that begins the phase meanwhile wins. Its event takes the number after the last
        one looked at, or its status follows this one's.
        """
        phase: Document = {"video": video, "phase": seen.phase.value}
        told: Document = {"state": seen.state.value, "run_id": seen.run_id}
        event: Document = {
            **phase,
            **told,
            "state": state.value,
            "percent": None,
            "provider": seen.provider,
            "message": message,
            "at": _to_milliseconds(now),
        }
        while True:
            event["sequence"] = self.last() + 1
            known = self._phases.find_one({**phase, **told, "updated_at": seen.updated_at})
            # An event whose status is still to be written.
            newer: Document = {"sequence": {"$gt": (known or {}).get("sequence", 0)}}
            newer["at"] = {"$gte": silent_since}
            if known is None or self._events.find_one({**phase, **newer}) is not None:
                return False
            if self._events.add(event):
                self._set_status(event, seen.unit)
                return True

    def last(self) -> int:
        """Return the number of the latest event, or 0 before the first."""
        last, kept = (
            self._events.find_one({}, sort=[("sequence", -1)]),
            self._sequences.find_one({}),
        )
        return max(last["sequence"] if last else 0, kept["last"] if kept else 0)

    def forget(self, video: str) -> None:
        """Delete a video's events.

        Their numbers are not used again, so that a client resumes after those it has seen.
        """
        last = self.last()
        self._sequences.put({}, {"$max": {"last": last}})
        self._events.delete({"video": video, "sequence": {"$lte": last}})

    def after(self, sequence: int, limit: int = 1000) -> list[ProgressEvent]:
        """Return events with a greater sequence number, in order."""
        found = self._events.find(
            {"sequence": {"$gt": sequence}}, sort=[("sequence", 1)], limit=limit
        )
        return [self._event(document) for document in found]

    def _set_status(self, event: Document, unit: str | None) -> None:
        """Set the phase's status to its latest event, in any order of the writers."""
        where = {name: event[name] for name in ("video", "phase")}
        kept = ("state", "percent", "provider", "message", "run_id", "sequence")
        status = {**{name: event[name] for name in kept}, "unit": unit, "updated_at": event["at"]}
        before = self._phases.put(where, {})
        running = PhaseState.RUNNING.value
        begins = status["state"] == running and before.get("state") != running
        if begins or "started_at" not in before:
            status = {**status, "started_at": status["updated_at"]}
        older = {**where, "sequence": {"$not": {"$gte": status["sequence"]}}}
        self._phases.update(older, {"$set": status})

    def _event(self, document: Document) -> ProgressEvent:
        fields: dict[str, Any] = {
            name: document[name]
            for name in ("sequence", "phase", "state", "percent", "provider", "message", "at")
        }
        key = VideoKey(project=self._database.project, video=document["video"])
        return ProgressEvent(key=key, run_id=document["run_id"], **fields)


def _to_milliseconds(time: datetime) -> datetime:
    """Return a time as MongoDB stores it."""
    return time.replace(microsecond=time.microsecond // 1000 * 1000)
