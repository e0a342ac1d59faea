"""Upgrade of documents of schema 1. Idempotent, and safe beside other upgrades and writers."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from pymongo import UpdateOne
from pymongo.collection import Collection
from pymongo.database import Database

from video_pipeline.catalog.scoped import Document
from video_pipeline.catalog.standings import is_warned, result_of, wrong_flags
from video_pipeline.domain.phases import MADE_FROM, PHASES, Phase
from video_pipeline.domain.results.timeline import PhaseResult

_PAGE = 1000
_OWNER = ("project_id", "video")


def fill_in(database: Database[Document]) -> None:
    """Add fingerprint, inputs, `outdated` and `warned` to every result.

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
        phases.bulk_write(changes, ordered=False)


def _of_video(documents: list[Document]) -> Iterable[UpdateOne]:
    made: dict[Phase, PhaseResult] = {}
    by_phase = {document["phase"]: document for document in documents}
    for document in (by_phase[phase] for phase in PHASES if phase in by_phase):
        _complete(document, made)
    wrong = wrong_flags(documents)
    for document in documents:
        flag = wrong.get(Phase(document["phase"]), bool(document.get("outdated")))
        told: dict[str, Any] = {
            name: document[name] for name in ("result", "fingerprint", "warned")
        }
        same = {"_id": document["_id"], "generation": document["generation"]}
        yield UpdateOne(same, {"$set": {**told, "outdated": flag}})


def _complete(document: Document, made: dict[Phase, PhaseResult]) -> None:
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
    document |= {
        "result": result.model_dump(mode="json"),
        "fingerprint": result.fingerprint,
        "warned": is_warned(result),
    }
