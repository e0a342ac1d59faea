"""The ledger of one project's work units. Every change is an atomic step on one row."""

import math
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.domain.errors import IllegalMove
from video_pipeline.domain.usage import Usage, summed, times
from video_pipeline.domain.work import (
    UnitFilter,
    UnitState,
    UnitSum,
    WorkRequest,
    WorkUnit,
    check_move,
    unit_id,
)

_INTENT, _SUBMITTING = UnitState.INTENT.value, UnitState.SUBMITTING.value
_RUNNING = UnitState.RUNNING.value
_OPEN = [_INTENT, _SUBMITTING, _RUNNING]
# In the backlog only: the pool, and the paid seconds that a unit needs.
_PLACE = {"waits_in": "", "waits_for": ""}
# Rows without a lease.
_FREE: Document = {"$expr": {"$lte": ["$leased_until", "$$NOW"]}}
# The resolution of times in MongoDB.
_TICK = timedelta(milliseconds=1)
_TIMES = frozenset({"leased_until", "created_at", "updated_at", "submitted_at", "poll_at"})


class Units:
    """The ledger of one project's work units.

    Leases begin and end by the server's clock, whatever the clocks of their holders.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._check_owner, self._units = database.check_owner, database["units"]

    def latest(self, request: WorkRequest) -> WorkUnit | None:
        """Return the row of the highest generation of this request, or None."""
        self._check_owner(request.key.project)
        return _unit(self._units.find_one({"digest": request.digest}, sort=[("generation", -1)]))

    def was_settled(self, request: WorkRequest, forced_by: str) -> bool:
        """Return whether a generation of this request that `forced_by` forced has settled."""
        self._check_owner(request.key.project)
        forced = {"digest": request.digest, "forced_by": forced_by}
        return self._units.find_one({**forced, "state": UnitState.SETTLED.value}) is not None

    def open(
        self,
        request: WorkRequest,
        generation: int,
        planned: tuple[Usage, ...],
        now: datetime,
        *,
        forced_by: str = "",
    ) -> WorkUnit:
        """Return the row of this request and generation, created in intent if it is missing."""
        self._check_owner(request.key.project)
        unit = WorkUnit(
            id=unit_id(request, generation),
            request=request,
            generation=generation,
            state=UnitState.INTENT,
            planned=planned,
            forced_by=forced_by,
            created_at=now,
            updated_at=now,
        )
        found = {"digest": request.digest, "video": request.key.video, "provider": request.provider}
        fresh = {**_fields(unit, WorkUnit.model_fields), **found}
        where = {"id": fresh.pop("id")}
        return _known(self._units.put(where, {"$setOnInsert": fresh}))

    def get(self, unit: str) -> WorkUnit | None:
        """Return a unit, or None."""
        return _unit(self._units.find_one({"id": unit}))

    def among(self, units: Collection[str]) -> dict[str, WorkUnit]:
        """Return those of these units that exist, by id, in one read."""
        found = map(_known, self._units.find({"id": {"$in": sorted(units)}}))
        return {unit.id: unit for unit in found}

    def claim(self, unit: str, holder: str, lease: timedelta) -> WorkUnit | None:
        """Take the lease of a unit. Return None if another holder has it."""
        free: Document = {"id": unit, "$or": [{"holder": None}, {"holder": holder}, _FREE]}
        taken = {"holder": {"$literal": holder}, **_until(lease)}
        return _unit(self._units.change(free, [{"$set": taken}]))

    def renew(self, unit: str, holder: str, lease: timedelta) -> bool:
        """Extend one's own lease to `lease` from now. Return False if it is lost."""
        return self._units.update({"id": unit, "holder": holder}, [{"$set": _until(lease)}])

    def release(self, unit: str, holder: str) -> None:
        """Release one's own lease."""
        free = {"holder": None, "leased_until": None}
        self._units.update({"id": unit, "holder": holder}, {"$set": free})

    def move(self, unit: WorkUnit, state: UnitState, now: datetime, **changes: Any) -> WorkUnit:
        """Move a unit to a state, and change other fields of its row, in one atomic step.

        Raises IllegalMove if work.MOVES lacks the move, or if the row has moved since `unit` was
        read. `updated_at` rises with every move, and so shows that the row has moved.
        """
        check_move(unit.id, unit.state, state)
        later = max(now, unit.updated_at + _TICK)
        changes = {"waiting": "", "ready": False, **changes, "state": state, "updated_at": later}
        moved = WorkUnit.model_validate({**dict(unit), **changes})
        where = {"id": unit.id, "state": unit.state.value, "updated_at": unit.updated_at}
        change: Document = {"$set": _fields(moved, changes), "$unset": _PLACE}
        found = self._units.change(where, change)
        if found is None:
            raise IllegalMove(
                f"work unit {unit.id} was moved by another process before it could go to {state}",
                remedy="Read it again and continue from its state.",
            )
        return _known(found)

    def wait(self, unit: str, reason: str, pool: str, seconds: Fraction) -> bool:
        """Queue a unit in intent for a slot of a pool, or for so many paid seconds of a day.

        Returns False if it is not in intent. Repeatable: the last reason stands.
        """
        place = {"waits_in": pool, "waits_for": float(seconds)}
        waits = {"waiting": reason, "ready": False, **place}
        return self._units.update({"id": unit, "state": _INTENT}, {"$set": waits})

    def let_go(self, unit: str, now: datetime) -> bool:
        """Take a unit in intent or submitting out of the backlog, for a run to continue it.

        The run submits the request or reports its error. `ready` lists the unit until a run has
        moved it. Returns False if the unit is in another state.
        """
        free = {"waiting": "", "ready": True, "ready_at": now}
        where: Document = {"id": unit, "state": {"$in": [_INTENT, _SUBMITTING]}}
        return self._units.update(where, {"$set": free, "$unset": _PLACE})

    def put_off(self, unit: str, until: datetime, reason: str) -> None:
        """Defer the request of a unit in intent or submitting, and count the refusal.

        A reason that is not empty becomes what the unit waits for.
        """
        told = {"waiting": reason} if reason else {}
        where: Document = {"id": unit, "state": {"$in": [_INTENT, _SUBMITTING]}}
        change: Document = {"$set": {"poll_at": until, **told}, "$inc": {"untaken": 1}}
        self._units.update(where, change)

    def backlog(self) -> dict[str, int]:
        """Count the waiting units by pool."""
        found = self._units.grouped({"waits_in": {"$gt": ""}}, "waits_in")
        return {pool: count for (pool,), count in found}

    def waiting(
        self, pool: str, now: datetime, limit: int = 1000, seconds: float | None = None
    ) -> list[WorkUnit]:
        """Return the units that wait for a pool and are not deferred, oldest first.

        With `seconds`, only those that cost at most so many paid seconds.
        """
        where: Document = {"waits_in": pool, **_not_put_off(now)}
        if seconds is not None:
            where["waits_for"] = {"$lte": seconds}
        return self._listed(where, "created_at", limit)

    def explain(
        self, pool: str, reason: str, now: datetime, *, over: float = -1, up_to: float = math.inf
    ) -> None:
        """Set the reason of the units that wait for a pool and are not deferred.

        Applies to units that cost more than `over` and at most `up_to` paid seconds. A unit whose
        reason begins with this one keeps its own.
        """
        told = {"$not": {"$regex": f"^{re.escape(reason)}"}}
        where = {"waits_in": pool, "waits_for": {"$gt": over, "$lte": up_to}, "waiting": told}
        self._units.update_all({**where, **_not_put_off(now)}, {"$set": {"waiting": reason}})

    def number(self, unit: WorkUnit, pool: str) -> int:
        """Return the position of a unit in its project's queue for a pool, from 1."""
        earlier = {"waits_in": pool, "created_at": {"$lt": unit.created_at}}
        return self._units.count(earlier) + 1

    def abandoned(
        self, repeatable: Mapping[str, datetime], now: datetime, limit: int = 100
    ) -> list[WorkUnit]:
        """Return units in submitting without lease, result or backoff, oldest first.

        Only those that a run waits for, and those of these providers that moved after the given
        time.
        """
        begun = [
            {"provider": provider, "updated_at": {"$gt": since}}
            for provider, since in sorted(repeatable.items())
        ]
        wanted = {"$or": [{"waiting": {"$gt": ""}}, *begun]}
        left: Document = {"state": _SUBMITTING, "ready": False, **_FREE, **wanted}
        return self._listed({**left, **_not_put_off(now)}, "created_at", limit)

    def dropped(self, providers: Collection[str], limit: int = 100) -> list[WorkUnit]:
        """Return refused units of these providers that are missing in the backlog, oldest first.

        The process that submitted such a unit died before it queued the unit again.
        """
        nowhere: Document = {"state": _INTENT, "waits_in": None, "ready": False}
        asked: Document = {"attempts": {"$gt": 0}, "provider": {"$in": sorted(providers)}}
        return self._listed({**nowhere, **asked, **_FREE}, "created_at", limit)

    def mark_ready(self, unit: str, now: datetime) -> bool:
        """Record that the job of a running unit has ended. Repeatable.

        Returns False if the unit is not running.
        """
        return self._units.update(
            {"id": unit, "state": _RUNNING}, {"$set": {"ready": True}, "$min": {"ready_at": now}}
        )

    def postpone(self, unit: str, poll_at: datetime, unfetched: str = "") -> None:
        """Set when a running unit is polled next, and clear its `ready` flag.

        `unfetched` says why the result could not be fetched. It becomes what the unit waits for,
        and is counted.
        """
        later: Document = {"$set": {"poll_at": poll_at, "ready": False}, "$unset": {"ready_at": ""}}
        if unfetched:
            later["$set"]["waiting"] = unfetched
            later["$inc"] = {"unfetched": 1}
        self._units.update({"id": unit, "state": _RUNNING}, later)

    def set_unwanted(self, unit: str, unwanted: bool) -> bool:
        """Record whether any run needs a unit.

        Returns False if the unit has ended or is in doubt.
        """
        open_: Document = {"id": unit, "state": {"$in": _OPEN}}
        return self._units.update(open_, {"$set": {"unwanted": unwanted}})

    def by_job(self, provider: str, job: str) -> WorkUnit | None:
        """Return the unit that a provider's job belongs to, or None."""
        return _unit(self._units.find_one({"provider": provider, "job": job}))

    def due(self, now: datetime, limit: int = 100) -> list[WorkUnit]:
        """Return running units, not ready, with `poll_at` up to now, longest overdue first."""
        overdue: Document = {"state": _RUNNING, "ready": False, "poll_at": {"$lte": now}}
        return self._listed(overdue, "poll_at", limit)

    def ready(self, limit: int = 1000) -> list[WorkUnit]:
        """Return units for a run to consume, longest ready first.

        Their jobs have ended, or `let_go` took them out of the backlog.
        """
        return self._listed({"ready": True}, "ready_at", limit)

    def of_video(self, video: str) -> list[WorkUnit]:
        """Return all units of one video, oldest first."""
        return self._listed({"video": video}, "created_at", 0)

    def in_state(self, state: UnitState, limit: int = 1000) -> list[WorkUnit]:
        """Return units in a state, oldest first."""
        return self._listed({"state": state.value}, "created_at", limit)

    def listing(
        self, wanted: UnitFilter, after: WorkUnit | None = None, limit: int = 1000
    ) -> list[WorkUnit]:
        """Return the wanted units that follow `after`, oldest first."""
        where = _where(wanted)
        if after is not None:
            later: Document = {"created_at": {"$gt": after.created_at}}
            beside: Document = {"created_at": after.created_at, "id": {"$gt": after.id}}
            where = {**where, "$or": [later, beside]}
        order = [("created_at", 1), ("id", 1)]
        return [_known(one) for one in self._units.find(where, sort=order, limit=limit)]

    def sums(self, wanted: UnitFilter) -> list[UnitSum]:
        """Count the wanted units and sum their planned usage, by provider and state."""
        units: dict[tuple[str, UnitState], int] = {}
        planned: dict[tuple[str, UnitState], tuple[Usage, ...]] = {}
        alike = self._units.grouped(_where(wanted), "provider", "state", "planned")
        for (provider, state, usages), count in alike:
            kind = (provider, UnitState(state))
            units[kind] = units.get(kind, 0) + count
            used = tuple(Usage.model_validate(usage) for usage in usages)
            planned[kind] = summed([*planned.get(kind, ()), *times(used, count)])
        return [
            UnitSum(provider=provider, state=state, units=units[kind], planned=planned[kind])
            for kind in sorted(units)
            for provider, state in [kind]
        ]

    def _listed(self, where: Document, order: str, limit: int) -> list[WorkUnit]:
        return [_known(one) for one in self._units.find(where, sort=[(order, 1)], limit=limit)]


def _where(wanted: UnitFilter) -> Document:
    where: Document = {"state": {"$in": sorted(wanted.states)}}
    chosen = {"provider": wanted.provider, "video": wanted.video}
    return where | {name: value for name, value in chosen.items() if value is not None}


def _not_put_off(now: datetime) -> Document:
    return {"poll_at": {"$not": {"$gt": now}}}


def _until(lease: timedelta) -> Document:
    """Return the end of a lease by the server's clock."""
    return {"leased_until": {"$add": ["$$NOW", lease // _TICK]}}


def _fields(unit: WorkUnit, names: Iterable[str]) -> Document:
    """Return the stored form of these fields: times as dates, others as JSON."""
    chosen = set(names)
    times = {name: getattr(unit, name) for name in chosen & _TIMES}
    return {**unit.model_dump(mode="json", include=chosen - _TIMES), **times}


def _known(document: Document) -> WorkUnit:
    fields = {name: document[name] for name in WorkUnit.model_fields if name in document}
    return WorkUnit.model_validate(fields)


def _unit(document: Document | None) -> WorkUnit | None:
    return _known(document) if document is not None else None
