"""A project's tables in Dagster: phases, usage, work units, errors and rejected objects."""

from collections.abc import Iterable, Sequence
from typing import Any

import dagster as dg

from video_pipeline.domain.progress import ENDED_BADLY, PhaseState
from video_pipeline.pipeline.jobs.queries import quantity_of
from video_pipeline.pipeline.status.overview import Noted, Overview

_COLUMNS = (
    PhaseState.DONE,
    PhaseState.NOT_CONFIGURED,
    PhaseState.SKIPPED,
    PhaseState.RUNNING,
    PhaseState.PARKED,
    PhaseState.WAITING,
    PhaseState.CANCELLED,
    *ENDED_BADLY,
)
# Characters of a reason; `show` and `errors` print the whole.
_WIDTH = 300


def project_metadata(found: Overview) -> dict[str, Any]:
    """Return the metadata of the project's asset."""
    metadata: dict[str, Any] = {
        "videos": found.totals.videos,
        "removed": found.totals.removed,
        "minutes": round(float(found.totals.seconds) / 60, 2),
        "parked": found.count(PhaseState.PARKED),
        "failed": found.count(*ENDED_BADLY),
        "stale": sum(found.stale.values()),
        "phases": _phases(found),
        "used so far": _usage(found),
    }
    lists = {
        "work units": _units(found),
        "parked work": _noted(found.parked),
        "errors": _noted(found.failed),
        "warnings": _noted(found.warnings),
        "rejected": _rejected(found),
    }
    return metadata | {name: table for name, table in lists.items() if table.records}


def _phases(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "phase": phase.value,
            **{state.value: states.get(state, 0) for state in _COLUMNS},
            "stale": found.stale.get(phase, 0),
        }
        for phase, states in found.states.items()
    ]
    counts = [*(state.value for state in _COLUMNS), "stale"]
    return _table(["phase"], rows, counts)


def _usage(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "provider": provider,
            "meter": usage.counted,
            "quantity": float(usage.quantity),
            "paid": "yes" if usage.paid else "no",
            "measured": usage.measured,
        }
        for provider, usage in found.usage
    ]
    return _table(["provider", "meter", "paid", "measured"], rows, ["quantity"])


def _units(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "provider": one.provider,
            "state": one.state.value,
            "planned": quantity_of(one.planned),
            "units": one.units,
        }
        for one in found.units
    ]
    return _table(["provider", "state", "planned"], rows, ["units"])


def _noted(noted: Iterable[Noted]) -> dg.TableMetadataValue:
    rows = [
        {
            "video": one.video,
            "phase": one.phase.value,
            "state": one.state.value,
            "provider": one.provider or "",
            "since": f"{one.since:%Y-%m-%d %H:%M:%S}" if one.since else "",
            "what": one.message[:_WIDTH],
        }
        for one in noted
    ]
    return _table(["video", "phase", "state", "provider", "since", "what"], rows)


def _rejected(found: Overview) -> dg.TableMetadataValue:
    rows = [
        {
            "object": one.object_key,
            "reason": one.reason[:_WIDTH],
            "since": f"{one.at:%Y-%m-%d %H:%M:%S}",
        }
        for one in found.rejections
    ]
    return _table(["object", "reason", "since"], rows)


def _table(
    texts: Sequence[str], rows: Iterable[dict[str, Any]], numbers: Sequence[str] = ()
) -> dg.TableMetadataValue:
    columns = [dg.TableColumn(name) for name in texts]
    columns += [dg.TableColumn(name, "float" if name == "quantity" else "int") for name in numbers]
    records = [dg.TableRecord(row) for row in rows]
    return dg.MetadataValue.table(records, schema=dg.TableSchema(columns=columns))
