"""Runs of a job, or of an asset, that the code location lacks, as after it was renamed."""

import sqlite3
from contextlib import closing
from pathlib import Path

GONE = "gone_job"


def rename_job(home: Path, run_id: str) -> None:
    """Change the job of a run, in Dagster's records, to one that no code has."""
    with closing(sqlite3.connect(home / "history" / "runs.db")) as database, database:
        database.execute(
            "UPDATE runs SET pipeline_name = ?1,"
            " run_body = replace(run_body, '\"' || pipeline_name || '\"', '\"' || ?1 || '\"')"
            " WHERE run_id = ?2",
            (GONE, run_id),
        )


def rename_selected_asset(home: Path, run_id: str, asset: str) -> None:
    """Change an asset that a run selects, in Dagster's records, to one that no code has."""
    with closing(sqlite3.connect(home / "history" / "runs.db")) as database, database:
        database.execute(
            "UPDATE runs SET run_body = replace(run_body, '\"' || ?1 || '\"', '\"gone\"')"
            " WHERE run_id = ?2",
            (asset, run_id),
        )
