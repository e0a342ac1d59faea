"""Limits at providers that all projects share: slots, and the paid seconds of a day.

These documents belong to the deployment, since their limits hold over all projects. They contain
only seconds, names of pools and ids of work units, each entry with its project_id. A pool is one
document, changed by atomic updates by the server's clock; seconds are counted in transactions.
"""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from typing import Any

from pymongo import ReturnDocument
from pymongo.client_session import ClientSession
from pymongo.database import Database
from pymongo.errors import DuplicateKeyError

from video_pipeline.catalog.scoped import DOCUMENT_VERSION, Document, address_of, translated
from video_pipeline.domain.slots import Budget, Pool, Slot

# How long newcomers get no slot after a unit got none; renewed while units wait.
_QUEUED_MILLISECONDS = 120_000
_MILLISECOND = timedelta(milliseconds=1)
# Milliseconds that mean no limit.
_MOST = 2**53


class Admissions:
    """Slots at providers, and the paid seconds of a day, shared by all projects.

    The one repository that is not bound to a project.
    """

    def __init__(self, database: Database[Document]) -> None:
        self._client, self._address = database.client, address_of(database.client)
        self._pools, self._paid = database["pools"], database["paid_seconds"]
        self._reservations = database["reservations"]

    def take(
        self,
        pool: str,
        limit: int,
        project: str,
        unit: str,
        lease: timedelta,
        *,
        newcomer: bool = False,
    ) -> bool:
        """Take a slot if fewer than `limit` are held, or keep one's own.

        Returns False if none is free, if the pool is paused, or if a newcomer would overtake
        others. The slot lasts until it is freed. Its lease only limits how long a unit may hold it
        before its request begins.
        """
        until = {"$add": ["$$NOW", lease // _MILLISECOND]}
        mine = {"project_id": {"$literal": project}, "unit": {"$literal": unit}}
        slot = {**mine, "since": "$$NOW", "until": until}
        here: Document = {"$in": [mine["unit"], "$holders.unit"]}
        room = {"$lt": [{"$size": "$holders"}, limit]}
        open_: list[Document] = [room, {"$lte": ["$paused_until", "$$NOW"]}]
        if newcomer:
            open_.append({"$lte": ["$queued_until", "$$NOW"]})
        served = {"project_id": mine["project_id"], "at": "$$NOW"}
        changed = {
            "holders": {"$concatArrays": [_but("holders", "unit", unit), [slot]]},
            "served": {"$concatArrays": [_but("served", "project_id", project), [served]]},
        }
        renewed = {"holders": {"$map": {"input": "$holders", "in": _renewed(unit, until)}}}
        queued = {"queued_until": {"$add": ["$$NOW", _QUEUED_MILLISECONDS]}}
        found = self._change(
            pool,
            [
                {"$set": {"case": {"$cond": [here, 1, {"$cond": [{"$and": open_}, 2, 3]}]}}},
                {"$set": _by_case(("holders", "served", "queued_until"), renewed, changed, queued)},
                {"$unset": "case"},
            ],
        )
        return any(holder["unit"] == unit for holder in found["holders"])

    def free(self, pool: str, unit: str) -> None:
        """Free a slot, if it is held. Repeatable."""
        with translated(self._address):
            self._pools.update_one({"_id": pool}, {"$pull": {"holders": {"unit": unit}}})

    def free_expired(self, pool: str, unit: str) -> None:
        """Free a slot whose lease has expired. Repeatable."""
        gone = {"$and": [{"$eq": ["$$one.unit", unit]}, {"$lte": ["$$one.until", "$$NOW"]}]}
        kept = {"$filter": {"input": "$holders", "as": "one", "cond": {"$not": [gone]}}}
        with translated(self._address):
            self._pools.update_one({"_id": pool}, [{"$set": {"holders": kept}}])

    def pause(self, pool: str, seconds: float) -> None:
        """Pause a pool whose provider did not take a request, and count the refusal."""
        until = {"$add": ["$$NOW", round(seconds * 1000)]}
        paused: Document = {"paused_until": {"$max": ["$paused_until", until]}}
        counted: Document = {"untaken": {"$add": [{"$ifNull": ["$untaken", 0]}, 1]}}
        self._change(pool, [{"$set": {**paused, **counted}}])

    def answered(self, pool: str) -> None:
        """Reset the count of refusals, as the provider took a request."""
        with translated(self._address):
            in_a_row = {"_id": pool, "untaken": {"$gt": 0}}
            self._pools.update_one(in_a_row, {"$set": {"untaken": 0}})

    def open_to_newcomers(self, pool: Pool) -> None:
        """Let newcomers take slots again, unless one was refused since `pool` was read."""
        seen = {"_id": pool.name, "queued_until": pool.queued_until}
        with translated(self._address):
            self._pools.update_one(seen, [{"$set": {"queued_until": "$$NOW"}}])

    def pools(self, *names: str) -> list[Pool]:
        """Return those of these pools that were ever used; without names, all."""
        chosen: Document = {"_id": {"$in": list(names)}} if names else {}
        paused = {"$gt": ["$paused_until", "$$NOW"]}
        stages: list[Document] = [{"$match": chosen}, {"$set": {"paused": paused}}]
        with translated(self._address), self._pools.aggregate(stages) as cursor:
            return [_pool(document) for document in cursor]

    def reserve(
        self, unit: str, project: str, account: str, seconds: Fraction, budget: Budget, day: date
    ) -> str | None:
        """Reserve paid seconds of a day, of the project and of the account, or of neither.

        Returns None, or which budget is used up: `project` or `account`. A unit is counted once,
        however often and on whatever day it is reserved again.
        """
        amount = -(-seconds * 1000 // 1)
        counters = (
            (_project(project), project, _milliseconds(budget.project_seconds)),
            (_account(account), "", _milliseconds(budget.account_seconds)),
        )
        for name, of, _ in counters:
            self._make_counter(name, of, day)

        def count(session: ClientSession) -> str | None:
            if self._reservations.find_one({"_id": unit}, session=session):
                return None
            for name, _, limit in counters:
                fits = {"_id": _counter(name, day), "milliseconds": {"$lte": limit - int(amount)}}
                more = {"$inc": {"milliseconds": int(amount)}}
                if not self._paid.update_one(fits, more, session=session).modified_count:
                    session.abort_transaction()
                    return name.partition(" ")[0]
            self._reservations.insert_one(
                {
                    "_id": unit,
                    "project_id": project,
                    "schema_version": DOCUMENT_VERSION,
                    "counters": [_counter(name, day) for name, *_ in counters],
                    "milliseconds": int(amount),
                    "at": _midnight(day),
                },
                session=session,
            )
            return None

        with translated(self._address), self._client.start_session() as session:
            return session.with_transaction(count)

    def unreserve(self, unit: str) -> None:
        """Release the paid seconds that a unit has reserved. Repeatable."""

        def uncount(session: ClientSession) -> None:
            found = self._reservations.find_one_and_delete({"_id": unit}, session=session)
            for name in found["counters"] if found else ():
                less = {"$inc": {"milliseconds": -found["milliseconds"]}} if found else {}
                self._paid.update_one({"_id": name}, less, session=session)

        with translated(self._address):
            if self._reservations.find_one({"_id": unit}, projection=["_id"]) is None:
                return
            with self._client.start_session() as session:
                session.with_transaction(uncount)

    def used(
        self, day: date, *, project: str | None = None, account: str | None = None
    ) -> Fraction:
        """Return the paid seconds reserved on a day, of a project or of an account."""
        name = _account(account) if account is not None else _project(project or "")
        with translated(self._address):
            found = self._paid.find_one({"_id": _counter(name, day)})
        return Fraction(found["milliseconds"] if found else 0, 1000)

    def _make_counter(self, name: str, project: str, day: date) -> None:
        fresh = {
            "project_id": project,
            "schema_version": DOCUMENT_VERSION,
            "milliseconds": 0,
            "at": _midnight(day),
        }
        where = {"_id": _counter(name, day)}
        with translated(self._address):
            if self._paid.find_one(where, projection=["_id"]) is None:
                self._put(self._paid, where, {"$setOnInsert": fresh})

    def _change(self, pool: str, stages: list[Document]) -> Document:
        """Change one pool, created if it is missing, and return the new one."""
        start: Document = {
            "schema_version": DOCUMENT_VERSION,
            "holders": {"$ifNull": ["$holders", []]},
            "served": {"$ifNull": ["$served", []]},
            "queued_until": {"$ifNull": ["$queued_until", "$$NOW"]},
            "paused_until": {"$ifNull": ["$paused_until", "$$NOW"]},
        }
        with translated(self._address):
            return self._put(self._pools, {"_id": pool}, [{"$set": start}, *stages])

    def _put(self, collection: Any, where: Document, change: Any) -> Document:
        def put() -> Document:
            found: Document = collection.find_one_and_update(
                where, change, upsert=True, return_document=ReturnDocument.AFTER
            )
            return found

        try:
            return put()
        except DuplicateKeyError:
            return put()  # another process created it between our read and our insert


def _but(field: str, name: str, value: str) -> Document:
    """Return an expression for the list without the entries that have this value."""
    others = {"$ne": [f"$$one.{name}", {"$literal": value}]}
    return {"$filter": {"input": f"${field}", "as": "one", "cond": others}}


def _renewed(unit: str, until: Document) -> Document:
    """Return an expression for a holder, with another end of lease if it is this unit."""
    mine = {"$eq": ["$$this.unit", {"$literal": unit}]}
    return {"$cond": [mine, {"$mergeObjects": ["$$this", {"until": until}]}, "$$this"]}


def _by_case(fields: tuple[str, ...], *cases: Document) -> Document:
    """Return the new value of each field, by the number in `case`."""
    return {
        field: {
            "$switch": {
                "branches": [
                    {"case": {"$eq": ["$case", number]}, "then": change[field]}
                    for number, change in enumerate(cases, 1)
                    if field in change
                ],
                "default": f"${field}",
            }
        }
        for field in fields
    }


def _pool(document: Document) -> Pool:
    return Pool(
        name=document["_id"],
        holders=tuple(
            Slot(project=one["project_id"], unit=one["unit"], since=one["since"])
            for one in document["holders"]
        ),
        served={one["project_id"]: one["at"] for one in document["served"]},
        paused=document["paused"],
        queued_until=document["queued_until"],
        refusals=document.get("untaken", 0),
    )


def _milliseconds(seconds: float) -> int:
    return int(min(seconds * 1000, _MOST))


def _project(project: str) -> str:
    return f"project {project}"


def _account(account: str) -> str:
    return f"account {account}"


def _counter(name: str, day: date) -> str:
    return f"{day.isoformat()} {name}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
