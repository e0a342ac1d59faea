"""Arrival, removal and archival of one project's videos, and what is due for them.

The documents are those of `videos`. A change is atomic, and applies only to the document that was
read.
"""

from datetime import UTC, datetime

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.catalog.videos import record
from video_pipeline.domain.source import Due, Known, VideoRecord

_KEY = "source.object_key"
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_COMPARED = ("video", _KEY, "version", "due", "missing_since", "removed_at")


class Arrivals:
    """The arrival, removal and archival of one project's videos, and what is due for them.

    Methods that take a video and return a bool return False if the video has changed since it was
    read. They change nothing then.
    """

    def __init__(self, database: ProjectDatabase) -> None:
        self._videos, self._rejections = database["videos"], database["rejections"]

    def folder(self) -> str | None:
        """Return the object key of a video, or None if the project has none.

        It shows from which folder the project's id was made.
        """
        found = self._videos.find_one({}, sort=[("video", 1)], projection=[_KEY])
        return found["source"]["object_key"] if found else None

    def known(self, first: str, last: str) -> list[Known]:
        """Return the videos whose object keys lie between `first` and `last`, both included."""
        found = self._videos.find({_KEY: {"$gte": first, "$lte": last}}, projection=_COMPARED)
        return [_known(document) for document in found]

    def rejected(self, first: str, last: str) -> dict[str, str]:
        """Return the rejected object keys in this range, each with its reason."""
        found = self._rejections.find({"object_key": {"$gte": first, "$lte": last}})
        return {document["object_key"]: document["reason"] for document in found}

    def miss(self, known: Known, now: datetime) -> None:
        """Mark a video as missing since `now`, unless it is marked already."""
        where = {**_as_seen(known), "missing_since": None, "removed_at": None}
        self._videos.update(where, {"$set": {"missing_since": now}})

    def postpone(self, record: VideoRecord, now: datetime) -> bool:
        """Mark a video as missing that its run could not read. The run is due once it is found.

        Does nothing if the video was removed or archived.
        """
        if record.removed_at or record.archived_at:
            return False
        # A run of the same arrival would count as requested already.
        marks = {"missing_since": now, "due": Due.RUN.value, "arrived_at": now}
        return self._videos.update(_as_recorded(record), {"$set": marks})

    def found(self, known: Known) -> None:
        """Clear the mark of a missing video whose object was found."""
        self._videos.update(_as_seen(known), {"$set": {"missing_since": None}})

    def missing(self, limit: int) -> int:
        """Count the videos marked as missing and not removed, up to the limit."""
        where: Document = {"missing_since": {"$gt": _EARLIEST}, "removed_at": None}
        return sum(1 for _ in self._videos.find(where, projection=["_id"], limit=limit))

    def present(self) -> int:
        """Count the videos that are not removed."""
        return self._videos.count({"removed_at": None})

    def remove(self, known: Known, now: datetime) -> bool:
        """Mark a video as removed, with the removal due."""
        marks = {"removed_at": now, "missing_since": None, "due": Due.REMOVAL.value}
        return self._videos.update({**_as_seen(known), "removed_at": None}, {"$set": marks})

    def due(self, what: Due, limit: int) -> list[VideoRecord]:
        """Return the videos for which this is due, earliest arrival first."""
        found = self._videos.find(_due(what), sort=[("arrived_at", 1)], limit=limit)
        return [record(document) for document in found]

    def count_due(self, what: Due) -> int:
        """Count the videos for which this is due."""
        return self._videos.count(_due(what))

    def done(self, record: VideoRecord) -> bool:
        """Clear what was due for a video."""
        return self._videos.update(_as_recorded(record), {"$set": {"due": None}})

    def archive(self, record: VideoRecord, at: datetime) -> bool:
        """Mark a video as archived, with the archival due."""
        marks = {"archived_at": at, "due": Due.ARCHIVAL.value}
        return self._videos.update(_as_recorded(record), {"$set": marks})

    def restore(self, record: VideoRecord, due: Due = Due.RESTORATION) -> bool:
        """Clear the mark of an archived video, and set what is due for it."""
        marks = {"archived_at": None, "due": due.value}
        return self._videos.update(_as_recorded(record), {"$set": marks})

    def forget(self, record: VideoRecord) -> bool:
        """Delete the record of a removed video."""
        return record.removed_at is not None and self._videos.delete(_as_recorded(record)) > 0


def _due(what: Due) -> Document:
    """Match the videos for which this is due: a run only if the video is not missing."""
    there: Document = {"missing_since": None} if what is Due.RUN else {}
    return {"due": what.value, **there}


def _known(document: Document) -> Known:
    return Known(
        video=document["video"],
        object_key=document["source"]["object_key"],
        version=document["version"],
        due=Due(document["due"]) if document.get("due") else None,
        missing_since=document.get("missing_since"),
        removed_at=document.get("removed_at"),
    )


def _as_seen(known: Known) -> Document:
    return {"video": known.video, "version": known.version, _KEY: known.object_key}


def _as_recorded(record: VideoRecord) -> Document:
    """Match this record only: not a later arrival, nor the video after its removal."""
    return {
        "video": record.key.video,
        "arrived_at": record.arrived_at,
        "removed_at": record.removed_at,
        "due": record.due.value if record.due else None,
    }
