"""Two tenants and the values that they keep in the catalogue."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.database import Database

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.domain.work import WorkRequest


@pytest.fixture
def now() -> datetime:
    return datetime(2026, 3, 1, 12, 0, 0, 250_000, tzinfo=UTC)


@pytest.fixture
def acme(catalog: Catalog) -> ProjectCatalog:
    return catalog.project("acme")


@pytest.fixture
def globex(catalog: Catalog) -> ProjectCatalog:
    return catalog.project("globex")


@pytest.fixture
def source() -> Callable[..., Source]:
    """Makes sources: of `acme`, named like their video, at version 1 unless told otherwise."""

    def make(video: str = "film", project: str = "acme", **changes: Any) -> Source:
        key = VideoKey(project=project, video=video)
        fields = {"object_key": f"{key.prefix}a.mp4", "name": video, "version": "1", "size": 9}
        return Source(key=key, **{**fields, **changes})

    return make


@pytest.fixture
def media() -> MediaInfo:
    duration = Fraction(30030, 1001)
    return MediaInfo(
        container="mp4", size=9, sha256="ab" * 32, duration=duration, video=None, audio=None
    )


@pytest.fixture
def request_for() -> Callable[..., WorkRequest]:
    """Makes work requests: of `acme` unless told otherwise."""

    def make(video: str = "film", project: str = "acme", **changes: Any) -> WorkRequest:
        fields: dict[str, Any] = {
            "content": "ab" * 32,
            "provider": "cloud",
            "plugin": "cloud 1",
            "account": "1234",
            "region": "eu-1",
            "operation": "analyse",
            "phases": (Phase.SHOTS,),
            "kinds": ("shot",),
            "parameters": {"threshold": 0.3, "a.b": {"$c": [1, None]}},
            "model": "",
        }
        return WorkRequest(key=VideoKey(project=project, video=video), **{**fields, **changes})

    return make


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(8) as pool:
        yield pool


@pytest.fixture
def database(mongo_uri: str, mongo_database: str) -> Iterator[Database[dict[str, Any]]]:
    """The catalogue's database as MongoDB itself sees it."""
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        yield client[mongo_database]


@pytest.fixture
def count_documents(database: Database[dict[str, Any]]) -> Callable[[str], int]:
    """How many documents a collection holds, of all projects."""
    return lambda name: database[name].count_documents({})
