"""The recorded situations of a work unit, and what became of it."""

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_name("situations.json")
Row = dict[str, Any]


def rows() -> list[Row]:
    """Return the recorded situations."""
    return json.loads(FILE.read_text())


def now_of(row: Row) -> Row:
    """Return what becomes of the unit in a situation."""
    return row.get("now", row["today"])
