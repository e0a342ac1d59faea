"""The layout of an ingest store: which part of a key names the project, and which the video.

By default `projects/{project name}/videos/{video name}/{file}`; a bucket that is laid out
otherwise has a rule of its own. Only names are looked at here, never bytes.
"""

from functools import lru_cache
from pathlib import PurePosixPath
from re import Pattern
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from video_pipeline.domain.naming.key_rule import compiled, literal_folder
from video_pipeline.domain.values import Frozen

LAYOUT = "projects/{project}/videos/{video}/{file}"
"""The layout where no rule says otherwise."""

LONGEST_KEY = 1024
"""Characters; longer keys have no place. S3 allows 1,024 bytes (User Guide, Object key names)."""

UNFINISHED = frozenset({".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart"})
"""What programs append to the name of a file that they have not finished."""

BESIDE = frozenset((
    ".srt", ".vtt", ".ass", ".ssa", ".sbv", ".scc", ".ttml", ".dfxp", ".json", ".txt", ".md",
    ".pdf", ".xml", ".xmp", ".csv", ".tsv", ".yaml", ".yml", ".nfo", ".edl", ".log", ".jpg",
    ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".svg", ".md5", ".sha1",
    ".sha256", ".db", ".ini", ".html", ".url", ".thm", ".lrv",
))  # fmt: skip
"""Endings of what may lie beside a video without being one."""


class Place(NamedTuple):
    """Whose folder an object lies in: exact names. No video: it lies in no video's folder."""

    project: str
    video: str | None


class Group(NamedTuple):
    """The keys that are looked at together: those in and below the folder of one video, or one
    key alone where no folder belongs to its video, or where it lies in none."""

    at: str
    """The folder with a slash at its end, or the key."""
    is_folder: bool

    @property
    def last(self) -> str:
        """The greatest key that the group can have."""
        return f"{self.at}\U0010ffff" if self.is_folder else self.at

    def holds(self, key: str) -> bool:
        """Whether a key lies there; by a rule it may yet be of another group, or of none."""
        return key.startswith(self.at) if self.is_folder else key == self.at


def _checked(pattern: str) -> str:
    if pattern:
        compiled(pattern)
    return pattern


_cached = lru_cache(compiled)


class Layout(Frozen):
    """Which part of a key says what. Without a pattern: `LAYOUT`.

    `pattern` is a regular expression that matches a whole key and names the groups `project` and
    `video`; a key that it does not match lies in no project's folder.
    """

    pattern: Annotated[str, AfterValidator(_checked)] = ""

    @property
    def told(self) -> str:
        """The layout as people read it."""
        return f"a key that matches {self.pattern}" if self.pattern else LAYOUT

    @property
    def below(self) -> str:
        """What every key of a video begins with, up to a slash; empty where that is nothing."""
        return literal_folder(self.pattern) if self.pattern else "projects/"

    @property
    def _rule(self) -> Pattern[str]:
        return _cached(self.pattern)

    def place_of(self, key: str) -> Place | None:
        """The place of a key; None where it lies in no project's folder."""
        if not self.pattern:
            return _usual_place(key)
        found = self._rule.fullmatch(key) if len(key) <= LONGEST_KEY else None
        return Place(found["project"], found["video"]) if found and found["project"] else None

    def group_of(self, key: str) -> Group:
        """The group of a key. By a rule, a folder belongs to a video where the last of both names
        is all that stands between two slashes, or up to one."""
        if not self.pattern:
            place = _usual_place(key)
            in_video = place is not None and place.video is not None
            return (
                Group(_first_parts(key, LAYOUT.count("/")), True) if in_video else Group(key, False)
            )
        found = self._rule.fullmatch(key) if len(key) <= LONGEST_KEY else None
        end = max(found.end("project"), found.end("video")) if found and found["video"] else -1
        is_folder = end > 0 and key[end : end + 1] == "/"
        return Group(key[: end + 1], True) if is_folder else Group(key, False)

    def is_direct(self, key: str) -> bool:
        """Whether a key in a video's folder lies there itself, not in a folder below. What a rule
        matches does."""
        return bool(self.pattern) or key.count("/") == LAYOUT.count("/")

    def is_beside(self, key: str) -> bool:
        """Whether a key names something hidden, unfinished, or of what may lie beside a video."""
        path = PurePosixPath(key)
        hidden = any(part.startswith(".") for part in path.parts)
        return hidden or path.suffix.lower() in UNFINISHED | BESIDE


def is_key(key: str) -> bool:
    """Whether text can be a key of every store."""
    odd = {"", ".", ".."}.intersection(key.split("/")) or "\0" in key
    return not odd and _is_text(key)


def _is_text(key: str) -> bool:
    try:
        key.encode()
    except UnicodeEncodeError:
        return False
    return True


def _usual_place(key: str) -> Place | None:
    parts = key.split("/")
    if parts[0] != "projects" or len(parts) < 3 or not parts[1] or parts[2:] == [""]:
        return None
    in_video = parts[2] == "videos" and len(parts) > 4
    return Place(parts[1], parts[3] if in_video else None)


def _first_parts(key: str, count: int) -> str:
    return "/".join(key.split("/")[:count]) + "/"
