"""Change a provider by editing one line of pipeline.yaml; the next run uses it.

Webserver, daemon and code server keep running, and nothing is reloaded. Both projects' shots come
from the adaptive detector, until one line changes for acme. Acme's next run detects shots by
content and reuses the transcript; globex's next run reuses everything.
"""

import time
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

from video_pipeline.domain.phases import PHASES, Phase
from video_pipeline.samples import drawn
from video_pipeline_tests.doubles.ingest import put_in
from video_pipeline_tests.scenarios.support.deployment import (
    dagster_deployment,
    print_table,
    temporary_deployment,
)
from video_pipeline_tests.servers.webserver import Webserver

KEYS = ("acme/trailer", "globex/trailer")
_PATIENCE_SECONDS = 240
_BEFORE, _AFTER = "      shots: [adaptive]  # acme's line", "      shots: [content]  # acme's line"
_CONFIGURATION = f"""\
providers:
  adaptive: {{plugin: pyscenedetect, options: {{detector: adaptive}}}}
  content: {{plugin: pyscenedetect, options: {{detector: content}}}}
  tiny: {{plugin: faster-whisper, options: {{model: tiny.en}}}}
phases:
  shots: [adaptive]
  transcript: [tiny]
projects:
  acme:
    phases:
{_BEFORE}
"""


@dataclass(frozen=True)
class Seen:
    """The provider of an asset in the web interface, and whether it was reused."""

    provider: str
    reused: bool


def run() -> int:
    """Return 0 if each run used the configuration from its start."""
    with temporary_deployment() as (folder, uri):
        file = folder / "pipeline.yaml"
        file.write_text(_CONFIGURATION)
        put_in(folder / "home" / "ingest", uri, KEYS, drawn()[1])
        with dagster_deployment(folder, uri, KEYS) as (instance, server, _):
            before = _backfill(instance, server)
            file.write_text(_swapped(file))
            after = _backfill(instance, server)
    rows = [(key, phase, before[key, phase], after[key, phase]) for key, phase in before]
    shown = [(k, p, b.provider, a.provider, "yes" if a.reused else "no") for k, p, b, a in rows]
    columns = ("video", "phase", "provider before", "provider after", "reused")
    print_table(f"{_BEFORE.strip()} -> {_AFTER.strip()}", columns, shown)
    return 0 if _holds(before, after) else 1


def _swapped(file: Path) -> str:
    text = file.read_text()
    assert text.count(_BEFORE) == 1
    return text.replace(_BEFORE, _AFTER)


def _holds(before: dict[tuple[str, Phase], Seen], after: dict[tuple[str, Phase], Seen]) -> bool:
    shots, transcript = Phase.SHOTS, Phase.TRANSCRIPT
    acme, globex = KEYS
    return (
        before[acme, shots].provider == before[globex, shots].provider == "adaptive"
        and after[acme, shots].provider == "content"
        and not after[acme, shots].reused
        and after[acme, transcript].reused
        and after[globex, shots].provider == "adaptive"
        and after[globex, shots].reused
    )


def _backfill(instance: dg.DagsterInstance, server: Webserver) -> dict[tuple[str, Phase], Seen]:
    """Backfill all phases of both videos, and read the results."""
    backfill = server.launch_backfill([phase.value for phase in PHASES], KEYS)
    until = time.monotonic() + _PATIENCE_SECONDS
    while (status := server.backfill_status(backfill)) in ("REQUESTED", "COMPLETING"):
        if time.monotonic() > until:
            break
        time.sleep(1)
    if status not in ("COMPLETED", "COMPLETED_SUCCESS"):
        raise RuntimeError(f"the backfill is {status} after {_PATIENCE_SECONDS} s")
    phases = (Phase.SHOTS, Phase.TRANSCRIPT)
    return {(key, phase): _seen(instance, key, phase) for key in KEYS for phase in phases}


def _seen(instance: dg.DagsterInstance, key: str, phase: Phase) -> Seen:
    wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey(phase.value), asset_partitions=[key])
    record = instance.fetch_materializations(wanted, limit=1).records[0]
    made = record.asset_materialization
    assert made is not None
    provider = str(made.metadata["provider"].value)
    return Seen(provider, reused="made before" in made.metadata)
