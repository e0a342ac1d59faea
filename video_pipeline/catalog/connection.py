"""Connecting to MongoDB."""

from datetime import UTC

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.scoped import ANSWER_SECONDS, Document
from video_pipeline.domain.errors import ConfigurationError

# How long a run waits for a primary. A replica set elects a new one within 12 s (MongoDB's manual,
# Replica Set Elections), and a restart of a server takes less.
RUN_SECONDS = 45.0

# How long a request without another limit may wait for its answer.
_SOCKET_MILLISECONDS = 120_000


def connect(
    uri: str, database: str, *, timeout_seconds: float = ANSWER_SECONDS, patience_seconds: float = 0
) -> Catalog:
    """Return the catalogue in a database of this server. The first use connects.

    Its methods raise CatalogUnavailable if a server does not answer within the timeout. Of a long
    listing each batch has its own. Raises ConfigurationError for an invalid URI.

    `patience_seconds` replaces the timeout of a request: within it the driver repeats what a failed
    server did not answer. A repeated write keeps its transaction number, and takes effect once.
    """
    patience = int(timeout_seconds * 1000)
    request = int((patience_seconds or timeout_seconds) * 1000)
    try:
        client = MongoClient[Document](
            uri,
            connect=False,
            appname="video-pipeline",
            tz_aware=True,
            tzinfo=UTC,
            serverSelectionTimeoutMS=patience,
            connectTimeoutMS=patience,
            socketTimeoutMS=_SOCKET_MILLISECONDS,
            timeoutMS=request,
            retryWrites=True,
            retryReads=True,
            w="majority",
            readConcernLevel="majority",
        )
    except (PyMongoError, ValueError):
        # Without the cause, which quotes the URI with its password.
        raise ConfigurationError(
            "MONGODB_URI is no MongoDB address",
            remedy="Write mongodb://user:password@host:27017/, with %-escapes in the password.",
        ) from None
    return Catalog(client, database)
