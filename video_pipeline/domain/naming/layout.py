"""The layout of an ingest store: which part of a key names the project, and which the video."""

from functools import lru_cache
from pathlib import PurePosixPath
from re import Pattern
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from video_pipeline.domain.naming.key_rule import compiled, literal_folder
from video_pipeline.domain.values import Frozen

# The default.
LAYOUT = "projects/{project}/videos/{video}/{file}"
# Characters; longer keys belong to no project. S3 allows 1,024 bytes (User Guide, Object keys).
LONGEST_KEY = 1024
# Suffixes of files that are still being written.
UNFINISHED = frozenset({".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart"})
# Suffixes of files that may lie beside a video without being one.
BESIDE = frozenset((
    ".srt", ".vtt", ".ass", ".ssa", ".sbv", ".scc", ".ttml", ".dfxp", ".json", ".txt", ".md",
    ".pdf", ".xml", ".xmp", ".csv", ".tsv", ".yaml", ".yml", ".nfo", ".edl", ".log", ".jpg",
    ".jpeg", ".png", ".gif", ".webp", ".tif", ".tiff", ".bmp", ".svg", ".md5", ".sha1",
    ".sha256", ".db", ".ini", ".html", ".url", ".thm", ".lrv",
))  # fmt: skip


class Place(NamedTuple):
    """The exact names of a key's project and video. The video is None outside a video's folder."""

    project: str
    video: str | None


class Group(NamedTuple):
    """The keys that are examined together: a video's folder with all below it, or a single key.

    `at` is the folder with a trailing slash, or the key.
    """

    at: str
    is_folder: bool

    @property
    def last(self) -> str:
        """Return the greatest possible key of the group."""
        return f"{self.at}\U0010ffff" if self.is_folder else self.at

    def holds(self, key: str) -> bool:
        """Return whether a key is in this place. With a pattern, it may belong to another group."""
        return key.startswith(self.at) if self.is_folder else key == self.at


def _checked(pattern: str) -> str:
    if pattern:
        compiled(pattern)
    return pattern


_cached = lru_cache(compiled)


class Layout(Frozen):
    """How keys name project and video. Without a pattern: `LAYOUT`.

    `pattern` is a regular expression for whole keys with the groups `project` and `video`. A key
    that does not match belongs to no project.
    """

    pattern: Annotated[str, AfterValidator(_checked)] = ""

    @property
    def told(self) -> str:
        """Return the layout for people."""
        return f"a key that matches {self.pattern}" if self.pattern else LAYOUT

    @property
    def below(self) -> str:
        """Return the folder that holds the keys of all videos; may be empty."""
        return literal_folder(self.pattern) if self.pattern else "projects/"

    @property
    def _rule(self) -> Pattern[str]:
        return _cached(self.pattern)

    def place_of(self, key: str) -> Place | None:
        """Return the project and video of a key, or None if it belongs to no project."""
        if not self.pattern:
            return _usual_place(key)
        found = self._rule.fullmatch(key) if len(key) <= LONGEST_KEY else None
        return Place(found["project"], found["video"]) if found and found["project"] else None

    def group_of(self, key: str) -> Group:
        """Return the group of a key.

        With a pattern, a video has a folder if the later of both names ends at a slash.
        """
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
        """Return whether a key lies directly in a video's folder. With a pattern, all keys do."""
        return bool(self.pattern) or key.count("/") == LAYOUT.count("/")

    def is_beside(self, key: str) -> bool:
        """Return whether a key is hidden, unfinished, or a file that may lie beside a video."""
        path = PurePosixPath(key)
        hidden = any(part.startswith(".") for part in path.parts)
        return hidden or path.suffix.lower() in UNFINISHED | BESIDE


def is_key(key: str) -> bool:
    """Return whether text can be a key in every store."""
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
