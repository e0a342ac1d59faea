"""The table that a benchmark prints, and the JSON that it writes with `--json FILE`."""

import argparse
import json
from pathlib import Path
from typing import Any


class Report:
    """Prints a row as soon as it is known, and keeps all of them."""

    def __init__(self, doc: str | None, *columns: str) -> None:
        """Read the arguments of the command. `doc` is the benchmark's docstring."""
        title, _, rest = (doc or "").partition("\n")
        parser = argparse.ArgumentParser(
            description=title, epilog=rest, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
        self._into: Path | None = parser.parse_args().json
        self._columns = columns
        self._rows = list[dict[str, Any]]()

    def row(self, *values: object) -> None:
        """Print and keep one row, in the order of the columns."""
        if not self._rows:
            print("  ".join(f"{name:>12}" for name in self._columns), flush=True)
        self._rows.append(dict(zip(self._columns, values, strict=True)))
        print("  ".join(f"{value!s:>12}" for value in values), flush=True)

    def end(self) -> None:
        """Write the JSON, if it is wished."""
        if self._into is not None:
            self._into.write_text(json.dumps(self._rows, indent=2) + "\n")
