"""The job `backfill_project`: its preview, and a launch of the exact selection."""

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.partitions import PROJECTS_NAME, VIDEOS_NAME
from video_pipeline.defs.projects import unmaterialized
from video_pipeline.defs.resources.graphql import links_to
from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Source
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.conftest import NOW, ROOT
from video_pipeline_tests.defs.opened import Opened, result_of

KEYS = ("acme/talk", "acme/other", "big-acme/talk")


@pytest.fixture(autouse=True)
def videos(catalog: Catalog, instance: dg.DagsterInstance, stage: Opened) -> None:
    """Two videos of acme and one of its neighbour; the shots of each `talk` failed."""
    stage.settings = load_settings(ROOT / "pipeline.yaml", {})
    stage.services = replace(stage.services, choices=stage.settings.choices)
    for key in map(VideoKey.parse, KEYS):
        source = Source(key=key, object_key=f"{key.prefix}v.mp4", name="v", version="1", size=1)
        source = source.model_copy(update={"name": key.video})
        catalog.project(key.project).videos.register(source, NOW)
        state = PhaseState.FAILED if key.video == "talk" else PhaseState.DONE
        catalog.project(key.project).events.record(key.video, Phase.SHOTS, state, NOW)
    instance.add_dynamic_partitions(VIDEOS_NAME, list(KEYS))
    instance.add_dynamic_partitions(PROJECTS_NAME, ["acme", "big-acme"])


def run_job(
    definitions: dg.Definitions, instance: dg.DagsterInstance, **config: Any
) -> dict[str, Any]:
    return result_of(definitions, instance, "backfill_project", "launch_backfill", config)


def test_preview_launches_nothing(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    shown = run_job(definitions, instance, only="failed")
    assert (shown["videos"], shown["not inspected"]) == (1, 1)
    assert shown["result"] == "preview: nothing launched"
    rows = {row.data["phase"]: row.data["videos"] for row in shown["phases"].records}
    assert rows["shots"] == rows["timeline"] == 1 and "transcript" not in rows
    assert instance.get_backfills() == []


def test_launch_names_the_exact_selection(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    shown = run_job(
        definitions, instance, only="failed", phases=["shots"], force=True, preview=False
    )
    (backfill,) = instance.get_backfills()
    assert shown["result"] == "1 backfill launched"
    assert shown[f"backfill {backfill.backfill_id}"] == backfill.backfill_id
    assert backfill.title == "acme: failed by force"
    assert backfill.tags["video_pipeline/project"] == "acme"
    assert backfill.tags["video_pipeline/only"] == "failed"
    assert backfill.run_config == {"ops": {"analysis": {"config": {"force": True}}}}
    assert backfill.asset_backfill_data is not None
    pairs = {
        (one.asset_key.to_user_string(), one.partition_key)
        for one in backfill.asset_backfill_data.target_subset.iterate_asset_partitions()
    }
    inspected = ("source_video", "media_info")
    made = ("shots", "pictures", "scenes", "timeline", "exports")
    assert pairs == {(phase, "acme/talk") for phase in (*inspected, *made)}


class TestUnmaterialized:
    """Results that Dagster does not show, as in a new home."""

    @pytest.fixture(autouse=True)
    def result(self, catalog: Catalog) -> PhaseResult:
        """Publish the shots of acme/other."""
        origin = Provenance(
            provider="vendor",
            plugin="vendor",
            version="1",
            choice="c" * 16,
            content="0" * 64,
            started_at=NOW,
            ended_at=NOW,
        )
        made = PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE, provenance=origin)
        catalog.project("acme").results.publish("other", made)
        return made

    def test_preview_logs_nothing(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance
    ) -> None:
        shown = run_job(definitions, instance, only="unmaterialized")
        assert (shown["videos"], shown["paid for"]) == (1, "nothing")
        assert [row.data["phase"] for row in shown["phases"].records] == ["shots"]
        assert instance.get_materialized_partitions(dg.AssetKey("shots")) == set()

    def test_result_is_shown_again_once(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance, result: PhaseResult
    ) -> None:
        shown = run_job(definitions, instance, only="unmaterialized", preview=False)
        assert shown["result"] == "1 result shown again"
        (record,) = instance.fetch_materializations(dg.AssetKey("shots"), limit=9).records
        made = record.asset_materialization
        assert made and made.tags and record.partition_key == "acme/other"
        assert made.tags["dagster/data_version"] == result.fingerprint
        assert "dagster/code_version" not in made.tags
        assert made.metadata["plugin"].value == "vendor 1"
        again = run_job(definitions, instance, only="unmaterialized", preview=False)
        assert again["result"] == "nothing is selected" and instance.get_backfills() == []

    def test_log_is_bounded_and_goes_on(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        catalog: Catalog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(unmaterialized, "MOST_EVENTS", 1)
        catalog.project("acme").events.record("talk", Phase.AUDIO, PhaseState.DONE, NOW)
        for left in (", 1 left: run this job again", ""):
            shown = run_job(definitions, instance, only="unmaterialized", preview=False)
            assert shown["result"] == f"1 result shown again{left}"


def test_backfills_are_linked_if_a_webserver_is_known() -> None:
    settings = load_settings(
        ROOT / "pipeline.yaml", {"VIDEO_PIPELINE_WEBSERVER": "http://host:3000"}
    )
    assert links_to(settings, ["b1"]) == {
        "backfill b1": dg.MetadataValue.url("http://host:3000/runs/b/b1")
    }


def test_run_without_a_project_names_the_remedy(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    with pytest.raises(InputError, match="Choose the project's id as the partition"):
        definitions.resolve_job_def("backfill_project").execute_in_process(instance=instance)


def test_job_is_not_retried(definitions: dg.Definitions) -> None:
    assert definitions.resolve_job_def("backfill_project").tags["dagster/max_retries"] == "0"
