"""Fixtures of all tests: a real MongoDB with a catalogue, and real S3 servers with buckets."""

import functools
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import botocore.session
import pytest
from botocore.loaders import create_loader
from hypothesis import settings
from pymongo import MongoClient

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import COLLECTIONS, SHARED
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline_tests import fast
from video_pipeline_tests.servers.bucket_that_tells import BucketThatTells, bucket_that_tells
from video_pipeline_tests.servers.buckets import MadeBucket, Servers, made_bucket

# The same examples every time: a suite that fails says something about the change it ran on.
# `--hypothesis-profile=default` looks for new ones.
settings.register_profile("suite", derandomize=True, deadline=None)
settings.load_profile("suite")

# Each session of botocore reads the service models of AWS again, which takes longer than most
# tests. All sessions share one loader.
botocore.session.create_loader = functools.cache(create_loader)  # pyright: ignore


def pytest_addoption(pluginmanager: pytest.PytestPluginManager) -> None:
    """Add `--fast`, which leaves out the tests that start servers."""
    pluginmanager.register(fast)


@pytest.fixture(scope="session")
def mongo_uri(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Start a real MongoDB at first use, and stop it after the last test."""
    with EmbeddedServer(tmp_path_factory.mktemp("mongo")) as uri:
        yield uri


@pytest.fixture
def fresh_database(mongo_uri: str) -> Iterator[str]:
    """Name a database that does not exist, and drop it after the test."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    yield name
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        client.drop_database(name)


@pytest.fixture
def mongo_database(mongo_uri: str) -> Iterator[str]:
    """Name a database without documents.

    Its collections and indexes are kept between tests, because making them takes seconds.
    """
    name = "test"
    yield name
    with MongoClient[dict[str, Any]](mongo_uri) as client:
        for collection in (*COLLECTIONS, *SHARED):
            client[name][collection].delete_many({})


@pytest.fixture
def catalog(mongo_uri: str, mongo_database: str) -> Iterator[Catalog]:
    """Connect to an empty catalogue."""
    catalog = connect(mongo_uri, mongo_database)
    yield catalog
    catalog.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """Start real S3 servers at first use, and stop them after the last test."""
    with ExitStack() as stack:
        yield Servers(stack, tmp_path_factory.mktemp)


@pytest.fixture
def moto_bucket(servers: Servers) -> MadeBucket:
    """Make a bucket of moto without versions."""
    return made_bucket(servers["moto"])


@pytest.fixture
def versioned_bucket(servers: Servers) -> MadeBucket:
    """Make a bucket of moto with versions."""
    return made_bucket(servers["moto"], versioned=True)


@pytest.fixture(params=["ministack", "moto"])
def telling(request: pytest.FixtureRequest, servers: Servers) -> BucketThatTells:
    """Make a bucket with notifications in a queue, on each server that has queues."""
    return bucket_that_tells(servers[request.param])
