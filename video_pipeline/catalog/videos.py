"""The videos and rejected objects of one project."""

from collections.abc import Collection
from datetime import datetime

from video_pipeline.catalog.scoped import Document, ProjectDatabase
from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.media import DecodedVideo, MediaInfo
from video_pipeline.domain.source import Due, Rejection, Source, VideoRecord


class Videos:
    """The videos and the rejected objects of one project."""

    def __init__(self, database: ProjectDatabase) -> None:
        self._check_owner = database.check_owner
        self._videos, self._rejections = database["videos"], database["rejections"]

    def register(self, source: Source, now: datetime, due: Due | None = Due.RUN) -> bool:
        """Record a source. Return whether it is new, a new version, or back after its removal.

        If so, the video becomes `due`, and its hash, media and marks are cleared. Raises
        IdentityError if the id belongs to a video of another exact name. Each step is atomic, and
        is repeated if another process was faster.
        """
        self._check_owner(source.key.project)
        where, fresh = {"video": source.key.video}, document(source, now, due)
        while True:
            known = self._videos.find_one(where)
            if known is None:
                if self._videos.add(fresh):
                    return True
                continue
            _check_name(known, source)
            removed_at = known.get("removed_at")
            if known["source"] == fresh["source"] and removed_at is None:
                return False
            unchanged = {**where, "source": known["source"], "removed_at": removed_at}
            if self._videos.update(unchanged, {"$set": fresh}):
                return True

    def get(self, video: str) -> VideoRecord | None:
        """Return the record of a video, or None."""
        found = self._videos.find_one({"video": video})
        return record(found) if found else None

    def listing(self, after: str = "", limit: int = 1000) -> list[VideoRecord]:
        """Return videos with an id greater than `after`, ordered by id."""
        found = self._videos.find({"video": {"$gt": after}}, sort=[("video", 1)], limit=limit)
        return [record(document) for document in found]

    def delivered(self, videos: Collection[str]) -> dict[str, str]:
        """Return name and file, as delivered, of those of these videos that are not removed."""
        where: Document = {"video": {"$in": sorted(videos)}, "removed_at": None}
        found = self._videos.find(where, projection={"_id": 0, "source": 1})
        sources = [Source.model_validate(document["source"]) for document in found]
        return {source.key.video: source.delivered for source in sources}

    def set_sha256(self, video: str, version: str, sha256: str) -> bool:
        """Record the hash of this version. Return False if another version has arrived since."""
        return self._videos.update(
            {"video": video, "version": version}, {"$set": {"sha256": sha256}}
        )

    def set_media(self, video: str, sha256: str, media: MediaInfo) -> bool:
        """Record the probed media. Return False if other bytes have arrived since."""
        return self._videos.update(
            {"video": video, "sha256": sha256}, {"$set": {"media": media.model_dump(mode="json")}}
        )

    def set_decoded(self, video: str, sha256: str, decoded: DecodedVideo) -> bool:
        """Record what a decode found. Return False if other bytes have arrived since."""
        found = decoded.model_dump(mode="json")
        return self._videos.update({"video": video, "sha256": sha256}, {"$set": {"decoded": found}})

    def reject(self, rejection: Rejection) -> None:
        """Record an object that cannot become a video. Replaces its earlier row."""
        self._check_owner(rejection.project)
        row = {"reason": rejection.reason, "at": rejection.at}
        self._rejections.put({"object_key": rejection.object_key}, {"$set": row})

    def clear_rejection(self, object_key: str) -> None:
        """Delete the rejection of an object, if there is one."""
        self._rejections.delete({"object_key": object_key})

    def count_rejections(self) -> int:
        """Count the rejected objects."""
        return self._rejections.count({})

    def rejections(self, limit: int = 1000, after: str = "") -> list[Rejection]:
        """Return rejections with an object key greater than `after`, ordered by key."""
        where = {"object_key": {"$gt": after}}
        found = self._rejections.find(where, sort=[("object_key", 1)], limit=limit)
        return [
            Rejection(
                project=document["project_id"],
                object_key=document["object_key"],
                reason=document["reason"],
                at=document["at"],
            )
            for document in found
        ]


def document(source: Source, now: datetime, due: Due | None) -> Document:
    """Return the stored form of a video that arrives."""
    return {
        "video": source.key.video,
        "name": source.name,
        "version": source.version,
        "source": source.model_dump(mode="json"),
        "arrived_at": now,
        "due": due.value if due else None,
        "missing_since": None,
        "removed_at": None,
        "archived_at": None,
        "sha256": None,
        "media": None,
        "decoded": None,
    }


def record(document: Document) -> VideoRecord:
    """Read a stored video. Earlier documents lack fields that were added later."""
    return VideoRecord(
        source=Source.model_validate(document["source"]),
        arrived_at=document["arrived_at"],
        due=document.get("due"),
        removed_at=document.get("removed_at"),
        archived_at=document.get("archived_at"),
        sha256=document["sha256"],
        media=MediaInfo.model_validate(document["media"]) if document["media"] else None,
        decoded=DecodedVideo.model_validate(found) if (found := document.get("decoded")) else None,
    )


def _check_name(known: Document, source: Source) -> None:
    if known["name"] != source.name:
        raise IdentityError(
            f"{source.name!r} would get the id of {known['name']!r}",
            where=str(source.key),
            remedy="Rename its folder.",
        )
