"""Let a paid service return an empty success, and check who is asked next and what the pages say.

A real webserver, daemon and code server run videos of three projects, whose shots come from a
double of Rekognition. It returns one shot over four clear cuts. By default acme's video goes to its
next provider, which is local; globex only warns; big-acme has no other provider, and its phase
fails. Each video is billed once, also after another backfill.
"""

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

import dagster as dg

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, PLAUSIBLE, Phase
from video_pipeline.domain.work import UnitState
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.scenarios.support.aws_account import VIDEO, AwsAccount, aws_account
from video_pipeline_tests.scenarios.support.clips import lengths, unlike
from video_pipeline_tests.scenarios.support.deployment import (
    Claims,
    dagster_deployment,
    print_table,
    temporary_deployment,
)
from video_pipeline_tests.scenarios.support.executing import Watch, executing
from video_pipeline_tests.servers.webserver import Webserver

ACME, GLOBEX, ALONE = KEYS = ("acme/one", "globex/one", "big-acme/one")
_KIND = "one-shot-over-cuts"
_SHADES = (40, 200, 90, 240, 20)
_PATIENCE_SECONDS = 600
_CONFIGURATION = f"""\
{{storage}}providers:
{{providers}}  cuts: {{{{plugin: pyscenedetect}}}}
phases:
  shots: [{VIDEO}, cuts]
projects:
  globex:
    checks: {{{{{_KIND}: warn}}}}
  big-acme:
    phases:
      shots: {VIDEO}
"""


def run() -> int:
    """Run it, and return 0 if every claim holds."""
    with temporary_deployment() as (folder, uri):
        file = encode(folder / "clip.mp4", seconds=10, shades=_SHADES)
        clip, long = file.read_bytes(), lengths(file)
        account_of = aws_account(folder, file, jobs=20, running_seconds=5)
        with account_of as account, closing(connect(uri, "video_pipeline")) as catalog:
            seen = {"duration": str(long.video), "frames_per_second": "25", "rows": 1}
            account.rekognition.configure(otherwise=seen)
            account.deliver(uri, {key: unlike(clip, n) for n, key in enumerate(KEYS)})
            told = {"storage": account.storage, "providers": account.providers}
            (folder / "pipeline.yaml").write_text(_CONFIGURATION.format(**told))
            projects = ["acme", "big-acme", "globex"]
            deployed = dagster_deployment(folder, uri, KEYS, projects, account.environment)
            with deployed as (instance, server, _):
                stage = _Stage(account, catalog, instance, server)
                stage.first()
                stage.again()
                return stage.claims.verdict()


@dataclass
class _Stage:
    """The running deployment and the claims."""

    account: AwsAccount
    catalog: Catalog
    instance: dg.DagsterInstance
    server: Webserver
    claims: Claims = field(default_factory=Claims)

    def first(self) -> None:
        """Run all phases of all videos."""
        self._backfill(KEYS)
        made = {key: self._made(key) for key in (ACME, GLOBEX)}
        self._claim_next(made[ACME])
        self.claims.equal("globex: made by", VIDEO, made[GLOBEX].get("provider"))
        passed, text = self._check(GLOBEX)
        told = not passed and _KIND in text
        self.claims.holds("globex: the check warns, with kind and place", told, text[:90])
        self._claim_alone()
        for key in KEYS:
            self._claim_ledger(key)
        rows = [(key, *self._check(key)) for key in KEYS]
        print_table("The check plausible of shots", ["video", "passed", "text"], rows)

    def again(self) -> None:
        """Run the shots once more: nothing is asked for again."""
        before = self._submissions()
        self.claims.equal("billed: one job a video", len(KEYS), before)
        self._backfill(KEYS, (Phase.SHOTS,))
        self.claims.equal("once more: asked for nothing", before, self._submissions())
        self.claims.equal("once more: acme's are local", "cuts", self._made(ACME).get("provider"))
        _, text = self._check(ALONE)
        self.claims.holds("once more: big-acme's fails alike", _KIND in text, text[:90])

    def _claim_next(self, made: Mapping[str, Any]) -> None:
        self.claims.equal("acme: made by the next provider", "cuts", made.get("provider"))
        self.claims.equal("acme: five shots", "5 shots", made.get("result"))
        why = self._passed_over(ACME)
        self.claims.holds("acme: the page says why", _KIND in why and VIDEO in why, why[:90])
        passed, text = self._check(ACME)
        self.claims.holds("acme: the check passes", passed, text or "no text")

    def _claim_alone(self) -> None:
        state = self.server.partition_states("shots").get(ALONE)
        self.claims.equal("big-acme: the phase failed", "failed", state)
        passed, text = self._check(ALONE)
        told = not passed and "contradicts the media" in text and "warn" in text
        self.claims.holds("big-acme: the check fails, with kind and remedy", told, text[:90])
        self.claims.equal("big-acme: nothing is published", None, self._result(ALONE))

    def _claim_ledger(self, key: str) -> None:
        video = VideoKey.parse(key)
        units = self.catalog.project(video.project).units.of_video(video.video)
        paid = [unit for unit in units if any(used.paid for used in unit.settled)]
        seen = [(unit.request.provider, unit.state, unit.generation) for unit in paid]
        first = units[0].generation
        self.claims.equal(f"{key}: settled, paid once", [(VIDEO, UnitState.SETTLED, first)], seen)

    def _result(self, key: str) -> Any:
        video = VideoKey.parse(key)
        return self.catalog.project(video.project).results.get(video.video, Phase.SHOTS)

    def _made(self, key: str) -> Mapping[str, Any]:
        found = self.server.materializations("shots", key)
        return found[0].metadata if found else {}

    def _passed_over(self, key: str) -> str:
        """Return the table of providers that were tried before, as the page has it."""
        wanted = dg.AssetRecordsFilter(asset_key=dg.AssetKey("shots"), asset_partitions=[key])
        record = self.instance.fetch_materializations(wanted, limit=1).records[0]
        made = record.asset_materialization
        table = made.metadata.get("providers passed over") if made else None
        return (
            str([row.data for row in table.records])
            if isinstance(table, dg.TableMetadataValue)
            else ""
        )

    def _check(self, key: str) -> tuple[bool, str]:
        """Return whether the latest evaluation of the check passed, and its text."""
        check = dg.AssetCheckKey(dg.AssetKey("shots"), PLAUSIBLE.name)
        history = self.instance.event_log_storage.get_asset_check_execution_history(check, 100)
        for record in history:
            event = record.event.dagster_event if record.event else None
            if event and event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
                found = event.asset_check_evaluation_data
                if found.partition == key and "parked" not in (found.description or ""):
                    return found.passed, (found.description or "").replace("\\", "")
        return False, "never evaluated"

    def _submissions(self) -> int:
        return self.account.rekognition.books()["submissions"]

    def _backfill(self, keys: tuple[str, ...], phases: tuple[Phase, ...] = tuple(PHASES)) -> None:
        launched = self.server.launch_backfill([phase.value for phase in phases], keys)
        watch = Watch(self._told, _PATIENCE_SECONDS)
        open_ones = ("REQUESTED", "COMPLETING", "FAILING")
        watch.until(
            lambda: self.server.backfill_status(launched) not in open_ones,
            f"the backfill {launched} has ended",
        )

    def _told(self) -> str:
        states = self.server.partition_states("shots")
        return f"executing {len(executing(self.instance))}; shots: {states}"
