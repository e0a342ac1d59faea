"""The ledger of one project's work units. Every change is an atomic step on one row."""

import math
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.domain.errors import IllegalMove
from video_pipeline.domain.usage import Usage, summed, times
from video_pipeline.domain.work import (
    DEFERRALS,
    Stage,
    UnitFailure,
    UnitFilter,
    UnitState,
    UnitSum,
    Wait,
    WaitKind,
    WorkRequest,
    WorkUnit,
    check_move,
    states_in,
    unit_id,
)

# In the backlog only: the pool, and the paid seconds that a unit needs.
_PLACE = {"waits_in": "", "waits_for": ""}
# Without a hint the server may sort all units of a state.
_BY_READY = [("project_id", 1), ("state", 1), ("ready_at", 1)]
# Rows without a lease.
_FREE: Document = {"$expr": {"$lte": ["$leased_until", "$$NOW"]}}
# The resolution of times in MongoDB.
_TICK = timedelta(milliseconds=1)
_TIMES = frozenset({"leased_until", "created_at", "updated_at", "submitted_at", "refused_at"})


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
        """Return the row of this request and generation, planned if it is missing."""
        self._check_owner(request.key.project)
        unit = WorkUnit(
            id=unit_id(request, generation),
            request=request,
            generation=generation,
            state=UnitState.PLANNED,
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

    def begin(self, unit: WorkUnit, now: datetime, *, parked: bool) -> WorkUnit:
        """Record that the request is about to be made; `parked`: for a phase without a run.

        This and the next transitions are atomic. They raise IllegalMove if work.NEXT does not
        allow them, or if the row has moved since `unit` was read.
        """
        state = UnitState.UNANSWERED if parked else UnitState.SUBMITTING
        return self._move(unit, state, now, attempts=unit.attempts + 1)

    def adopt(self, unit: WorkUnit, requested_at: datetime, now: datetime) -> WorkUnit:
        """Record that the request was made before this row was written."""
        state = UnitState.UNANSWERED if unit.state.parked else UnitState.SUBMITTING
        attempts = max(unit.attempts, 1)
        return self._move(unit, state, now, attempts=attempts, submitted_at=requested_at)

    def refuse(self, unit: WorkUnit, now: datetime) -> WorkUnit:
        """Record that the provider has not accepted the request.

        An adopted unit loses the time of its stored request: the deadline counts from the next one.
        """
        return self._move(unit, UnitState.PLANNED, now, refused_at=now, submitted_at=None)

    def accept(self, unit: WorkUnit, job: str, now: datetime, poll_at: datetime) -> WorkUnit:
        """Record that the provider accepted the request as a job."""
        polled = Wait(kind=WaitKind.JOB, until=poll_at)
        return self._move(unit, UnitState.RUNNING, now, job=job, submitted_at=now, wait=polled)

    def finish(
        self,
        unit: WorkUnit,
        state: UnitState,
        now: datetime,
        *,
        used: tuple[Usage, ...],
        failure: UnitFailure | None = None,
    ) -> WorkUnit:
        """Record the unit's last state, or that it is in doubt, with its usage and the reason."""
        return self._move(unit, state, now, settled=used, failure=failure)

    def _move(self, unit: WorkUnit, state: UnitState, now: datetime, **fields: object) -> WorkUnit:
        """Change state and fields in one step. `updated_at` rises, and so shows that it moved."""
        check_move(unit.id, unit.state, state)
        later = max(now, unit.updated_at + _TICK)
        changes = {"wait": None, **fields, "state": state, "updated_at": later}
        moved = WorkUnit.model_validate({**dict(unit), **changes})
        # A hint or the sweep may have moved it within its stage.
        where = {**_is(unit.id, unit.state.stage), "updated_at": unit.updated_at}
        change: Document = {"$set": _fields(moved, changes), "$unset": {**_PLACE, "ready_at": ""}}
        found = self._units.change(where, change)
        if found is None:
            raise IllegalMove(
                f"work unit {unit.id} was moved by another process before it could go to {state}",
                remedy="Read it again and continue from its state.",
            )
        return _known(found)

    def queue(
        self, unit: str, wait: Wait, pool: str, seconds: Fraction, now: datetime
    ) -> WorkUnit | None:
        """Put a unit into the backlog of a pool, and return it. It needs so many paid seconds.

        Returns None if its request was made. Repeatable: the last wait stands, but a deferral until
        its end.
        """
        standing = [] if wait.kind in DEFERRALS else sorted(DEFERRALS)
        deferred = [{"$in": ["$wait.kind", standing]}, {"$gt": ["$wait.until", now]}]
        queued: Document = {
            "state": UnitState.QUEUED.value,
            "wait": {"$cond": [{"$and": deferred}, "$wait", {"$literal": _stored(wait)}]},
            "waits_in": {"$literal": pool},
            "waits_for": float(seconds),
        }
        return _unit(self._units.change(_is(unit, Stage.UNSENT), [{"$set": queued}]))

    def hand_over(self, unit: str, now: datetime) -> bool:
        """Leave the next step to a run: it makes the request, or reports its error.

        Returns False if the request was answered.
        """
        unsent: Document = {"$in": ["$state", _values(states_in(Stage.UNSENT))]}
        state = {"$cond": [unsent, UnitState.ADMITTED.value, UnitState.RETURNED.value]}
        ready = {"wait": None, "ready_at": now, **dict.fromkeys(_PLACE, "$$REMOVE")}
        where = _is(unit, Stage.UNSENT, Stage.SENT)
        return self._units.update(where, [{"$set": {"state": state, **ready}}])

    def defer(self, unit: str, wait: Wait) -> None:
        """Count a refusal of a unit's request, and set until when it is not tried again."""
        change: Document = {"$set": {"wait": _stored(wait)}, "$inc": {"refusals": 1}}
        self._units.update(_is(unit, Stage.UNSENT, Stage.SENT), change)

    def backlog(self) -> dict[str, int]:
        """Count the queued units by pool."""
        found = self._units.grouped({"state": UnitState.QUEUED.value}, "waits_in")
        return {pool: count for (pool,), count in found}

    def queued(
        self, pool: str, now: datetime, limit: int = 1000, seconds: float | None = None
    ) -> list[WorkUnit]:
        """Return the units that wait for a pool and are not deferred, oldest first.

        With `seconds`, only those that cost at most so many paid seconds.
        """
        where = _in_pool(pool) | _not_deferred(now)
        if seconds is not None:
            where["waits_for"] = {"$lte": seconds}
        return self._listed(where, "created_at", limit)

    def explain(
        self, pool: str, wait: Wait, now: datetime, *, over: float = -1, up_to: float = math.inf
    ) -> None:
        """Set what the units wait for that wait for a pool and are not deferred.

        Applies to units that cost more than `over` and at most `up_to` paid seconds. A unit that
        waits for the same keeps its details.
        """
        # The place in a queue for slots is as it was when the unit came.
        fields = ("kind", "scope", "limit") if wait.kind is WaitKind.SLOT else Wait.model_fields
        same = {f"wait.{name}": getattr(wait, name) for name in fields}
        costs = {"waits_for": {"$gt": over, "$lte": up_to}}
        where = {**_in_pool(pool), **costs, **_not_deferred(now, same)}
        self._units.update_all(where, {"$set": {"wait": _stored(wait)}})

    def number(self, unit: WorkUnit, pool: str) -> int:
        """Return the position of a unit in its project's queue for a pool, from 1."""
        earlier = {**_in_pool(pool), "created_at": {"$lt": unit.created_at}}
        return self._units.count(earlier) + 1

    def abandoned(
        self, repeatable: Mapping[str, datetime], now: datetime, limit: int = 100
    ) -> list[WorkUnit]:
        """Return units whose request no process makes or defers, oldest first.

        Those for which no run is parked only if they are of these providers, and moved after the
        given time.
        """
        begun = [
            {"provider": provider, "updated_at": {"$gt": since}}
            for provider, since in sorted(repeatable.items())
        ]
        wanted = {"$or": [{"state": UnitState.UNANSWERED.value}, *begun]}
        sent = {"state": {"$in": _values({UnitState.SUBMITTING, UnitState.UNANSWERED})}}
        where: Document = {**sent, **wanted, **_FREE, **_not_deferred(now)}
        return self._listed(where, "created_at", limit)

    def dropped(self, providers: Collection[str], limit: int = 100) -> list[WorkUnit]:
        """Return refused units of these providers that are missing in the backlog, oldest first.

        The process that submitted such a unit died before it queued the unit again.
        """
        refused: Document = {"state": UnitState.PLANNED.value, "attempts": {"$gt": 0}}
        where: Document = {**refused, "provider": {"$in": sorted(providers)}, **_FREE}
        return self._listed(where, "created_at", limit)

    def end(self, unit: str, now: datetime) -> bool:
        """Record that the job of a unit has ended. Repeatable. Returns False if it has no job."""
        ended: Document = {"$set": {"state": UnitState.ENDED.value, "wait": None}}
        return self._units.update(_is(unit, Stage.ACCEPTED), ended | {"$min": {"ready_at": now}})

    def postpone(self, unit: str, poll_at: datetime, note: str = "") -> WorkUnit | None:
        """Set when a job is polled next, and return its unit. If it had ended, it runs again."""
        unfetched: Document = {"$eq": ["$state", UnitState.UNFETCHED.value]}
        polled = Wait(kind=WaitKind.JOB, until=poll_at, detail=note)
        later = {"$mergeObjects": ["$wait", {"until": poll_at}]}
        change: Document = {
            "state": {"$cond": [unfetched, "$state", UnitState.RUNNING.value]},
            "wait": {"$cond": [unfetched, later, {"$literal": _stored(polled)}]},
            "ready_at": "$$REMOVE",
        }
        return _unit(self._units.change(_is(unit, Stage.ACCEPTED), [{"$set": change}]))

    def fetch_later(self, unit: str, until: datetime, why: str) -> WorkUnit | None:
        """Count a failed attempt to fetch a job's result, set the next, and return the unit."""
        wait = Wait(kind=WaitKind.RESULT, until=until, detail=why)
        change: Document = {
            "$set": {"state": UnitState.UNFETCHED.value, "wait": _stored(wait)},
            "$unset": {"ready_at": ""},
            "$inc": {"fetch_failures": 1},
        }
        return _unit(self._units.change(_is(unit, Stage.ACCEPTED), change))

    def set_unwanted(self, unit: str, unwanted: bool) -> bool:
        """Record whether any run needs a unit.

        Returns False if the unit is over or in doubt.
        """
        open_ = _is(unit, Stage.UNSENT, Stage.SENT, Stage.ACCEPTED)
        return self._units.update(open_, {"$set": {"unwanted": unwanted}})

    def by_job(self, provider: str, job: str) -> WorkUnit | None:
        """Return the unit that a provider's job belongs to, or None."""
        return _unit(self._units.find_one({"provider": provider, "job": job}))

    def due(self, now: datetime, limit: int = 100) -> list[WorkUnit]:
        """Return the units whose job is to be polled now, longest overdue first."""
        waiting = _values({UnitState.RUNNING, UnitState.UNFETCHED})
        overdue: Document = {"state": {"$in": waiting}, "wait.until": {"$lte": now}}
        return self._listed(overdue, "wait.until", limit)

    def ready(self, limit: int = 1000) -> list[WorkUnit]:
        """Return the units whose next step is that of a run, longest ready first."""
        ready = _values(state for state in UnitState if state.ready)
        return self._listed({"state": {"$in": ready}}, "ready_at", limit, hint=_BY_READY)

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

    def _listed(self, where: Document, order: str, limit: int, **options: Any) -> list[WorkUnit]:
        found = self._units.find(where, sort=[(order, 1)], limit=limit, **options)
        return [_known(one) for one in found]


def _where(wanted: UnitFilter) -> Document:
    where: Document = {"state": {"$in": sorted(wanted.states)}}
    chosen = {"provider": wanted.provider, "video": wanted.video}
    return where | {name: value for name, value in chosen.items() if value is not None}


def _is(unit: str, *stages: Stage) -> Document:
    return {"id": unit, "state": {"$in": _values(states_in(*stages))}}


def _in_pool(pool: str) -> Document:
    return {"state": UnitState.QUEUED.value, "waits_in": pool}


def _not_deferred(now: datetime, *others: Document) -> Document:
    deferred = {"wait.kind": {"$in": sorted(DEFERRALS)}, "wait.until": {"$gt": now}}
    return {"$nor": [deferred, *others]}


def _values(states: Iterable[UnitState]) -> list[str]:
    return sorted(state.value for state in states)


def _stored(wait: Wait) -> Document:
    return {**wait.model_dump(mode="json"), "until": wait.until}


def _until(lease: timedelta) -> Document:
    """Return the end of a lease by the server's clock."""
    return {"leased_until": {"$add": ["$$NOW", lease // _TICK]}}


def _fields(unit: WorkUnit, names: Iterable[str]) -> Document:
    """Return the stored form of these fields: times as dates, others as JSON."""
    chosen = set(names)
    times = {name: getattr(unit, name) for name in chosen & _TIMES}
    wait = {"wait": _stored(unit.wait)} if unit.wait and "wait" in chosen else {}
    return {**unit.model_dump(mode="json", include=chosen - _TIMES), **times, **wait}


def _known(document: Document) -> WorkUnit:
    fields = {name: document[name] for name in WorkUnit.model_fields if name in document}
    return WorkUnit.model_validate(fields)


def _unit(document: Document | None) -> WorkUnit | None:
    return _known(document) if document is not None else None
