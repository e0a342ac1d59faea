"""What a check of `doctor` found."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.markup import escape
from rich.table import Table

Level = Literal["ok", "warning", "missing"]
_COLOURS = {"ok": "green", "warning": "yellow", "missing": "bold red"}


class Finding(NamedTuple):
    """What a check found; `missing` keeps the pipeline from working."""

    subject: str
    level: Level
    detail: str
    remedy: str = ""


def findings_table(findings: Iterable[Finding]) -> Table:
    """What was found, with the remedies."""
    table = Table("", "", "found", "remedy", box=None, pad_edge=False)
    for finding in findings:
        level = f"[{_COLOURS[finding.level]}]{finding.level}[/]"
        table.add_row(finding.subject, level, escape(finding.detail), escape(finding.remedy))
    return table
