"""Drive every situation of a work unit and write the outcomes as `now` to situations.json.

    python -m video_pipeline_tests.unit_life.characterise

`today` is what commit d356e4b did, before one policy decided; it stays as it is. A row with a `now`
that differs says `why`. The change of a `now` is read as a change of behaviour.
"""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import COLLECTIONS, SHARED
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline_tests.unit_life.cases import Case, cases
from video_pipeline_tests.unit_life.situations import FILE, Row, rows


@contextmanager
def driver(uri: str) -> Iterator[Any]:
    """Yield a function that drives a case over an empty catalogue."""
    with MongoClient[dict[str, Any]](uri) as client:

        def drive(case: Case, number: int) -> Row:
            catalog = connect(uri, "unit-life")
            try:
                return case.driven(catalog, number)
            finally:
                catalog.close()
                for collection in (*COLLECTIONS, *SHARED):
                    client["unit-life"][collection].delete_many({})

        yield drive


def main() -> None:
    """Drive every case, keep `today` and `why`, and write the file."""
    began = time.monotonic()
    known = {json.dumps(row["when"]): row for row in rows()} if FILE.exists() else {}
    written: list[Row] = []
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer(Path(folder)) as uri,
        driver(uri) as drive,
    ):
        for number, case in enumerate(cases()):
            found = drive(case, number)
            row = known.get(json.dumps(case.when), {"when": case.when, "today": found})
            row.pop("now", None)
            if found != row["today"]:
                row["now"] = found
                row.setdefault("why", "?")
            else:
                row.pop("why", None)
            written.append(row)
    FILE.write_text("[\n" + ",\n".join(json.dumps(row) for row in written) + "\n]\n")
    changed = sum("now" in row for row in written)
    print(f"{len(written)} rows, {changed} differ, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
