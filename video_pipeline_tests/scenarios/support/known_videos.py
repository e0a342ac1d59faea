"""Record very many videos in a catalogue in bulk: registering each would take minutes."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import groupby, islice
from typing import Any

from pymongo import MongoClient

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.scoped import ProjectDatabase
from video_pipeline.catalog.videos import document
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.naming.layout import Layout
from video_pipeline.domain.source import Source

_BATCH = 10_000
_LAYOUT = Layout()


def record_known(
    uri: str, database: str, keys: Iterable[str], version: str, size: int, then: datetime
) -> None:
    """Record a video for each object key of the usual layout. The keys are grouped by project.

    All have the same version and size. They arrived at `then`, and have nothing due.
    """
    connected = connect(uri, database)
    connected.projects()  # makes the schema
    connected.close()
    with MongoClient[dict[str, Any]](uri) as client:
        sources = (_source(key, version, size) for key in keys)
        for project, owned in groupby(sources, lambda source: source.key.project):
            videos = ProjectDatabase(client[database], project)["videos"]
            for batch in _batches(owned):
                videos.insert([document(one, then, None) for one in batch])


def _source(object_key: str, version: str, size: int) -> Source:
    place = _LAYOUT.place_of(object_key)
    assert place is not None and place.video is not None
    key = VideoKey(project=place.project, video=place.video)
    return Source(key=key, object_key=object_key, name=place.video, version=version, size=size)


def _batches(sources: Iterator[Source]) -> Iterator[list[Source]]:
    while batch := list(islice(sources, _BATCH)):
        yield batch
