"""`clean-up`: delete old runs from Dagster's records, without changing what partitions show."""

import os
import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from video_pipeline.cli.access import settings_of
from video_pipeline.cli.console import out
from video_pipeline.domain.errors import InputError
from video_pipeline.pipeline.services import now_utc


def clean_up(
    context: typer.Context,
    older_than: Annotated[str, typer.Option(help="Age in days or weeks, such as 90d or 12w.")],
    limit: Annotated[int, typer.Option(min=1, help="Delete at most this many runs.")] = 10_000,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count the runs.")] = False,
) -> None:
    """Delete old finished runs from Dagster's records, except those that partitions show."""
    # Dagster takes most of a command's start to import, and only this command needs it.
    from video_pipeline.dagster_api.old_runs import delete_old, records_of

    before = now_utc() - _age(older_than)
    home = Path(os.environ.get("DAGSTER_HOME") or settings_of(context).dagster_home)
    with records_of(home) as instance:
        deleted, kept = delete_old(instance, before, limit, dry_run=dry_run)
    told = "that would be deleted" if dry_run else "deleted"
    out.print(f"Runs {told}: {deleted}. Kept, because partitions show them: {kept}.")


def _age(text: str) -> timedelta:
    found = re.fullmatch(r"(\d+)([dw])", text)
    if found is None:
        raise InputError(
            f"{text!r} is not an age", where="--older-than", remedy="Write it as 90d or 12w."
        )
    days = int(found[1]) * (7 if found[2] == "w" else 1)
    return timedelta(days=days)
