"""Move a project's shots to the double of Rekognition and back, and check what runs.

A real webserver, daemon and code server are driven by the command line. Three projects have local
shots. One line of pipeline.yaml moves acme's to `aws-rekognition`, with a local fallback. `stale`
names exactly acme's, the preview names videos, provider and cost, and the backfill requests exactly
that. The web interface shows provider, job and cost. Moving back makes acme's shots stale again at
no cost; a third move reuses the paid results.
"""

import json
import math
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.defs.videos.facts import shortened
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES
from video_pipeline_tests.scenarios.support.aws_account import VIDEO, AwsAccount, aws_account
from video_pipeline_tests.scenarios.support.clips import short_clip, unlike
from video_pipeline_tests.scenarios.support.commands import Commands
from video_pipeline_tests.scenarios.support.deployment import (
    Claims,
    dagster_deployment,
    print_table,
    temporary_deployment,
)
from video_pipeline_tests.scenarios.support.executing import Watch, executing
from video_pipeline_tests.servers.webserver import Webserver

ACME = ("acme/one", "acme/two")
OTHERS = ("globex/one", "big-acme/one")
KEYS = (*ACME, *OTHERS)
# The phases that run again: shots, and those that depend on them.
AGAIN = ("shots", "pictures", "scenes", "timeline", "exports")
_PATIENCE_SECONDS = 900
_CLIP_SECONDS = 9
_JOBS, _RUNNING_SECONDS = 20, 5.0
_LOCAL, _CLOUD = "shots: [cuts]  # acme's line", "shots: [cloud-video, by-content]  # acme's line"
_CONFIGURATION = f"""\
{{storage}}providers:
{{providers}}  cuts: {{{{plugin: pyscenedetect}}}}
  by-content: {{{{plugin: pyscenedetect, options: {{{{detector: content}}}}}}}}
phases:
  shots: [cuts]
projects:
  acme:
    phases:
      {_LOCAL}
"""


def run() -> int:
    """Run it, and return 0 if every claim holds."""
    with temporary_deployment() as (folder, uri):
        clip = short_clip(folder / "clip.mp4", _CLIP_SECONDS)
        account_of = aws_account(
            folder, folder / "clip.mp4", jobs=_JOBS, running_seconds=_RUNNING_SECONDS
        )
        with account_of as account, closing(connect(uri, "video_pipeline")) as catalog:
            account.deliver(uri, {key: unlike(clip, n) for n, key in enumerate(KEYS)})
            file = folder / "pipeline.yaml"
            told = {"storage": account.storage, "providers": account.providers}
            file.write_text(_CONFIGURATION.format(**told))
            projects = ["acme", "big-acme", "globex"]
            deployed = dagster_deployment(folder, uri, KEYS, projects, account.environment)
            with deployed as (instance, server, commands):
                stage = _Stage(account, catalog, instance, server, commands, file)
                stage.before()
                stage.to_the_cloud()
                stage.backfill()
                stage.and_back()
                return stage.claims.verdict()


@dataclass
class _Stage:
    """The running deployment and the claims."""

    account: AwsAccount
    catalog: Catalog
    instance: dg.DagsterInstance
    server: Webserver
    commands: Commands
    file: Path
    claims: Claims = field(default_factory=Claims)

    def __post_init__(self) -> None:
        self._watch = Watch(self._told, _PATIENCE_SECONDS)
        self._backfill = ""
        self._made: Mapping[tuple[str, str], int] = {}

    def before(self) -> None:
        """Process everything locally, at no cost."""
        self._await(self.server.launch_backfill([phase.value for phase in PHASES], KEYS))
        self.claims.equal("before: nothing is stale", {}, self._stale())
        self.claims.equal("before: Rekognition heard nothing", 0, self._books()["submissions"])
        self._made = self._materializations()

    def to_the_cloud(self) -> None:
        """Edit the file, and check staleness and preview before anything runs."""
        self._edit(_LOCAL, _CLOUD)
        expected = {(key, "shots"): ("cuts", "cloud-video, else by-content") for key in ACME}
        self.claims.equal(
            "the edit makes acme's shots stale, and no other", expected, self._stale()
        )
        shown = self._preview()
        phases = {name: one["videos"] for name, one in shown["phases"].items()}
        expected = dict.fromkeys(AGAIN, len(ACME))
        self.claims.equal("the preview counts acme's videos", expected, phases)
        asked = shown["phases"]["shots"]["asked"]
        self.claims.equal("and whom it would ask", {VIDEO: len(ACME)}, asked)
        paid = {VIDEO: {"video_seconds (shot)": float(self._whole_seconds())}}
        self.claims.equal("and what is to be paid", paid, _numbers(shown["paid"]))
        self.claims.equal("and asks for nothing", 0, self._books()["submissions"])

    def backfill(self) -> None:
        """Run the previewed backfill."""
        print(launched := self._acme("--yes"))
        self._await(launched.rpartition("launched ")[2].split(":")[0].strip())
        again = Counter(self._materializations()) - Counter(self._made)
        expected = {(phase, key): 1 for phase in AGAIN for key in ACME}
        self.claims.equal("made again: 4 phases of acme's videos, once", expected, dict(again))
        self._claim_page()
        book = self._books()
        videos = Counter(job["video"].split("/")[1] for job in book["jobs"])
        self.claims.equal("billed: acme's videos, and no other's", {"acme": 2}, dict(videos))
        meters = {"SegmentDetection/SHOT": self._milliseconds(book) / 60_000}
        self.claims.equal("billed: their minutes, for shots alone", meters, book["billed"])
        usage = {
            (provider, used.counted): float(used.quantity)
            for provider, used in self.catalog.project("acme").standings.usage()
            if used.paid
        }
        expected = {(VIDEO, "video_seconds (shot)"): float(self._whole_seconds())}
        self.claims.equal("the ledger: the same, in whole seconds", expected, usage)
        others = {p: self._paid(p) for p in ("globex", "big-acme")}
        self.claims.equal("the others paid nothing", {"globex": 0, "big-acme": 0}, others)
        self.claims.equal("afterwards nothing is stale", {}, self._stale())

    def and_back(self) -> None:
        """The same line put back, and there once more: what is previewed of either is free."""
        self._edit(_CLOUD, _LOCAL)
        expected = {(key, "shots"): (VIDEO, "cuts") for key in ACME}
        self.claims.equal("put back: acme's are stale again", expected, self._stale())
        shown = self._preview()
        asked = shown["phases"]["shots"]["asked"]
        self.claims.equal("put back: the local one is asked", {"cuts": len(ACME)}, asked)
        self.claims.equal("put back: nothing is to be paid", {}, shown["paid"])
        self._await(self._acme("--yes").rpartition("launched ")[2].split(":")[0].strip())
        self.claims.equal("put back: nothing is stale", {}, self._stale())
        self._edit(_LOCAL, _CLOUD)
        self.claims.equal("there once more: nothing is to be paid", {}, self._preview()["paid"])
        self._await(self._acme("--yes").rpartition("launched ")[2].split(":")[0].strip())
        made = self.server.materializations("shots", ACME[0])[0].metadata["provider"]
        self.claims.equal("there once more: made by", VIDEO, made)
        submissions = self._books()["submissions"]
        self.claims.equal("there once more: asked for nothing", len(ACME), submissions)

    def _claim_page(self) -> None:
        """What the asset pages tell of acme's videos."""
        rows: list[tuple[object, ...]] = []
        for key in ACME:
            after, before = self.server.materializations("shots", key)[:2]
            told = after.metadata
            (unit,) = self.catalog.project("acme").units.of_video(VideoKey.parse(key).video)[-1:]
            seen = (told.get("provider"), told.get("work unit"), told.get("job"))
            self.claims.equal(
                f"{key}: provider, unit and job", (VIDEO, shortened(unit.id), unit.job), seen
            )
            seconds = self._whole_seconds() // len(ACME)
            usage = f"{seconds} s of video (shot), paid"
            self.claims.equal(f"{key}: usage", usage, told.get("usage"))
            self.claims.equal(f"{key}: before it was", "cuts", before.metadata["provider"])
            timeline = self.server.materializations("timeline", key)[0].metadata
            fresh = "made before" not in timeline
            self.claims.holds(f"{key}: the timeline is made again", fresh, timeline["state"])
            short = f"{str(told.get('job'))[:28]}..."
            rows.append((key, told.get("provider"), short, told.get("usage"), timeline["took"]))
        titles = ["video", "shots made by", "job", "usage", "timeline made in"]
        print_table("What the UI tells of acme", titles, rows)

    def _edit(self, before: str, after: str) -> None:
        text = self.file.read_text()
        assert text.count(before) == 1
        self.file.write_text(text.replace(before, after))
        print(f"\n{self._watch.elapsed:5.0f} s  {before} -> {after}\n")

    def _stale(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Video and phase to by whom it was made, and by whom it would be."""
        print(self.commands.call("stale"))
        return {
            (f"{one['project']}/{one['video']}", one["phase"]): (
                one["made_by"],
                one["would_be_made_by"],
            )
            for one in json.loads(self.commands.call("stale", "--json"))
        }

    def _preview(self) -> dict[str, Any]:
        print(self._acme("--preview"))
        return json.loads(self._acme("--preview", "--json"))

    def _acme(self, *how: str) -> str:
        return self.commands.call("backfill", "--project", "acme", "--only", "stale", *how)

    def _materializations(self) -> dict[tuple[str, str], int]:
        """Count the materializations of every phase of every video."""
        return {
            (phase.value, key): len(self.server.materializations(phase.value, key))
            for phase in PHASES
            for key in KEYS
        }

    def _books(self) -> dict[str, Any]:
        return self.account.rekognition.books()

    def _milliseconds(self, book: Mapping[str, Any]) -> int:
        return sum(job["milliseconds"] for job in book["jobs"])

    def _whole_seconds(self) -> int:
        """The paid seconds of acme's videos, each rounded up."""
        catalog = self.catalog.project("acme")
        records = [catalog.videos.get(VideoKey.parse(key).video) for key in ACME]
        return sum(math.ceil(r.media.duration) for r in records if r and r.media)

    def _paid(self, project: str) -> float:
        usage = self.catalog.project(project).standings.usage()
        return float(sum(used.quantity for _, used in usage if used.paid))

    def _await(self, backfill: str) -> None:
        """Raises RuntimeError where a backfill does not end well."""
        self._backfill = backfill
        self._watch.until(self._has_ended, f"the backfill {backfill} has ended")
        if (status := self.server.backfill_status(backfill)) != "COMPLETED_SUCCESS":
            raise RuntimeError(f"the backfill {backfill} is {status}")

    def _has_ended(self) -> bool:
        return self.server.backfill_status(self._backfill) not in (
            "REQUESTED",
            "COMPLETING",
            "FAILING",
        )

    def _told(self) -> str:
        shown = Counter(self.server.partition_states("timeline").values())
        states = ", ".join(f"{count} {state}" for state, count in sorted(shown.items()))
        status = self.server.backfill_status(self._backfill)
        return f"{status:10} executing {len(executing(self.instance))}; timelines: {states or '-'}"


def _numbers(paid: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    return {
        name: {m: float(Fraction(q)) for m, q in meters.items()} for name, meters in paid.items()
    }
