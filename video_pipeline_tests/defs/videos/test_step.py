"""The events in Dagster for each way in which a phase can end."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.defs.videos import assets
from video_pipeline.defs.videos.facts import shortened
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import ANALYSIS, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Source
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.run_video import MAKERS
from video_pipeline_tests.defs.opened import Opened
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorSpeech
from video_pipeline_tests.doubles.units import bring_to

KEY = "acme/talk"
TALK = VideoKey.parse(KEY)
# Delivered names, and how they are shown.
HOSTILE = {
    name: name
    for name in (
        "[a](javascript:alert(1)) **b** | c",
        "<img src=x onerror=alert(1)>",
        'it\'s "quoted"; drop',
        "n" * 250,
    )
} | {"gnp.\u202e4pm": "gnp.\\u202e4pm", "a\nb": "a\\nb"}
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@dataclass
class Ended:
    """A run that has ended, and its events."""

    result: dg.ExecuteInProcessResult

    def of(self, kind: dg.DagsterEventType) -> list[dg.DagsterEvent]:
        return [e for e in self.result.all_events if e.event_type is kind]

    @property
    def materialized(self) -> dict[str, dict[str, Any]]:
        made = (e.materialization for e in self.of(dg.DagsterEventType.ASSET_MATERIALIZATION))
        return {
            m.asset_key.to_user_string(): {k: v.value for k, v in m.metadata.items()} for m in made
        }

    @property
    def observed(self) -> dict[str, dict[str, Any]]:
        given = (
            e.asset_observation_data.asset_observation
            for e in self.of(dg.DagsterEventType.ASSET_OBSERVATION)
        )
        return {
            o.asset_key.to_user_string(): {k: v.value for k, v in o.metadata.items()} for o in given
        }

    @property
    def checks(self) -> dict[tuple[str, str], dg.AssetCheckEvaluation]:
        found = self.result.get_asset_check_evaluations()
        return {(c.asset_key.to_user_string(), c.check_name): c for c in found}


def good(phase: Phase, state: PhaseState = PhaseState.DONE, message: str = "") -> Outcome:
    origin = Provenance(
        provider="pipeline",
        plugin="pipeline",
        version="1",
        choice="c" * 16,
        content="0" * 64,
        started_at=NOW,
        ended_at=NOW,
    )
    result = PhaseResult(phase=phase, state=state, provenance=origin)
    return Outcome(phase=phase, state=state, result=result, provider="pipeline", message=message)


Run = Callable[..., Ended]


@pytest.fixture
def run(
    definitions: dg.Definitions, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Run the analysis with a use case that returns these outcomes, and good ones else."""

    def run(*others: Outcome, without: Phase | None = None, **config: Any) -> Ended:
        def analyse(services: object, key: object, phases: Collection[Phase], **_: object):
            given = {o.phase: o for o in others}
            return {phase: good(phase) for phase in reversed(list(phases))} | given

        monkeypatch.setattr(assets, "analyse", analyse)
        for made in (Phase.PICTURES, Phase.TIMELINE, Phase.EXPORTS):
            monkeypatch.setitem(MAKERS, made, lambda *_, phase=made: good(phase))
        job = definitions.resolve_job_def("ingest_video")
        asked = [*ANALYSIS, Phase.PICTURES, Phase.SCENES, Phase.TIMELINE, Phase.EXPORTS]
        wanted = [phase for phase in asked if phase is not without]
        return Ended(
            job.execute_in_process(
                instance=instance,
                partition_key=KEY,
                asset_selection=[dg.AssetKey(phase.value) for phase in wanted],
                raise_on_error=False,
                **config,
            )
        )

    return run


class TestGood:
    def test_good_phases_are_materialized_with_checks(self, run: Run) -> None:
        ended = run()
        assert ended.result.success
        assert set(ended.materialized) == {*ANALYSIS, "pictures", "scenes", "timeline", "exports"}
        assert ended.materialized["shots"]["state"] == "done"
        assert ended.checks["shots", "succeeded"].passed
        assert ended.checks["shots", "succeeded"].partition == KEY

    def test_unselected_phase_made_again_is_materialized(
        self, run: Run, instance: dg.DagsterInstance
    ) -> None:
        linked = good(Phase.OBJECTS)
        ended = run(linked, without=Phase.OBJECTS)
        assert ended.result.success
        assert ended.materialized["objects"]["state"] == "done"
        (record,) = instance.fetch_materializations(dg.AssetKey("objects"), limit=1).records
        assert record.partition_key == KEY
        assert record.asset_materialization and record.asset_materialization.tags
        assert linked.result is not None
        version = record.asset_materialization.tags["dagster/data_version"]
        assert version == linked.result.fingerprint

    def test_phase_without_provider_is_materialized(self, run: Run) -> None:
        why = "not configured: pipeline.yaml names no provider for it"
        ended = run(good(Phase.TRANSCRIPT, PhaseState.NOT_CONFIGURED, why))
        assert ended.materialized["transcript"]["state"] == "not configured"
        for name in ("succeeded", "words_within_audio"):
            check = ended.checks["transcript", name]
            assert (check.passed, check.description) == (True, f"not judged: {why}")
        assert "timeline" in ended.materialized

    def test_failed_optional_phase_warns(self, run: Run) -> None:
        ended = run(good(Phase.SHOTS, PhaseState.SKIPPED, "the vendor refused"))
        assert ended.result.success
        check = ended.checks["shots", "succeeded"]
        assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert check.description == "the vendor refused"
        assert "timeline" in ended.materialized

    def test_result_names_its_work_unit_and_job(self, run: Run, running: WorkUnit) -> None:
        made = good(Phase.SHOTS)
        assert made.result is not None and made.result.provenance is not None
        origin = made.result.provenance.model_copy(update={"unit": running.id})
        result = made.result.model_copy(update={"provenance": origin})
        given = run(made.model_copy(update={"result": result})).materialized
        assert given["shots"]["work unit"] == shortened(running.id)
        assert given["shots"]["job"] == running.job
        assert "work unit" not in given["audio"]

    def test_data_version_is_equal_for_equal_results(self, run: Run) -> None:
        def version(ended: Ended) -> str | None:
            event = ended.of(dg.DagsterEventType.ASSET_MATERIALIZATION)[0]
            return (event.materialization.tags or {}).get("dagster/data_version")

        first, again = version(run()), version(run())
        assert first and first == again


class TestParked:
    PARKED = Outcome(
        phase=Phase.TRANSCRIPT,
        state=PhaseState.PARKED,
        provider="vendor",
        message="job 7 is running at vendor",
        job="7",
    )

    def test_parked_phase_is_observed_and_its_dependents_skipped(self, run: Run) -> None:
        ended = run(self.PARKED)
        assert ended.result.success
        assert set(ended.materialized) == {*ANALYSIS, "pictures"} - {"transcript"}
        seen = ended.observed["transcript"]
        assert list(seen)[:2] == ["state", "reason"]
        assert (seen["state"], seen["provider"], seen["job"]) == ("parked", "vendor", "7")
        assert ended.observed["timeline"] == {
            "state": "waiting",
            "reason": "waits for transcript, which is parked: job 7 is running at vendor",
        }

    def test_planned_checks_of_a_parked_phase_warn(self, run: Run) -> None:
        checks = run(self.PARKED).checks
        told = checks["transcript", "words_within_audio"]
        assert (told.passed, told.severity) == (False, dg.AssetCheckSeverity.WARN)
        assert told.description == ("not judged: transcript is parked: job 7 is running at vendor")

    def test_observation_describes_the_work_unit(self, run: Run, running: WorkUnit) -> None:
        seen = run(self.PARKED.model_copy(update={"unit": running.id})).observed["transcript"]
        assert (seen["work unit"], seen["account"]) == (shortened(running.id), "a, r")
        assert seen["planned"] == "1 request, paid"
        assert running.due_at is not None
        assert seen["looked up by"] == running.due_at.timestamp()

    def test_observation_of_a_queued_unit_names_the_reason(
        self, run: Run, running: WorkUnit, catalog: Catalog
    ) -> None:
        units = catalog.project("acme").units
        request = running.request.model_copy(update={"model": "other"})
        opened = units.open(request, 0, (), NOW)
        waiting = bring_to(units, opened, UnitState.QUEUED, NOW)
        seen = run(self.PARKED.model_copy(update={"unit": waiting.id})).observed["transcript"]
        assert seen["waits for"] == "waits for one of 20 slots of cloud"
        assert "looked up by" not in seen
        assert seen["to cancel"] == f"video-pipeline jobs cancel {waiting.id}"

    def test_observation_links_to_the_job_elsewhere(
        self,
        run: Run,
        running: WorkUnit,
        stage: Opened,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        page = "https://vendor.example/jobs/7"
        vendor = VendorSpeech(VendorOptions(url="http://127.0.0.1:9"))
        monkeypatch.setattr(vendor, "console_url", lambda unit: page if unit == running else None)
        stage.services = replace(stage.services, plugins={"vendor": vendor})
        seen = run(self.PARKED.model_copy(update={"unit": running.id})).observed["transcript"]
        assert seen["external run url"] == page


class TestFailed:
    FAILED = Outcome(
        phase=Phase.SHOTS,
        state=PhaseState.FAILED,
        provider="vendor",
        message="vendor: it refused. Choose another provider.",
    )

    def test_others_are_materialized_and_the_run_fails(self, run: Run) -> None:
        ended = run(self.FAILED)
        assert not ended.result.success
        # The pictures are then made without shots, within this step.
        assert set(ended.materialized) == {*ANALYSIS, "pictures"} - {"shots"}
        assert ended.observed["shots"]["state"] == "failed"
        check = ended.checks["shots", "succeeded"]
        assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.ERROR)
        assert check.description == self.FAILED.message

    def test_log_tells_the_error_once_without_a_stack(
        self, run: Run, instance: dg.DagsterInstance
    ) -> None:
        ended = run(self.FAILED)
        (failure,) = ended.of(dg.DagsterEventType.STEP_FAILURE)
        error = failure.step_failure_data.error
        assert error is not None
        assert error.message == f"{KEY} shots: {self.FAILED.message}"
        assert (error.stack, error.cause, error.context) == ([], None, None)
        logged = instance.all_logs(ended.result.run_id)
        lines = [entry.user_message for entry in logged if not entry.is_dagster_event]
        assert not [line for line in lines if "it refused" in line]

    def test_phases_that_never_start_tell_what_failed(self, run: Run) -> None:
        ended = run(self.FAILED)
        why = "waits for shots, which failed: vendor: it refused. Choose another provider"
        for phase in ("scenes", "timeline", "exports"):
            assert ended.observed[phase] == {"state": "waiting", "reason": why}
        for phase, name in (("timeline", "succeeded"), ("exports", "outputs_readable")):
            check = ended.checks[phase, name]
            assert (check.passed, check.severity) == (False, dg.AssetCheckSeverity.WARN)
            assert check.description == f"not judged: {phase} is waiting: {why}"

    def test_every_planned_check_is_evaluated(self, run: Run) -> None:
        ended = run(self.FAILED, TestParked.PARKED)
        planned = {
            (key.asset_key.to_user_string(), key.name)
            for event in ended.of(dg.DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED)
            for key in [event.asset_check_planned_data.asset_check_key]
        }
        assert set(ended.checks) >= planned

    def test_dead_phase_fails_its_check(self, run: Run) -> None:
        ended = run(self.FAILED.model_copy(update={"state": PhaseState.DEAD}))
        assert not ended.result.success
        assert ended.observed["shots"]["state"] == "dead"
        assert not ended.checks["shots", "succeeded"].passed

    def test_failed_and_parked_phases_are_both_observed(self, run: Run) -> None:
        ended = run(self.FAILED, TestParked.PARKED)
        assert not ended.result.success
        assert {phase: metadata["state"] for phase, metadata in ended.observed.items()} == {
            "shots": "failed",
            "transcript": "parked",
            **dict.fromkeys(("scenes", "timeline", "exports"), "waiting"),
        }


class TestTags:
    def tags(self, ended: Ended, instance: dg.DagsterInstance) -> dict[str, str]:
        run = instance.get_run_by_id(ended.result.run_id)
        assert run is not None
        return {tag: value for tag, value in run.tags.items() if "video_pipeline" in tag}

    def test_untagged_run_is_tagged_with_its_project(
        self, run: Run, instance: dg.DagsterInstance
    ) -> None:
        assert self.tags(run(), instance) == {"video_pipeline/project": "acme"}

    @pytest.mark.parametrize("name", list(HOSTILE))
    def test_run_is_tagged_with_the_delivered_name(
        self, run: Run, instance: dg.DagsterInstance, catalog: Catalog, name: str
    ) -> None:
        source = Source(key=TALK, object_key="a/b.mp4", name=name, version="1", size=1)
        catalog.project("acme").videos.register(source, NOW)
        tags = self.tags(run(), instance)
        assert tags["video_pipeline/name"] == f"{HOSTILE[name]}/b.mp4"
        tagged = dg.RunsFilter(tags={"video_pipeline/name": f"{HOSTILE[name]}/b.mp4"})
        assert len(instance.get_runs(tagged)) == 1


class TestConfig:
    @pytest.fixture
    def asked(
        self,
        definitions: dg.Definitions,
        instance: dg.DagsterInstance,
        monkeypatch: pytest.MonkeyPatch,
    ) -> Callable[..., dict[str, Any]]:
        """Return the arguments of the use case in a run of this origin with this config."""
        given: dict[str, Any] = {}

        def analyse(services: object, key: object, phases: Collection[Phase], **how: Any):
            given.update(how)
            return {phase: good(phase) for phase in phases}

        def asked(
            first: str | None = None, backfill: str | None = None, **config: Any
        ) -> dict[str, Any]:
            monkeypatch.setattr(assets, "analyse", analyse)
            shots = frozenset({dg.AssetKey("shots")})
            job = definitions.resolve_job_def("ingest_video").get_subset(asset_selection=shots)
            run = instance.create_run_for_job(
                job,
                tags={"dagster/partition": KEY}
                | ({"dagster/backfill": backfill} if backfill else {}),
                run_config={"ops": {"analysis": {"config": config}}},
                root_run_id=first,
                parent_run_id=first,
            )
            assert execute_run(InMemoryJob(job), run, instance).success
            return given | {"made_in": run.run_id}

        return asked

    def test_config_overrides_the_provider(self, asked: Callable[..., dict[str, Any]]) -> None:
        given = asked(providers={"shots": "cuts-by-content"})
        assert given["providers"] == {Phase.SHOTS: ("cuts-by-content",)}
        assert given["forced_by"] == ""

    def test_config_forces_in_the_runs_name(self, asked: Callable[..., dict[str, Any]]) -> None:
        given = asked(force=True)
        assert given["forced_by"] == given["made_in"]

    def test_retry_forces_in_the_name_of_the_first_run(
        self, asked: Callable[..., dict[str, Any]], instance: dg.DagsterInstance
    ) -> None:
        first = asked(force=True)["made_in"]
        assert asked(first, force=True)["forced_by"] == first

    def test_runs_of_a_backfill_force_in_its_name(
        self, asked: Callable[..., dict[str, Any]]
    ) -> None:
        assert asked(backfill="b1", force=True)["forced_by"] == "b1"
        assert asked(backfill="b1")["forced_by"] == ""

    def test_config_refuses_a_phase_without_plugins(self) -> None:
        with pytest.raises(Exception, match="phases that none serves: timeline"):
            assets.AnalysisConfig(providers={"timeline": "cuts"}).overrides()
