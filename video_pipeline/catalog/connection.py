"""Connecting to the MongoDB that a URI names."""

from datetime import UTC

from pymongo import MongoClient
from pymongo.errors import PyMongoError

from video_pipeline.catalog.mongo import MongoCatalog
from video_pipeline.catalog.scoped import Document
from video_pipeline.domain.errors import ConfigurationError

_ANSWER_MILLISECONDS = 120_000
"""How long one answer may take: longer than any single request of ours."""


def connect(uri: str, database: str, *, timeout_seconds: float = 5) -> MongoCatalog:
    """The catalogue in a database of this server. Nothing is contacted before it is used.

    Its methods raise CatalogUnavailable where no server is found within the timeout. Raises
    ConfigurationError for what is no MongoDB URI.
    """
    patience = int(timeout_seconds * 1000)
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
            retryWrites=True,
            w="majority",
            readConcernLevel="majority",
        )
    except (PyMongoError, ValueError):
        # Without the cause: pymongo quotes the URI, and with it the password.
        raise ConfigurationError(
            "MONGODB_URI is no MongoDB address",
            remedy="Write mongodb://user:password@host:27017/, with %-escapes in the password.",
        ) from None
    return MongoCatalog(client, database)
