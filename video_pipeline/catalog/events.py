"""Progress of one project: numbered events, and the status of each phase that they leave.

Number, event and status are written in one transaction. The counter is written first: whoever
comes second to it waits, so that events become visible in the order of their numbers.
"""

from datetime import datetime
from typing import Any

from pymongo.client_session import ClientSession

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.domain.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState, ProgressEvent

_COUNTER = {"name": "events"}


class MongoEvents:
    """Implements Events."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._database = database
        self._counters, self._events = database["counters"], database["events"]
        self._phases = database["phases"]

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
        now = now.replace(microsecond=now.microsecond // 1000 * 1000)
        where: Document = {"video": video, "phase": phase.value}
        told: Document = {
            "state": state.value,
            "percent": percent,
            "provider": provider,
            "message": message,
            "run_id": run_id,
        }

        def append(session: ClientSession) -> ProgressEvent:
            count: Document = {"$inc": {"value": 1}}
            sequence = self._counters.put(_COUNTER, count, session=session)["value"]
            document = {**where, **told, "sequence": sequence, "at": now}
            event = self._event(document)
            self._events.insert([document], session=session)
            self._set_status(where, {**told, "unit": unit, "updated_at": now}, session)
            return event

        return self._database.in_transaction(append)

    def after(self, sequence: int, limit: int = 1000) -> list[ProgressEvent]:
        found = self._events.find(
            {"sequence": {"$gt": sequence}}, sort=[("sequence", 1)], limit=limit
        )
        return [self._event(document) for document in found]

    def _set_status(self, where: Document, status: Document, session: ClientSession) -> None:
        before = self._phases.find_one(where, session=session) or {}
        running = PhaseState.RUNNING.value
        begins = status["state"] == running and before.get("state") != running
        if begins or "started_at" not in before:
            status = {**status, "started_at": status["updated_at"]}
        self._phases.put(where, {"$set": status}, session=session)

    def _event(self, document: Document) -> ProgressEvent:
        fields: dict[str, Any] = {
            name: document[name]
            for name in ("sequence", "phase", "state", "percent", "provider", "message", "at")
        }
        key = VideoKey(project=self._database.project, video=document["video"])
        return ProgressEvent(key=key, run_id=document["run_id"], **fields)
