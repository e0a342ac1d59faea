"""Write `today.json`: what the code does in every situation of a work unit.

python -m video_pipeline_tests.unit_life.characterise
"""

import json
import tempfile
import time
from pathlib import Path

from pymongo import MongoClient

from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.schema import COLLECTIONS, SHARED
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline_tests.unit_life.cases import cases

FILE = Path(__file__).with_name("today.json")


def main() -> None:
    """Drive every case over an empty catalogue of its own."""
    began, rows = time.monotonic(), []
    with (
        tempfile.TemporaryDirectory() as folder,
        EmbeddedServer(Path(folder)) as uri,
        MongoClient(uri) as client,
    ):
        for number, case in enumerate(cases()):
            catalog = connect(uri, "life")
            rows.append({"when": case.when, "then": case.driven(catalog, number)})
            catalog.close()
            for collection in (*COLLECTIONS, *SHARED):
                client["life"][collection].delete_many({})
    lines = ",\n".join(json.dumps(row) for row in rows)
    FILE.write_text(f"[\n{lines}\n]\n")
    print(f"{len(rows)} rows, {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
