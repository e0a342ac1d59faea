"""What a check of `doctor` found."""

from typing import Literal, NamedTuple

Level = Literal["ok", "warning", "missing"]


class Finding(NamedTuple):
    """What a check found; `missing` keeps the pipeline from working."""

    subject: str
    level: Level
    detail: str
    remedy: str = ""
