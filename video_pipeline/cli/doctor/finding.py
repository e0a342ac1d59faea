"""One finding of a check, and the table of all findings."""

from collections.abc import Iterable
from typing import Literal, NamedTuple

from rich.markup import escape
from rich.table import Table

Level = Literal["ok", "warning", "missing"]
_COLOURS = {"ok": "green", "warning": "yellow", "missing": "bold red"}


class Finding(NamedTuple):
    """What a check found. The pipeline cannot work while one is `missing`."""

    subject: str
    level: Level
    detail: str
    remedy: str = ""


def findings_table(findings: Iterable[Finding]) -> Table:
    """Return the findings as a table."""
    table = Table("check", "status", "found", "remedy", box=None, pad_edge=False)
    for finding in findings:
        level = f"[{_COLOURS[finding.level]}]{finding.level}[/]"
        table.add_row(finding.subject, level, escape(finding.detail), escape(finding.remedy))
    return table
