"""The job `backfill_project`: its preview, and a launch of the exact selection."""

from dataclasses import replace
from typing import Any

import dagster as dg
import pytest

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.partitions import VIDEOS_NAME
from video_pipeline.defs.projects import unmaterialized
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Source
from video_pipeline.settings import load_settings
from video_pipeline_tests.defs.conftest import NOW, ROOT
from video_pipeline_tests.defs.opened import Opened

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


def run_job(
    definitions: dg.Definitions, instance: dg.DagsterInstance, **config: Any
) -> dict[str, Any]:
    ended = definitions.resolve_job_def("backfill_project").execute_in_process(
        instance=instance,
        run_config={"ops": {"launch_backfill": {"config": {"project": "acme", **config}}}},
    )
    (made,) = ended.filter_events(lambda event: event.is_successful_output)
    metadata = made.step_output_data.metadata
    return {name: value.value for name, value in metadata.items()}


def test_preview_launches_nothing(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    shown = run_job(definitions, instance, only="failed")
    assert (shown["videos"], shown["not inspected"]) == (1, 1)
    rows = {row.data["phase"]: row.data["videos"] for row in shown["preview"].records}
    assert rows["shots"] == rows["timeline"] == 1 and "transcript" not in rows
    assert instance.get_backfills() == []


def test_launch_names_the_exact_selection(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    shown = run_job(
        definitions, instance, only="failed", phases=["shots"], force=True, preview=False
    )
    (backfill,) = instance.get_backfills()
    assert backfill.backfill_id in shown["backfills"]
    assert backfill.title == "acme: failed by force"
    assert backfill.tags["video_pipeline/project"] == "acme"
    assert backfill.tags["video_pipeline/only"] == "failed"
    assert backfill.run_config == {"ops": {"analysis": {"config": {"force": True}}}}
    assert backfill.asset_backfill_data is not None
    pairs = {
        (one.asset_key.to_user_string(), one.partition_key)
        for one in backfill.asset_backfill_data.target_subset.iterate_asset_partitions()
    }
    assert pairs == {
        (phase, "acme/talk")
        for phase in ("source_video", "media_info", "shots", "scenes", "timeline", "exports")
    }


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
        assert [row.data["phase"] for row in shown["preview"].records] == ["shots"]
        assert instance.get_materialized_partitions(dg.AssetKey("shots")) == set()

    def test_result_is_shown_again_once(
        self, definitions: dg.Definitions, instance: dg.DagsterInstance, result: PhaseResult
    ) -> None:
        shown = run_job(definitions, instance, only="unmaterialized", preview=False)
        assert (shown["logged"], shown["left"]) == (1, 0)
        (record,) = instance.fetch_materializations(dg.AssetKey("shots"), limit=9).records
        made = record.asset_materialization
        assert made and made.tags and record.partition_key == "acme/other"
        assert made.tags["dagster/data_version"] == result.fingerprint
        assert "dagster/code_version" not in made.tags
        assert made.metadata["plugin"].value == "vendor 1"
        again = run_job(definitions, instance, only="unmaterialized", preview=False)
        assert again["videos"] == 0 and instance.get_backfills() == []

    def test_log_is_bounded_and_goes_on(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        catalog: Catalog,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(unmaterialized, "MOST_EVENTS", 1)
        catalog.project("acme").events.record("talk", Phase.AUDIO, PhaseState.DONE, NOW)
        for left in (1, 0):
            shown = run_job(definitions, instance, only="unmaterialized", preview=False)
            assert (shown["logged"], shown["left"]) == (1, left)


def test_job_is_not_retried(definitions: dg.Definitions) -> None:
    assert definitions.resolve_job_def("backfill_project").tags["dagster/max_retries"] == "0"
