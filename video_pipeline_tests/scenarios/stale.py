"""Change one project's shots: `stale` and the backfill cover exactly those.

A real webserver and daemon are driven by the command line. Two projects of two videos are done. One
line of pipeline.yaml changes acme's shots. `stale` and the check `choice_current_shots` name only
acme's shots, and the preview counts them. The backfill with `--only stale` runs four phases of two
videos: shots, and scenes, timeline and exports that depend on them.
"""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import dagster as dg

from video_pipeline.catalog.connection import connect
from video_pipeline.defs.projects.sensor import QUIET_SECONDS
from video_pipeline.domain.phases import PHASES
from video_pipeline.samples import drawn
from video_pipeline_tests.doubles.ingest import put_in
from video_pipeline_tests.scenarios.support.commands import Commands
from video_pipeline_tests.scenarios.support.deployment import (
    Claims,
    dagster_deployment,
    temporary_deployment,
)
from video_pipeline_tests.servers.webserver import Webserver

KEYS = ("acme/one", "acme/two", "globex/one", "big-acme/one")
ACME = KEYS[:2]
# A check is reported again only after its quiet time.
_PATIENCE_SECONDS = QUIET_SECONDS + 120
_BEFORE, _AFTER = "      shots: [adaptive]  # acme's line", "      shots: [content]  # acme's line"
_CONFIGURATION = f"""\
providers:
  adaptive: {{plugin: pyscenedetect, options: {{detector: adaptive}}}}
  content: {{plugin: pyscenedetect, options: {{detector: content}}}}
phases:
  shots: [adaptive]
projects:
  acme:
    phases:
{_BEFORE}
"""
# The number of materializations by phase and video.
Counts = Mapping[tuple[str, str], int]


def run() -> int:
    """Return 0 if every claim holds."""
    with temporary_deployment() as (folder, uri):
        file = folder / "pipeline.yaml"
        file.write_text(_CONFIGURATION)
        put_in(folder / "home" / "ingest", uri, KEYS, drawn()[1])
        projects = ["acme", "big-acme", "globex"]
        with dagster_deployment(folder, uri, KEYS, projects) as (instance, server, commands):
            return _Play(instance, server, file, uri, commands).run().verdict()


class _Play:
    def __init__(
        self,
        instance: dg.DagsterInstance,
        server: Webserver,
        file: Path,
        uri: str,
        commands: Commands,
    ) -> None:
        self._instance, self._server, self._file = instance, server, file
        self._uri, self._commands = uri, commands
        self._claims = Claims()

    def run(self) -> Claims:
        self._ended(self._server.launch_backfill([phase.value for phase in PHASES], KEYS))
        self._claims.equal("stale before the swap", [], self._stale())
        made, units = self._materializations(), self._units()

        text = self._file.read_text()
        self._file.write_text(text.replace(_BEFORE, _AFTER))
        expected = [(key, "shots", "adaptive", "content") for key in ACME]
        self._claims.equal("stale after the swap", expected, self._stale())
        told = "stale: 2, by project {acme: 2}"
        self._claims.equal("the check says so", told, self._await(lambda: self._checked(), told))

        asked = ("backfill", "--project", "acme", "--only", "stale")
        shown = json.loads(self._commands.call(*asked, "--preview", "--json"))
        phases = {name: one["videos"] for name, one in shown["phases"].items()}
        hanging = ("shots", "pictures", "scenes", "timeline", "exports")
        self._claims.equal("the preview counts videos", dict.fromkeys(hanging, 2), phases)
        who = {"content": 2}
        self._claims.equal("and whom it would ask", who, shown["phases"]["shots"]["asked"])
        print(self._commands.call(*asked, "--preview"))

        launched = self._commands.call(*asked, "--yes").rpartition("launched ")[2]
        self._ended(launched.split(":")[0].strip())
        again = Counter(self._materializations()) - Counter(made)
        self._claims.equal(
            "made again: 4 phases of acme's 2 videos",
            {(phase, key): 1 for phase in hanging for key in ACME},
            dict(again),
        )
        fresh = Counter(self._units()) - Counter(units)
        self._claims.equal(
            "work units: one a video", {(key, "content"): 1 for key in ACME}, dict(fresh)
        )
        self._claims.equal("stale after the backfill", [], self._stale())
        self._claims.equal("the check passes", "", self._await(lambda: self._checked(), ""))
        return self._claims

    def _stale(self) -> list[tuple[str, str, str, str]]:
        print(self._commands.call("stale"))
        return [
            (
                f"{one['project']}/{one['video']}",
                one["phase"],
                one["made_by"],
                one["would_be_made_by"],
            )
            for one in json.loads(self._commands.call("stale", "--json"))
        ]

    def _checked(self) -> str:
        """Return the check's description, or `?` before its first evaluation."""
        key = dg.AssetCheckKey(dg.AssetKey("project"), "choice_current_shots")
        found = self._instance.event_log_storage.get_latest_asset_check_execution_by_key([key])
        event = found[key].event if key in found else None
        dagster_event = event.dagster_event if event else None
        if dagster_event is None:
            return "?"
        return dagster_event.asset_check_evaluation_data.description or ""

    def _materializations(self) -> Counts:
        """Count the materializations of every phase of every video."""
        return {
            (phase.value, key): len(
                self._instance.fetch_materializations(
                    dg.AssetRecordsFilter(
                        asset_key=dg.AssetKey(phase.value), asset_partitions=[key]
                    ),
                    limit=100,
                ).records
            )
            for phase in PHASES
            for key in KEYS
        }

    def _units(self) -> Counts:
        """Count the work units by video and provider."""
        with closing(connect(self._uri, "video_pipeline")) as catalog:
            found = Counter[tuple[str, str]]()
            for key in KEYS:
                project, _, video = key.partition("/")
                for unit in catalog.project(project).units.of_video(video):
                    found[key, unit.request.provider] += 1
            return found

    def _ended(self, backfill: str) -> None:
        under_way = ("REQUESTED", "COMPLETING", "FAILING")
        until = time.monotonic() + _PATIENCE_SECONDS
        while (status := self._server.backfill_status(backfill)) in under_way:
            if time.monotonic() > until:
                break
            time.sleep(1)
        if status not in ("COMPLETED", "COMPLETED_SUCCESS"):
            raise RuntimeError(f"the backfill {backfill} is {status}")

    def _await(self, look: Callable[[], Any], expected: object) -> Any:
        until = time.monotonic() + _PATIENCE_SECONDS
        while (seen := look()) != expected and time.monotonic() < until:
            time.sleep(1)
        return seen
