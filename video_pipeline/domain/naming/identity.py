"""Validated identifiers of projects and videos, and the keys made from them.

A `VideoKey` is the partition key, the object prefix and the document key. A name that is no valid
identifier gets a readable slug and a hash of the exact name, so that two names never share one.
"""

import hashlib
import re
import unicodedata
from collections.abc import Callable
from typing import Annotated

from pydantic import AfterValidator

from video_pipeline.domain.errors import IdentityError
from video_pipeline.domain.values import Frozen

_PROJECT = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_VIDEO = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+)*")
_VIDEO_LENGTH = 128
_SLUG_LENGTH = 40


def _project(text: str) -> str:
    if not _PROJECT.fullmatch(text):
        raise ValueError(
            f"{text!r} is no project id: use lower-case letters, digits and hyphens, at most 63"
        )
    return text


def _video(text: str) -> str:
    if not _VIDEO.fullmatch(text) or len(text) > _VIDEO_LENGTH:
        raise ValueError(
            f"{text!r} is no video id: use letters, digits, '_', '-' and single dots, at most 128"
        )
    return text


ProjectId = Annotated[str, AfterValidator(_project)]
VideoId = Annotated[str, AfterValidator(_video)]


def _checked(check: Callable[[str], str], text: str) -> str:
    try:
        return check(text)
    except ValueError as error:
        raise IdentityError(str(error), remedy="Rename it and deliver it again.") from error


class VideoKey(Frozen):
    """One video of one project."""

    project: ProjectId
    video: VideoId

    @classmethod
    def parse(cls, partition_key: str) -> "VideoKey":
        """Parse `project_id/video_id`. Raises IdentityError for anything else."""
        project, slash, video = partition_key.partition("/")
        if not slash:
            raise IdentityError(
                f"{partition_key!r} is not project_id/video_id", remedy="Name both, with a slash."
            )
        return cls(project=_checked(_project, project), video=_checked(_video, video))

    @property
    def prefix(self) -> str:
        """Return the prefix of its objects in the output store, and usually in the ingest store."""
        return f"projects/{self.project}/videos/{self.video}/"

    @property
    def raw_prefix(self) -> str:
        """Return the prefix of the providers' raw answers, which are never handed out."""
        return f"_raw/{self.prefix}"

    def __str__(self) -> str:
        return f"{self.project}/{self.video}"


def project_id_for(name: str) -> str:
    """Return the project id for a name found in a store; see `video_id_for`."""
    return name if _PROJECT.fullmatch(name) else _slug_and_hash(name, "project").lower()


def video_id_for(name: str) -> str:
    """Return the video id for a name found in a store: the name itself if it is valid.

    Otherwise a slug and 12 hex digits of the SHA-256 of its UTF-8 bytes. Raises IdentityError for
    an empty name or one that is not text.
    """
    if _VIDEO.fullmatch(name) and len(name) <= _VIDEO_LENGTH:
        return name
    return _slug_and_hash(name, "video")


def _slug_and_hash(name: str, what: str) -> str:
    if not name:
        raise IdentityError(f"a {what} without a name", remedy="Give its folder a name.")
    try:
        exact = name.encode()
    except UnicodeEncodeError as error:
        raise IdentityError(
            f"the name {name!r} is not valid UTF-8", remedy="Rename the folder."
        ) from error
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^A-Za-z0-9]+", "-", plain).strip("-")[:_SLUG_LENGTH].strip("-") or what
    return f"{slug}-{hashlib.sha256(exact).hexdigest()[:12]}"
