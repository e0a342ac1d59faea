"""Doubles that record the data the code would store or send, without a server."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from io import BytesIO
from types import SimpleNamespace
from typing import Any

NOW = datetime(2026, 11, 2, 3, 4, 5, 678000, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
BY_THE_SERVER = "(reckoned by the server)"
# Keys of MongoDB's expressions. In a pipeline they are mixed with our field names.
_OPERANDS = frozenset({"input", "in", "as", "cond", "branches", "case", "then", "default"})


class Database:
    """Stands in for pymongo's database. `writes` lists every write as (collection, fields)."""

    def __init__(self) -> None:
        self.writes: list[tuple[str, dict[str, Any]]] = []
        self.made: dict[str, dict[str, Any]] = {}
        self.indexes: dict[str, list[dict[str, Any]]] = {}
        self._collections: dict[str, _Collection] = {}
        self.client = _Client()
        self.name = "test"

    def __getitem__(self, name: str) -> "_Collection":
        return self._collections.setdefault(name, _Collection(name, self))

    def create_collection(self, name: str, *, validator: dict[str, Any], **_: Any) -> None:
        self.made[name] = validator


class _Client:
    topology_description = SimpleNamespace(server_descriptions=dict)
    admin = SimpleNamespace(command=lambda _: {"setName": "a set"})
    options = SimpleNamespace(timeout=None)

    @contextmanager
    def start_session(self, **_: Any) -> Iterator[Any]:
        def with_transaction(work: Any) -> Any:
            return work(None)

        yield SimpleNamespace(with_transaction=with_transaction)


class _Collection:
    """A collection of one document. Every write changes it; reads find nothing."""

    def __init__(self, name: str, database: Database) -> None:
        self._name, self.database = name, database
        self._document: dict[str, Any] = {}

    def create_indexes(self, models: list[Any]) -> None:
        self.database.indexes[self._name] = [dict(model.document) for model in models]

    def find_one(self, *_: Any, **__: Any) -> None:
        return None

    @contextmanager
    def find(self, *_: Any, **__: Any) -> Iterator[Iterator[Any]]:
        yield iter(())

    def insert_one(self, document: dict[str, Any], **_: Any) -> None:
        self._write({}, {"$set": document})

    def insert_many(self, documents: list[dict[str, Any]], **_: Any) -> None:
        for document in documents:
            self.insert_one({k: v for k, v in document.items() if k != "_id"})

    def delete_many(self, _: Any) -> Any:
        return SimpleNamespace(deleted_count=1)

    def update_one(self, where: Any, change: Any, **options: Any) -> Any:
        self._write(where if options.get("upsert") else {}, change)
        return SimpleNamespace(matched_count=1, modified_count=1)

    def find_one_and_update(self, where: Any, change: Any, **options: Any) -> Any:
        if not options.get("upsert") and "id" not in where:
            return None
        self._write(where if options.get("upsert") else {}, change)
        return {"holders": [], **self._document}

    def _write(self, where: dict[str, Any], change: Any) -> None:
        if isinstance(change, list):
            fields = {name: BY_THE_SERVER for stage in change for name in _names(stage)}
            known = {k: v for stage in change for k, v in _literals(stage).items()}
            self.database.writes.append((self._name, {**where, **fields, **known}))
            self._document.update({**where, **known})
            return
        given: dict[str, Any] = {}
        for operator in ("$setOnInsert", "$set", "$inc", "$max", "$min"):
            given |= change.get(operator, {})
        given |= {name: [value] for name, value in change.get("$addToSet", {}).items()}
        gone = dict.fromkeys(change.get("$unset", {}), "(removed)")
        self.database.writes.append((self._name, {**where, **given, **gone}))
        for path, value in {**where, **given}.items():
            *outer, name = path.split(".")
            document = self._document
            for part in outer:
                document = document.setdefault(part, {})
            document[name] = value


def _literals(stage: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a stage that the server does not compute. Its clock's times are NOW."""
    found: dict[str, Any] = {}
    for name, value in stage.get("$set", {}).items() if isinstance(stage, dict) else ():
        if isinstance(value, dict) and "$literal" in value:
            found[name] = value["$literal"]
        elif name.endswith("_until"):
            found[name] = NOW
    return found


def _names(expression: Any) -> Iterator[str]:
    """Yield the field names of a pipeline, at any depth."""
    if isinstance(expression, list):
        for one in expression:
            yield from _names(one)
    elif isinstance(expression, Mapping):
        for name, value in expression.items():
            if not name.startswith("$") and name not in _OPERANDS:
                yield name
            yield from _names(value)


class Outputs:
    """Stands in for one project's output store. `keys` lists the written keys, in order."""

    def __init__(self, store: dict[str, bytes] | None = None) -> None:
        self.store = store if store is not None else {}
        self.keys: list[str] = []

    def project(self, _: str) -> "Outputs":
        return self

    @contextmanager
    def writer(self, key: str, media_type: str = "") -> Iterator[Any]:
        pieces: list[bytes] = []
        yield SimpleNamespace(write=lambda piece: pieces.append(bytes(piece)))
        self.keys.append(key)
        self.store[key] = b"".join(pieces)

    @contextmanager
    def open(self, key: str) -> Iterator[Any]:
        yield BytesIO(self.store[key])

    def stat(self, key: str) -> str | None:
        return key if key in self.store else None

    def listing(self, prefix: str) -> Iterator[Any]:
        return iter([SimpleNamespace(key=key) for key in self.store if key.startswith(prefix)])

    def delete(self, key: str) -> None:
        del self.store[key]


class Aws:
    """Stands in for an AWS plugin's session. `asked` lists paid requests by operation."""

    def __init__(self, region: str) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self._region = region

    def starts(self) -> Any:
        return self

    def s3(self) -> Any:
        headers = {"x-amz-bucket-region": self._region}
        return SimpleNamespace(
            head_bucket=lambda **_: {"ResponseMetadata": {"HTTPHeaders": headers}},
            head_object=lambda **_: {"ETag": '"e1"'},
        )

    def __getattr__(self, operation: str) -> Any:
        def ask(**parameters: Any) -> dict[str, Any]:
            self.asked.append((operation, parameters))
            return {"JobId": "5a5a"}

        return ask


class Instance:
    """Stands in for Dagster's instance. `made` lists created runs, `tagged` tags added to runs."""

    def __init__(self, tag_limits: list[Any]) -> None:
        self.made: list[dict[str, Any]] = []
        self.tagged: list[dict[str, str]] = []
        queue = SimpleNamespace(tag_concurrency_limits=tag_limits)
        self._config = SimpleNamespace(run_queue_config=queue)

    def get_concurrency_config(self) -> Any:
        return self._config

    def has_run(self, _: str) -> bool:
        return False

    def get_run_by_id(self, run_id: str) -> Any:
        return SimpleNamespace(run_id=run_id, job_name="ingest_video", tags={})

    def create_run_for_job(self, job: Any, **given: Any) -> Any:
        self.made.append(given)
        named = {"run_id": given["run_id"], "tags": given["tags"]}
        return SimpleNamespace(job_name="ingest_video", remote_job_origin=None, **named)

    def report_dagster_event(self, *_: Any, **__: Any) -> None:
        pass

    def add_run_tags(self, _: str, tags: dict[str, str]) -> None:
        self.tagged.append(tags)
