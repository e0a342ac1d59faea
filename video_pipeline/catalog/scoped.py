"""Access to MongoDB bound to one project, and translation of pymongo's errors.

Repositories use MongoDB only through `ProjectCollection`, which adds the project to every filter,
and project and schema version to every new document.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

from bson import ObjectId
from bson.errors import BSONError
from pymongo import MongoClient, ReturnDocument, timeout
from pymongo.client_session import ClientSession
from pymongo.collection import Collection
from pymongo.database import Database
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
)

from video_pipeline.domain.errors import CatalogError, CatalogUnavailable
from video_pipeline.domain.naming.identity import ProjectId

Document = dict[str, Any]
# An update, or a pipeline of stages, which may use the server's clock.
Change = Document | list[Document]

# How long a command or a sensor waits for an answer about a few documents.
ANSWER_SECONDS = 5.0
# The same for a request that counts or changes any number of documents.
_MANY_SECONDS = 120.0

# Documents in one answer: enough for a whole listing.
_BATCH = 1000

_DUPLICATE = 11000

T = TypeVar("T")

# The schema_version of new documents.
DOCUMENT_VERSION = 1


def address_of(client: MongoClient[Document]) -> str:
    """Return the servers of a client, without credentials."""
    servers = client.topology_description.server_descriptions()
    return ", ".join(host if port is None else f"{host}:{port}" for host, port in servers)


@contextmanager
def translated(address: str) -> Generator[None]:
    """Translate pymongo's errors to CatalogUnavailable or CatalogError."""
    try:
        yield
    except (BSONError, OverflowError) as error:
        raise CatalogError(
            f"a value cannot be stored: {error}",
            where=address,
            remedy="Keep numbers within 64 bits, text free of null bytes, rows below 16 MB.",
        ) from error
    except PyMongoError as error:
        raise _translation(address, error) from error


# Codes of MongoDB for what a failed primary lost, or its successor lacks yet: those of the driver's
# specification of retryable writes, and CursorNotFound, FailedToSatisfyReadPreference,
# ReadConcernMajorityNotAvailableYet, QueryPlanKilled, CursorKilled, SnapshotUnavailable.
_GONE = frozenset(
    (6, 7, 43, 89, 91, 133, 134, 175, 189, 237, 246, 262, 9001, 10107, 11600, 11602, 13435, 13436)
)


def _translation(address: str, error: PyMongoError) -> CatalogError:
    if error.timeout or _ended(error):
        return CatalogUnavailable(
            "no MongoDB answers",
            where=address,
            remedy="Start it, or correct MONGODB_URI, and try again.",
        )
    return CatalogError(
        f"MongoDB refused: {error}", where=address, remedy="Run `video-pipeline doctor`."
    )


def _ended(error: PyMongoError) -> bool:
    """Return whether the server ended, perhaps after a write and before it was confirmed."""
    gone = isinstance(error, OperationFailure) and error.code in _GONE
    return (
        isinstance(error, ConnectionFailure) or gone or error.has_error_label("RetryableWriteError")
    )


def _through_an_election(ask: Callable[[], T]) -> T:
    """Repeat an idempotent request once if its server ends, but not if its time is up.

    The driver itself repeats only requests that concern single documents.
    """
    try:
        return ask()
    except PyMongoError as error:
        if error.timeout or not _ended(error):
            raise
        return ask()


def _are_there(error: BulkWriteError) -> bool:
    """Return whether an insertion failed only because its documents exist already."""
    found = error.details or {}
    written = [failed.get("code") for failed in found.get("writeErrors", ())]
    return bool(written) and set(written) == {_DUPLICATE} and not found.get("writeConcernErrors")


class ProjectCollection:
    """One collection, bound to one project. Callers leave the project out of filters."""

    def __init__(self, collection: Collection[Document], project: ProjectId, address: str) -> None:
        self._collection, self._address = collection, address
        self._scope: Document = {"project_id": project}

    def find(self, where: Document, **options: Any) -> Iterator[Document]:
        """Stream the documents. Options are those of pymongo's `find`.

        Only the first batch is repeated if a server ends; later ones raise CatalogUnavailable.
        """
        wanted: Document = {"batch_size": _BATCH, **options}
        with (
            translated(self._address),
            self._collection.find({**where, **self._scope}, **wanted) as cursor,
        ):
            # The limit of the first request bounds the server's time for the whole listing.
            with self._unhurried(few="limit" in options):
                first = next(cursor, None)
            if first is not None:
                yield first
                yield from cursor

    def find_one(self, where: Document, **options: Any) -> Document | None:
        with translated(self._address):
            return self._collection.find_one({**where, **self._scope}, **options)

    def count(self, where: Document, **options: Any) -> int:
        """Count the matching documents. Options are those of pymongo's `count_documents`."""
        with translated(self._address), self._unhurried():
            return self._collection.count_documents({**where, **self._scope}, **options)

    def grouped(
        self, where: Document, *fields: str, unwound: str | None = None
    ) -> Iterator[tuple[tuple[Any, ...], int]]:
        """Yield each combination of these fields' values with its number of documents.

        Of the list `unwound`, each item counts.
        """
        by = {str(number): f"${field}" for number, field in enumerate(fields)}
        stages: list[Document] = [
            {"$match": {**where, **self._scope}},
            *([{"$unwind": f"${unwound}"}] if unwound else []),
            {"$group": {"_id": by, "count": {"$sum": 1}}},
        ]
        with translated(self._address), self._unhurried():
            grouped = self._collection.aggregate(stages)
        with translated(self._address), grouped as cursor:
            for document in cursor:
                found = document["_id"]
                yield tuple(found.get(name) for name in by), document["count"]

    def insert(self, documents: Sequence[Document], **options: Any) -> None:
        """Add new documents in one message. Each has its `_id`, so that a repetition is safe."""
        new = [self._new(one) | {"_id": ObjectId()} for one in documents]

        def add_missing() -> None:
            try:
                self._collection.insert_many(new, ordered=False, **options)
            except BulkWriteError as error:
                if not _are_there(error):
                    raise

        with translated(self._address):
            _through_an_election(add_missing)

    def add(self, document: Document) -> bool:
        """Add a new document. Return False if one with this identity exists."""
        with translated(self._address):
            try:
                self._collection.insert_one(self._new(document))
            except DuplicateKeyError:
                return False
        return True

    def update(self, where: Document, update: Change, **options: Any) -> bool:
        """Change one document. Return False if none matches."""
        with translated(self._address):
            done = self._collection.update_one({**where, **self._scope}, update, **options)
        return done.matched_count > 0

    def update_all(self, where: Document, update: Document, **options: Any) -> int:
        """Change every matching document, and return their number. Idempotent updates only."""
        found = {**where, **self._scope}
        with translated(self._address), self._unhurried():
            done = _through_an_election(
                lambda: self._collection.update_many(found, update, **options)
            )
        return done.matched_count

    def change(self, where: Document, update: Change, **options: Any) -> Document | None:
        """Change one document and return the new one, or None if none matches."""
        after = ReturnDocument.AFTER
        with translated(self._address):
            return self._collection.find_one_and_update(
                {**where, **self._scope}, update, return_document=after, **options
            )

    def put(self, where: Document, update: Document, **options: Any) -> Document:
        """Change one document, created if it is missing, and return the new one."""
        fresh = {**update.get("$setOnInsert", {}), "schema_version": DOCUMENT_VERSION}
        update = {**update, "$setOnInsert": fresh}
        with translated(self._address):
            try:
                return self._put(where, update, options)
            except DuplicateKeyError:
                # Another process created it between our read and our insert.
                return self._put(where, update, options)

    def delete(self, where: Document) -> int:
        """Delete documents, and return their number."""
        found = {**where, **self._scope}
        with translated(self._address), self._unhurried():
            done = _through_an_election(lambda: self._collection.delete_many(found))
        return done.deleted_count

    @contextmanager
    def _unhurried(self, *, few: bool = False) -> Generator[None]:
        """Allow a request about any number of documents more time, once the server answers.

        A run's limit is long enough, and stays. So does any limit of a request about a few.
        """
        client = self._collection.database.client
        limit = client.options.timeout
        if few or (limit is not None and limit > ANSWER_SECONDS):
            yield
            return
        client.admin.command("ping")
        with timeout(_MANY_SECONDS):
            yield

    def _new(self, document: Document) -> Document:
        return {**document, **self._scope, "schema_version": DOCUMENT_VERSION}

    def _put(self, where: Document, update: Document, options: Document) -> Document:
        found = self._collection.find_one_and_update(
            {**where, **self._scope},
            update,
            upsert=True,
            return_document=ReturnDocument.AFTER,
            **options,
        )
        return cast(Document, found)


class ProjectDatabase:
    """The database, bound to one project."""

    def __init__(self, database: Database[Document], project: ProjectId) -> None:
        self._database, self.project = database, project
        self._address = address_of(database.client)

    def __getitem__(self, name: str) -> ProjectCollection:
        return ProjectCollection(self._database[name], self.project, self._address)

    @contextmanager
    def snapshot(self) -> Generator[ClientSession]:
        """Open a session whose reads all see the same moment."""
        with translated(self._address), self._database.client.start_session(snapshot=True) as one:
            yield one

    def check_owner(self, project: str) -> None:
        """Raise CatalogError for a value that belongs to another project."""
        if project != self.project:
            raise CatalogError(
                f"this belongs to project {project}, not to {self.project}",
                remedy="Use the catalogue of that project.",
            )
