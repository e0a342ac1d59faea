"""The collections: required fields and indexes. Created on first use.

Every index and every document's identity begin with the project, except in shared collections.
Exact times are rationals in the values; the floats beside them are for searching and sorting.
"""

from typing import Any

from pydantic import Field
from pymongo import IndexModel, timeout
from pymongo.database import Database
from pymongo.errors import OperationFailure

from video_pipeline.catalog import upgrade
from video_pipeline.catalog.scoped import Document, address_of, translated
from video_pipeline.domain.errors import CatalogError
from video_pipeline.domain.values import Frozen
from video_pipeline.domain.work import UnitState

# Raised with every change below; a newer program upgrades an older database.
SCHEMA_VERSION = 6

_NAMESPACE_EXISTS = 48
# How long the creation of indexes may take in a large catalogue.
_CREATION_SECONDS = 3600

_ROW = {
    "video": "string",
    "phase": "string",
    "generation": "number",
    "ordinal": "number",
    "start_seconds": "double",
    "end_seconds": "double",
    "value": "object",
}
_ROW_ORDER = ("start_seconds", "end_seconds", "ordinal")


class CollectionSpec(Frozen):
    """One collection: required fields with their BSON types, and keys below the project."""

    fields: dict[str, str]
    unique: tuple[tuple[str, ...], ...] = ()
    indexes: tuple[tuple[str, ...], ...] = ()
    values: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    """The only values of a field."""
    gone: tuple[str, ...] = ()
    """Fields of an earlier schema, so that its programs cannot write."""
    gone_values: dict[str, tuple[str, ...]] = Field(default_factory=dict[str, tuple[str, ...]])
    """Values of a field in an earlier schema, so that its programs cannot write them."""

    @property
    def validator(self) -> Document:
        """Return the JSON schema of the documents."""
        found = _validator({"project_id": "string", **self.fields})
        schema = found["$jsonSchema"]
        schema["properties"] |= {name: {"enum": [*some]} for name, some in self.values.items()}
        gone: list[Document] = [{"required": [name]} for name in self.gone]
        gone += [{"properties": {n: {"enum": [*some]}}} for n, some in self.gone_values.items()]
        if gone:
            schema["not"] = {"anyOf": gone}
        return found

    @property
    def index_models(self) -> list[IndexModel]:
        """Return every index, each beginning with the project."""
        return [
            IndexModel([("project_id", 1), *((field, 1) for field in keys)], unique=unique)
            for unique, group in ((True, self.unique), (False, self.indexes))
            for keys in group
        ]


class SharedSpec(Frozen):
    """One collection of the deployment: required fields, and the retention of documents."""

    fields: dict[str, str]
    kept_days: int | None = None

    @property
    def validator(self) -> Document:
        """Return the JSON schema of the documents."""
        return _validator(self.fields)

    @property
    def index_models(self) -> list[IndexModel]:
        """Return the index that expires old documents, if they expire."""
        days = self.kept_days
        return [IndexModel([("at", 1)], expireAfterSeconds=days * 86_400)] if days else []


def _validator(fields: dict[str, str]) -> Document:
    types = {"schema_version": "number", **fields}
    return {
        "$jsonSchema": {
            "bsonType": "object",
            "required": list(types),
            "properties": {name: {"bsonType": kind} for name, kind in types.items()},
        }
    }


COLLECTIONS = {
    "videos": CollectionSpec(
        fields={"video": "string", "name": "string", "version": "string", "source": "object"},
        unique=(("video",),),
        indexes=(("source.object_key",), ("due", "arrived_at"), ("missing_since",)),
    ),
    "rejections": CollectionSpec(
        fields={"object_key": "string", "reason": "string", "at": "date"},
        unique=(("object_key",),),
    ),
    "phases": CollectionSpec(
        fields={"video": "string", "phase": "string"},
        gone_values={"phase": upgrade.GONE_PHASES},
        unique=(("video", "phase"),),
        indexes=(
            ("state", "phase", "video"),
            ("outdated", "phase", "video"),
            ("warned", "video"),
            ("phase", "result.provenance.choice", "video"),
        ),
    ),
    "markers": CollectionSpec(
        fields=_ROW, indexes=(("video", "phase", "generation", *_ROW_ORDER),)
    ),
    "segments": CollectionSpec(
        fields=_ROW, indexes=(("video", "phase", "generation", *_ROW_ORDER),)
    ),
    "events": CollectionSpec(
        fields={"sequence": "number", "video": "string", "phase": "string", "at": "date"},
        gone_values={"phase": upgrade.GONE_PHASES},
        unique=(("sequence",),),
        indexes=(("video",),),
    ),
    "sequences": CollectionSpec(fields={"last": "number"}, unique=((),)),
    "units": CollectionSpec(
        fields={
            "id": "string",
            "digest": "string",
            "generation": "number",
            "video": "string",
            "provider": "string",
            "request": "object",
            "state": "string",
            "created_at": "date",
            "updated_at": "date",
        },
        unique=(("id",), ("digest", "generation")),
        indexes=(
            ("video", "created_at"),
            ("provider", "job"),
            ("state", "created_at"),
            ("state", "waits_in", "created_at", "waits_for"),
            ("state", "wait.until"),
            ("state", "ready_at"),
        ),
        values={"state": tuple(UnitState)},
        gone=("waiting", "ready"),
    ),
}

# The deployment's own collections. Reservations are kept longer than any provider keeps a token.
SHARED = {
    "pools": SharedSpec(fields={"holders": "array", "served": "array", "queued_until": "date"}),
    "paid_seconds": SharedSpec(
        fields={"project_id": "string", "milliseconds": "number", "at": "date"}, kept_days=90
    ),
    "reservations": SharedSpec(
        fields={"project_id": "string", "milliseconds": "number", "at": "date"}, kept_days=90
    ),
}


def ensure_schema(database: Database[Document]) -> None:
    """Create or upgrade the collections; one read if they are current. Safe to run concurrently.

    Raises CatalogError for a database of a newer program, or a server without transactions.
    """
    address = address_of(database.client)
    with translated(address):
        # The one document that belongs to no project: the version of the database itself.
        recorded = database["deployment"].find_one({"_id": "schema"})
        version = recorded["version"] if recorded else 0
        if version > SCHEMA_VERSION:
            raise CatalogError(
                f"the database {database.name} has schema {version}, made by a newer version",
                where=address,
                remedy="Upgrade video-pipeline.",
            )
        if version < SCHEMA_VERSION:
            _check_replica_set(database, address)
            with timeout(_CREATION_SECONDS):
                if version:
                    upgrade.check_at_rest(database, address)
                _create(database)
                if version:
                    upgrade.delete_gone_phases(database)
                    upgrade.complete_results(database)
                    upgrade.map_states(database)
                _record_version(database)


def _check_replica_set(database: Database[Document], address: str) -> None:
    hello: dict[str, Any] = database.client.admin.command("hello")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        raise CatalogError(
            "this MongoDB has no transactions: it is not a member of a replica set",
            where=address,
            remedy="Start it with --replSet and initiate the set; one member is enough.",
        )


def _create(database: Database[Document]) -> None:
    for name, spec in {**COLLECTIONS, **SHARED}.items():
        try:
            database.create_collection(name, check_exists=False, validator=spec.validator)
        except OperationFailure as error:
            if error.code != _NAMESPACE_EXISTS:
                raise
            database.command("collMod", name, validator=spec.validator)
        if spec.index_models:
            database[name].create_indexes(spec.index_models)


def _record_version(database: Database[Document]) -> None:
    database["deployment"].update_one(
        {"_id": "schema"}, {"$set": {"version": SCHEMA_VERSION}}, upsert=True
    )
