"""Upgrade of documents of earlier schemas. Idempotent, and safe beside other upgrades.

Schema 1 had results without inputs. Up to schema 4 a work unit had fewer states, and flags. Up to
schema 5 there was a phase `thumbnails`.
"""

from collections.abc import Iterable
from contextlib import suppress
from datetime import timedelta
from enum import StrEnum
from itertools import groupby
from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import OperationFailure

from video_pipeline.catalog.scoped import DOCUMENT_VERSION, Document
from video_pipeline.catalog.standings import is_warned, result_of, wrong_flags
from video_pipeline.domain.errors import UpgradeBlocked
from video_pipeline.domain.phases import MADE_FROM, PHASES, Phase
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.work import UnitState, WaitKind

_PAGE = 1000
_OWNER = ("project_id", "video")
# `pictures` has taken the place of `thumbnails`: it is made anew, and deletes its files.
GONE_PHASES = ("thumbnails",)
# Phase and fingerprint of a result, and its fingerprint after the upgrade.
Renewed = dict[tuple[str, str], str]
_OF_GONE_PHASE: Document = {"phase": {"$in": [*GONE_PHASES]}}


def check_at_rest(database: Database[Document], address: str) -> None:
    """Raise UpgradeBlocked while processes of an earlier version hold work units."""
    soon = {"$add": ["$$NOW", _LONGEST_LEASE // timedelta(milliseconds=1)]}
    leased = [{"$gt": ["$leased_until", "$$NOW"]}, {"$lt": ["$leased_until", soon]}]
    held = database["units"].find({"$expr": {"$and": leased}}, ["project_id", "video", "refusals"])
    count = sum(_is_of_earlier_program(database, unit) for unit in held)
    if count:
        raise UpgradeBlocked(
            f"{count} work units are in the hands of runs of an earlier version",
            where=address,
            remedy="Wait until these runs have ended, or terminate them, and try again.",
        )


def _is_of_earlier_program(database: Database[Document], unit: Document) -> bool:
    """Return whether a leased unit is in a form, or beside a running phase, of earlier schemas."""
    running = {name: unit[name] for name in _OWNER} | {**_OF_GONE_PHASE, "state": "running"}
    return "refusals" not in unit or database["phases"].find_one(running) is not None


# A live process renews its lease within seconds. One that ends later is of a server whose clock was
# wrong, and nobody holds it.
_LONGEST_LEASE = timedelta(hours=1)
# Rows that no later program has written.
_OF_SCHEMA_4: Document = {"refusals": {"$exists": False}}
# State, flag or field of schema 4, and the state since: the first that holds.
_STATES: tuple[tuple[str, Document | bool, UnitState], ...] = (
    ("intent", {"$gt": ["$waits_in", ""]}, UnitState.QUEUED),
    ("intent", {"$eq": ["$ready", True]}, UnitState.ADMITTED),
    ("intent", True, UnitState.PLANNED),
    ("submitting", {"$eq": ["$ready", True]}, UnitState.RETURNED),
    ("submitting", {"$gt": ["$waiting", ""]}, UnitState.UNANSWERED),
    ("running", {"$eq": ["$ready", True]}, UnitState.ENDED),
    ("running", {"$gt": ["$unfetched", 0]}, UnitState.UNFETCHED),
)
# Of the new states, some only with refusals: what a unit waits for.
_REFUSED: Document = {"$gt": ["$untaken", 0]}
_WAITS: tuple[tuple[UnitState, Document | bool, WaitKind], ...] = (
    (UnitState.QUEUED, _REFUSED, WaitKind.PROVIDER),
    (UnitState.QUEUED, True, WaitKind.SLOT),
    (UnitState.SUBMITTING, _REFUSED, WaitKind.PROVIDER),
    (UnitState.UNANSWERED, _REFUSED, WaitKind.PROVIDER),
    (UnitState.RUNNING, True, WaitKind.JOB),
    (UnitState.UNFETCHED, True, WaitKind.RESULT),
)
_GONE_INDEXES = tuple(
    "_".join(f"{field}_1" for field in ("project_id", *fields))
    for fields in (
        ("state", "waits_in", "created_at"),
        ("state", "ready", "poll_at"),
        ("ready", "ready_at"),
        ("waits_in", "created_at", "waits_for"),
    )
)


def map_states(database: Database[Document]) -> None:
    """Map state, flags and fields of work units to the states and waits of today."""
    told = {"$in": ["$kind", [WaitKind.PROVIDER.value, WaitKind.RESULT.value]]}
    slot: Document = {"$eq": ["$kind", WaitKind.SLOT.value]}
    wait: Document = {
        "kind": "$kind",
        "until": {"$ifNull": ["$poll_at", None]},
        "scope": {"$cond": [slot, "$waits_in", "$provider"]},
        "limit": None,
        "detail": {"$cond": [told, _words({"$ifNull": ["$waiting", ""]}), ""]},
    }
    today = {
        "wait": {"$cond": ["$kind", wait, None]},
        "refusals": {"$ifNull": ["$untaken", 0]},
        "fetch_failures": {"$ifNull": ["$unfetched", 0]},
        "holder": None,
        "leased_until": None,
    }
    units = database["units"]
    units.update_many(
        _OF_SCHEMA_4,
        [
            {"$set": {"state": _switch(_STATES, "$state")}},
            {"$set": {"kind": _switch(_WAITS, None)}},
            {"$set": today},
            {"$unset": ["kind", "waiting", "ready", "poll_at", "untaken", "unfetched"]},
        ],
    )
    for index in _GONE_INDEXES:
        with suppress(OperationFailure):  # it is gone
            units.drop_index(index)


def _words(reason: Document) -> Document:
    """Return an expression for the provider's words in a reason of schema 4."""
    at, rest = {"$indexOfCP": ["$$reason", ": "]}, {"$strLenCP": "$$reason"}
    words: Document = {"$substrCP": ["$$reason", {"$max": [0, {"$add": [at, 2]}]}, rest]}
    for end in (" It is retried", " (tried "):
        words = {"$arrayElemAt": [{"$split": [words, end]}, 0]}
    return {"$let": {"vars": {"reason": reason}, "in": words}}


def _switch(rules: Iterable[tuple[str, Document | bool, StrEnum]], otherwise: Any) -> Document:
    """Return an expression for the first rule whose state and condition hold."""
    branches = [
        {"case": {"$and": [{"$eq": ["$state", str(state)]}, holds]}, "then": str(then)}
        for state, holds, then in rules
    ]
    return {"$switch": {"branches": branches, "default": otherwise}}


def delete_gone_phases(database: Database[Document]) -> None:
    """Delete status, result and events of phases that no longer exist.

    The events' numbers are not used again, so that a client resumes after those it has seen.
    """
    events = database["events"]
    for project in events.distinct("project_id", _OF_GONE_PHASE):
        of_project = {"project_id": project}
        last = events.find_one(of_project, sort=[("sequence", -1)])
        used = {"$max": {"last": last["sequence"] if last else 0}}
        fresh = {"$setOnInsert": {"schema_version": DOCUMENT_VERSION}}
        database["sequences"].update_one(of_project, {**used, **fresh}, upsert=True)
    events.delete_many(_OF_GONE_PHASE)
    database["phases"].delete_many(_OF_GONE_PHASE)


def complete_results(database: Database[Document]) -> None:
    """Add fingerprint, inputs, `outdated` and `warned` to every result. Drop inputs that are gone.

    10,000 videos take some seconds.
    """
    phases = database["phases"]
    order = [*((name, 1) for name in _OWNER), ("phase", 1)]
    changes: list[UpdateOne] = []
    with phases.find({"result": {"$exists": True}}, sort=order) as found:
        for _, of_video in groupby(found, lambda document: [document[name] for name in _OWNER]):
            changes += _of_video(list(of_video))
            if len(changes) >= _PAGE:
                _write(phases, changes)
                changes = []
    _write(phases, changes)


def _write(phases: Collection[Document], changes: list[UpdateOne]) -> None:
    if changes:
        phases.bulk_write(changes)


def _of_video(documents: list[Document]) -> Iterable[UpdateOne]:
    made: dict[Phase, PhaseResult] = {}
    renewed: Renewed = {}
    by_phase = {document["phase"]: document for document in documents}
    in_order = [by_phase[phase] for phase in PHASES if phase in by_phase]
    for document in in_order:
        _renew_inputs(document, renewed)
        _complete(document, made, renewed)
    wrong = wrong_flags(documents)
    # Those first that were made from others: after a kill, the others still lead to them.
    for document in reversed(in_order):
        flag = wrong.get(Phase(document["phase"]), bool(document.get("outdated")))
        told: dict[str, Any] = {
            name: document[name] for name in ("result", "fingerprint", "warned")
        }
        same = {"_id": document["_id"], "generation": document["generation"]}
        yield UpdateOne(same, {"$set": {**told, "outdated": flag}})


def _renew_inputs(document: Document, renewed: Renewed) -> None:
    """Drop the inputs that are gone, and name others by the fingerprints that they have now."""
    origin: Document = document["result"].get("provenance") or {}
    inputs: dict[str, str] = origin.get("inputs", {})
    if "inputs" in origin:
        kept = {name: one for name, one in inputs.items() if name not in GONE_PHASES}
        origin["inputs"] = {name: renewed.get((name, one), one) for name, one in kept.items()}


def _complete(document: Document, made: dict[Phase, PhaseResult], renewed: Renewed) -> None:
    """Add the inputs of a result: those that existed when it was begun."""
    result = result_of(document)
    assert result is not None, "only those with a result are asked for"
    origin = result.provenance
    if origin is not None and "inputs" not in document["result"]["provenance"]:
        inputs = {
            phase: one.fingerprint
            for phase in MADE_FROM.get(result.phase, ())
            if (one := made.get(phase)) is not None
            and one.provenance is not None
            and one.provenance.content == origin.content
            and one.provenance.ended_at <= origin.started_at
        }
        origin = origin.model_copy(update={"inputs": inputs})
        result = result.model_copy(update={"provenance": origin})
    made[result.phase] = result
    if before := document.get("fingerprint"):
        renewed[result.phase.value, before] = result.fingerprint
    document |= {
        "result": result.model_dump(mode="json"),
        "fingerprint": result.fingerprint,
        "warned": is_warned(result),
    }
