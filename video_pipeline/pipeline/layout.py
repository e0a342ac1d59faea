"""The layout of an ingest store: `projects/{project name}/videos/{video name}/{file}`.

Only names are looked at here, never bytes.
"""

from pathlib import PurePosixPath
from typing import NamedTuple

LAYOUT = "projects/{project}/videos/{video}/{file}"

UNFINISHED = frozenset({".part", ".partial", ".tmp", ".crdownload", ".download", ".filepart"})
"""What programs append to the name of a file that they have not finished."""

BESIDE = frozenset(
    "." + ending
    for ending in [
        "srt",
        "vtt",
        "ass",
        "ssa",
        "sbv",
        "scc",
        "ttml",
        "dfxp",
        "json",
        "txt",
        "md",
        "pdf",
        "xml",
        "xmp",
        "csv",
        "tsv",
        "yaml",
        "yml",
        "nfo",
        "edl",
        "log",
        "jpg",
        "jpeg",
        "png",
        "gif",
        "webp",
        "tif",
        "tiff",
        "bmp",
        "svg",
        "md5",
        "sha1",
        "sha256",
        "db",
        "ini",
        "html",
        "url",
        "thm",
        "lrv",
    ]
)
"""Endings of what may lie beside a video without being one."""


class Place(NamedTuple):
    """Whose folder an object lies in: exact names. No video: it lies in no video's folder."""

    project: str
    video: str | None


def place_of(key: str) -> Place | None:
    """The place of a key; None where it lies in no project's folder."""
    parts = key.split("/")
    if parts[0] != "projects" or len(parts) < 3 or not all(parts[1:3]):
        return None
    in_video = parts[2] == "videos" and len(parts) > 4
    return Place(parts[1], parts[3] if in_video else None)


def is_direct(key: str) -> bool:
    """Whether a key in a video's folder lies there itself, not in a folder below."""
    return key.count("/") == LAYOUT.count("/")


def is_beside(key: str) -> bool:
    """Whether a key names something hidden, unfinished, or of what may lie beside a video."""
    path = PurePosixPath(key)
    hidden = any(part.startswith(".") for part in path.parts)
    return hidden or path.suffix.lower() in UNFINISHED | BESIDE
