"""Connecting to the MongoDB that a URI names."""

from datetime import UTC

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.scoped import Document
from video_pipeline.domain.errors import ConfigurationError

RUN_SECONDS = 45.0
"""How long a run waits for a server that takes writes. A replica set whose primary dies has
another after 12 s (MongoDB's manual, Replica Set Elections), a server is restarted in less."""

_ANSWER_MILLISECONDS = 120_000
"""How long one answer may take: longer than any single request of ours."""


def connect(
    uri: str, database: str, *, timeout_seconds: float = 5, patience_seconds: float = 0
) -> Catalog:
    """The catalogue in a database of this server. Nothing is contacted before it is used.

    Its methods raise CatalogUnavailable where no server is found within the timeout. Raises
    ConfigurationError for what is no MongoDB URI.

    With patience, that is how long one request may take instead, and within it the driver repeats
    what a dying server did not answer as often as need be, under one transaction number: a write
    that took effect is not done twice.
    """
    patience = int(timeout_seconds * 1000)
    request = int(patience_seconds * 1000) or None
    try:
        client = MongoClient[Document](
            uri,
            connect=False,
            appname="video-pipeline",
            tz_aware=True,
            tzinfo=UTC,
            serverSelectionTimeoutMS=patience,
            connectTimeoutMS=patience,
            socketTimeoutMS=_ANSWER_MILLISECONDS,
            timeoutMS=request,
            retryWrites=True,
            retryReads=True,
            w="majority",
            readConcernLevel="majority",
        )
    except (PyMongoError, ValueError):
        # Without the cause: pymongo quotes the URI, and with it the password.
        raise ConfigurationError(
            "MONGODB_URI is no MongoDB address",
            remedy="Write mongodb://user:password@host:27017/, with %-escapes in the password.",
        ) from None
    return Catalog(client, database)
