"""The tables of one project, and of all projects, in Dagster.

Names and messages come from others. They are cells of tables, which Dagster shows as plain text.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import dagster as dg

from video_pipeline.domain.naming.printable import count_of, printable
from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.domain.time import clock
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.status.overview import SHOWN, Noted, Overview

# The columns of the phases. Each state is in one of them.
COLUMNS = {
    "good": (PhaseState.DONE, PhaseState.NOT_CONFIGURED, PhaseState.SKIPPED),
    "at work": (PhaseState.RUNNING, PhaseState.PARKED),
    "waits": (PhaseState.WAITING, PhaseState.CANCELLED),
    "needs you": ENDED_BADLY,
}
_MEANINGS = {
    "good": "Done, not configured, or optional and skipped.",
    "at work": "A run or a provider works on it.",
    "waits": "Waits for its inputs, or was cancelled and waits for a new request.",
    "needs you": "Failed, dead or interrupted.",
    "stale": "Made by other choices or inputs than today's.",
}
# The summary of one project among all: numbers by name.
Row = dict[str, int]
# The entry that says when the tables were made. It alone is no change.
AS_OF = "as of"
# Characters of a reason; `show` and `errors` print the whole.
_WIDTH = 300


def project_metadata(found: Overview, now: datetime) -> dict[str, Any]:
    """Return the metadata of a project's asset: first whether it needs a person."""
    lists = {
        "needs you": _needs_you(found),
        "phases": _phases(found),
        "rejected files": _rejected(found),
        "parked work": _noted(found, found.parked),
        "work units": _units(found),
        "warnings": _noted(found, found.warnings),
        "used so far": _usage(found),
    }
    more = found.needing - len(found.needs_you)
    errors = f"{count_of(more, 'more video')}: video-pipeline errors --project {found.project}"
    return {
        "summary": needed(row_of(found)),
        **({"not shown": errors} if more else {}),
        **{name: table for name, table in lists.items() if table.records},
        AS_OF: dg.MetadataValue.timestamp(now),
        "length": clock(found.totals.seconds),
        **row_of(found),
        "removed": found.totals.removed,
        "parked": found.count(PhaseState.PARKED),
    }


def overview_metadata(rows: Mapping[str, Row], now: datetime) -> dict[str, Any]:
    """Return the metadata of the overview: the projects that need a person most come first."""
    known = {name: row for name, row in rows.items() if row["videos"] or row["rejected"]}
    order = sorted(known, key=lambda name: (-known[name]["need you"], name))
    sums = {key: sum(row[key] for row in known.values()) for key in _NO_ROW}
    shown = [{"project": name, **known[name]} for name in order[: 2 * SHOWN]]
    more = len(order) - len(shown)
    return {
        "summary": f"{needed(sums)}, in {count_of(len(known), 'project')}",
        "projects": _table(shown, ["project"], ROW_MEANINGS),
        **({"not shown": count_of(more, "project")} if more else {}),
        AS_OF: dg.MetadataValue.timestamp(now),
        **sums,
    }


ROW_MEANINGS = {
    "videos": "Removed ones are not counted.",
    "need you": "Videos with a phase that failed, or a request in doubt.",
    "at work": "Phases that a run or a provider works on.",
    "waits": _MEANINGS["waits"],
    "stale": _MEANINGS["stale"],
    "rejected": "Files that cannot become videos.",
}
_NO_ROW: Row = dict.fromkeys(ROW_MEANINGS, 0)


def row_of(found: Overview) -> Row:
    """Return the summary of a project in numbers."""
    return {
        "videos": found.totals.videos,
        "need you": found.needing,
        "at work": found.count(*COLUMNS["at work"]),
        "waits": found.count(*COLUMNS["waits"]),
        "stale": sum(found.stale.values()),
        "rejected": found.rejected,
    }


def needed(row: Row) -> str:
    """Return in words how many videos need a person: `3 of 120 videos need you`."""
    need = "needs" if 1 in (row["need you"], row["videos"]) else "need"
    rejected = f", {count_of(row['rejected'], 'file')} rejected" if row["rejected"] else ""
    return f"{row['need you']:,} of {count_of(row['videos'], 'video')} {need} you{rejected}"


def _needs_you(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "video": f"{printable(found.delivered.get(one.video, one.video))} "
            f"({found.project}/{one.video})",
            "state": f"{one.state} since {_time(one.since)}" if one.since else one.state,
            "reason": printable(one.reason[:_WIDTH]),
            "command": one.command,
        }
        for one in found.needs_you
    ]
    # Four columns: with a fifth, Dagster's page breaks the reason after each word or two.
    return _table(rows, ["video", "state", "reason", "command"])


def _phases(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "phase": phase.value,
            **{name: sum(states.get(s, 0) for s in group) for name, group in COLUMNS.items()},
            "stale": found.stale.get(phase, 0),
        }
        for phase, states in found.states.items()
    ]
    return _table(rows, ["phase"], _MEANINGS)


def _usage(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {"provider": provider, "used": quantity_of((usage,)), "measured": usage.measured}
        for provider, usage in found.usage
    ]
    return _table(rows, ["provider", "used", "measured"])


def _units(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "provider": one.provider,
            "state": one.state.value,
            "planned": quantity_of(one.planned),
            "command": f"video-pipeline jobs --project {found.project} --state {one.state}",
            "units": one.units,
        }
        for one in found.units
    ]
    return _table(rows, ["provider", "state", "planned", "command"], {"units": None})


def _noted(found: Overview, noted: Iterable[Noted]) -> dg.TableMetadataValue:
    rows = [
        {
            "video": printable(found.delivered.get(one.video, one.video)),
            "id": f"{found.project}/{one.video}",
            "phase": one.phase.value,
            "provider": one.provider or "",
            "since": _time(one.since),
            "what": printable(one.message[:_WIDTH]),
        }
        for one in noted
    ]
    return _table(rows, ["video", "id", "phase", "provider", "since", "what"])


def _rejected(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "file": printable(one.object_key),
            "reason": printable(one.reason[:_WIDTH]),
            "since": _time(one.at),
        }
        for one in found.rejections
    ]
    return _table(rows, ["file", "reason", "since"])


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else ""


def _table(
    rows: Iterable[dict[str, Any]],
    texts: Iterable[str],
    numbers: Mapping[str, str | None] | None = None,
) -> dg.TableMetadataValue:
    """Return a table of columns with text, then of numbers with their descriptions."""
    columns = [dg.TableColumn(name) for name in texts]
    columns += [dg.TableColumn(n, "int", description=d) for n, d in (numbers or {}).items()]
    records = [dg.TableRecord(row) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))
