"""Record every frozen value, as the code under test computes it.

`python -m video_pipeline_tests.frozen.record_values` adds new values to values.json. It writes
nothing if a recorded value has changed, unless `--with-a-migration` is given.
"""

import json
import sys
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, get_args
from unittest.mock import patch

from pydantic import BaseModel

from video_pipeline import wiring
from video_pipeline.catalog.server.mongod import REPLICA_SET
from video_pipeline.domain.errors import FailureCategory, IdentityError
from video_pipeline.domain.naming.identity import VideoKey, project_id_for, video_id_for
from video_pipeline.domain.naming.layout import BESIDE, LAYOUT, UNFINISHED, Layout
from video_pipeline.domain.phases import (
    ANALYSIS,
    MADE_FROM,
    PHASES,
    SERVED,
    Phase,
    phase_of,
    step_name,
)
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind
from video_pipeline.domain.source import Due, Removal
from video_pipeline.domain.unit_policy import CATEGORIES, is_passing
from video_pipeline.domain.usage import Meter
from video_pipeline.domain.work import (
    NEXT,
    UnitState,
)
from video_pipeline.pipeline.backfill.selection import Only
from video_pipeline.pipeline.policies import ArrivalPolicy, Limits, PhaseChoice, WorkPolicy
from video_pipeline.plugins.capabilities import Replay
from video_pipeline.settings import load_settings
from video_pipeline.settings.form import PipelineForm
from video_pipeline.settings.load import CONFIG, HOME, MODELS, WEBSERVER
from video_pipeline.settings.stores import INGEST_BUCKET, MONGODB, OUTPUT_BUCKET
from video_pipeline_tests.frozen.dagster_values import DAGSTER_GROUPS
from video_pipeline_tests.frozen.request_values import REQUEST_GROUPS
from video_pipeline_tests.frozen.samples import (
    HERE,
    OBJECT_KEY,
    settings,
)
from video_pipeline_tests.frozen.stored_values import STORED_GROUPS

VALUES = HERE / "values.json"
MIGRATED = "--with-a-migration"
WHY = (
    "New values: add them by `python -m video_pipeline_tests.frozen.record_values`. "
    "Changed values: a paid job would be requested again, or stored units, results, runs, "
    "partitions or objects would be lost. Restore the old value. Record a changed one only "
    f"together with a migration of the stored data ({MIGRATED}). A new option changes the hash of "
    "all results: leave it out of `options_for` at its default."
)

NAMES = (
    "plain", "Trailer.mp4", "Straße", "Strasse", "STRASSE", "Über Köln", "naïve café", "日本語",
    "🎬", "a film 🎬 of mine", "two  spaces", " led", "a...b", "a|b", "a,b", "a*b", "[a]", 'q"q',
    "a/b", "ﬁlm", "Å", "A\u030a", "ÆØ", "İstanbul", "x" * 64, "x" * 129, "é" * 129, "-", "_", ".",
    "ACME", "Acme Inc.", "acme_inc", "2026", "ẞ", "Größe-1", "tab\there",
)  # fmt: skip


def names() -> dict[str, Any]:
    """Return the identifiers made from names in a store, and how object keys are laid out."""
    videos = {name: video_id_for(name) for name in NAMES}
    rule = Layout(pattern=r"in/(?P<project>[^/]+)/(?P<video>[^/]+)\.[^/.]+")
    keys = (OBJECT_KEY, "projects/a/b", "projects/Ä b/videos/ß/x/y.mp4", "in/a/b.mp4", "x")
    return {
        "projects": {name: project_id_for(name) for name in NAMES},
        "videos": videos,
        "partition keys": {
            name: [str(key), str(VideoKey.parse(str(key))) == str(key), key.prefix, key.raw_prefix]
            for name, video in videos.items()
            for key in [VideoKey(project=project_id_for(name), video=video)]
        },
        "refused partition keys": [
            text for text in ("a...b", "a/b...c", "A/b", "a/", "/b", "a/b c", "a/b|c", "a/b/c", "a")
            if _is_refused(text)
        ],
        "layout": LAYOUT,
        "places": {
            key: [
                [*layout.place_of(key)] if layout.place_of(key) else None, [*layout.group_of(key)]
            ]
            for layout in (Layout(), rule)
            for key in keys
        },
        "below": [Layout().below, rule.below],
        "beside a video": sorted(BESIDE),
        "unfinished": sorted(UNFINISHED),
    }  # fmt: skip


def _is_refused(text: str) -> bool:
    try:
        VideoKey.parse(text)
    except IdentityError:
        return True
    return False


STORED_ENUMS: dict[str, type[Enum]] = {
    "phase": Phase, "phase state": PhaseState, "unit state": UnitState,
    "failure": FailureCategory, "due": Due, "removal": Removal, "kind": Kind, "meter": Meter,
    "only": Only,
}  # fmt: skip


def enums() -> dict[str, Any]:
    """Return the stored values of states and kinds, and the rules that depend on them."""
    policies = {"work": WorkPolicy, "arrivals": ArrivalPolicy, "limits": Limits}
    return {
        **{name: [one.value for one in enum] for name, enum in STORED_ENUMS.items()},
        "replay": list(get_args(Replay)),
        "moves": {stage.name: sorted(after) for stage, after in NEXT.items()},
        "phases of kinds": {kind: phase_of(kind) for kind in (*Kind, "x-our-own")},
        "hangs on": {phase: list(spec.needs) for phase, spec in PHASES.items()},
        "made from": {phase: list(used) for phase, used in MADE_FROM.items()},
        "analysis": list(ANALYSIS),
        "served": list(SERVED),
        "steps": {phase: step_name(phase) for phase in Phase},
        "categories": {
            one: [is_passing(one), row.of_the_request, row.result_lost, row.next_provider]
            for one, row in CATEGORIES.items()
        },
        "policies": {name: model() for name, model in policies.items()},
    }


def configuration() -> dict[str, Any]:
    """Return the keys of pipeline.yaml, the environment variables, and the paths of the state."""
    schema = PipelineForm.model_json_schema()
    sections = {"PipelineForm": schema, **schema["$defs"]}
    found = settings()
    variables = (CONFIG, HOME, MODELS, WEBSERVER, MONGODB, INGEST_BUCKET, OUTPUT_BUCKET)
    below = {"dagster": found.dagster_home, "logs": found.logs, "scratch": found.scratch}
    stores = {"ingest": found.storage.ingest.folder, "outputs": found.storage.outputs.folder}
    return {
        "keys": sorted({key for one in sections.values() for key in one.get("properties", {})}),
        "a phase": sorted(PhaseChoice.model_fields),
        "variables": list(variables),
        "state folder": str(found.home.relative_to(HERE)),
        "below it": {n: str(p.relative_to(found.home)) for n, p in {**below, **stores}.items()},
        "database": found.catalog.database,
        "embedded server": [_embedded_folder(), REPLICA_SET],
    }


def _embedded_folder() -> str:
    """Return the folder of the embedded server's data, relative to the state folder."""
    with tempfile.TemporaryDirectory() as home, patch.object(wiring, "EmbeddedServer") as server:
        found = load_settings(HERE / "deployment.yaml", {HOME: home})
        with wiring.catalog_server(found):
            return str(server.call_args.args[0].relative_to(home))


GROUPS: dict[str, Callable[[], Any]] = {
    **REQUEST_GROUPS,
    **STORED_GROUPS,
    **DAGSTER_GROUPS,
    "names": names,
    "enums": enums,
    "configuration": configuration,
}
"""The function that computes each group, by the group's name in values.json."""


def _plain(value: Any) -> Any:
    """Return a value as JSON has it: fractions and times as text, sets sorted."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value))
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def compute(group: str) -> Any:
    """Return one group of values, as JSON has it."""
    return _plain(GROUPS[group]())


def differences(recorded: Any, now: Any, at: str, *, new: bool = True) -> list[str]:
    """Return a line for each difference between two values; added values count only if `new`."""
    if isinstance(recorded, dict) and isinstance(now, dict):
        found: list[str] = []
        for name in sorted({*recorded, *now}):
            place = f"{at}.{name}"
            if name not in now:
                found.append(f"{place} is gone, was {recorded[name]!r}")
            elif name in recorded:
                found += differences(recorded[name], now[name], place, new=new)
            elif new:
                found.append(f"{place} is new: {now[name]!r}")
        return found
    if isinstance(recorded, list) and isinstance(now, list):
        if len(recorded) == len(now):
            pairs = enumerate(zip(recorded, now, strict=True))
            return [
                line
                for n, (one, two) in pairs
                for line in differences(one, two, f"{at}[{n}]", new=new)
            ]
        left = iter(now)
        if all(one in left for one in recorded):  # nothing removed or reordered, only added
            added = [one for one in now if one not in recorded]
            return [f"{at} has new: {added!r}"] if new else []
    return [] if recorded == now else [f"{at} was {recorded!r}, is {now!r}"]


def main() -> None:
    """Write values.json. Exit if a recorded value has changed and no migration is declared."""
    values = {group: compute(group) for group in GROUPS}
    recorded = json.loads(VALUES.read_text()) if VALUES.exists() else {}
    changed = differences(recorded, values, "values", new=False)
    if changed and sys.argv[1:] != [MIGRATED]:
        told = "\n".join(changed)
        raise SystemExit(f"{told}\nNothing was written. {WHY}")
    text = json.dumps(values, indent=1, ensure_ascii=True, sort_keys=True)
    VALUES.write_text(text + "\n")
    print(f"{VALUES.name}: {len(values)} groups")


if __name__ == "__main__":
    main()
