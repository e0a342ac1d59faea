"""Tests of a phase served by jobs, at providers with and without tokens for repeated requests."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.wording import reason_of
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.events import hint
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import File
from video_pipeline_tests.doubles.job_plugin import VendorShots
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Behaviour, Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]


def shots(services: Services, key: VideoKey) -> Outcome:
    return analyse(services, key, {Phase.SHOTS})[Phase.SHOTS]


def units(services: Services, key: VideoKey) -> list[WorkUnit]:
    return services.of(key.project).units.of_video(key.video)


class _FedFiles(VendorShots):
    """The vendor's shots, fed the file itself instead of its address."""

    def capabilities(self) -> Capabilities:
        return super().capabilities().model_copy(update={"fed": File()})


def test_submitted_job_is_parked_without_lease(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    parked = shots(services, key)
    assert parked.state is PhaseState.PARKED
    assert parked.job in vendor.jobs and parked.job in parked.message
    (unit,) = units(services, key)
    assert unit.state is UnitState.RUNNING and unit.leased_until is None


def test_rerun_of_parked_phase_reuses_its_unit(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    first, again = shots(services, key), shots(services, key)
    assert (first.unit, first.job) == (again.unit, again.job)
    assert vendor.submissions["acme/one"] == 1


def test_sweep_finds_ended_job_without_event(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key, other = deliver("acme/one"), deliver("globex/one")
    for video in (key, other):
        shots(services, video)
    vendor.finish("acme/one")
    later = services.clock() + timedelta(seconds=5)
    ready = sweep(services, later)
    assert [u.request.key for u in ready] == [key]
    done = shots(services, key)
    assert done.state is PhaseState.DONE and done.result and done.result.counts == {"shot": 2}
    assert sweep(services, later + timedelta(seconds=5)) == []
    assert shots(services, other).state is PhaseState.PARKED


def test_hint_makes_next_sweep_poll(services: Services, deliver: Deliver, vendor: Vendor) -> None:
    key = deliver("acme/one")
    parked = shots(services, key)
    vendor.finish("acme/one")
    assert sweep(services, services.clock()) == []
    assert hint(services.catalog, "with-token", parked.job or "", services.clock())
    assert [u.id for u in sweep(services, services.clock())] == [parked.unit]


def test_hint_of_unknown_job_returns_false(services: Services) -> None:
    assert not hint(services.catalog, "with-token", "job-unknown", services.clock())


def test_immediate_result_is_not_parked(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "now")
    assert shots(services, key).state is PhaseState.DONE
    assert shots(services, key).reused
    assert vendor.billed == {"acme/one": 1}


def test_next_run_makes_new_request_after_failed_job(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "fail", "now")
    failed = shots(services, key)
    assert failed.state is PhaseState.FAILED and "the vendor's job failed" in failed.message
    assert shots(services, key).state is PhaseState.DONE
    assert [(u.generation, u.state) for u in units(services, key)] == [
        (0, UnitState.FAILED),
        (1, UnitState.SETTLED),
    ]


def test_expired_result_fails_and_counts_unit(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    shots(services, key)
    vendor.forget("acme/one")
    assert shots(services, key).state is PhaseState.FAILED
    (unit,) = units(services, key)
    assert unit.failure and unit.failure.category is FailureCategory.RESULT_EXPIRED
    assert unit.settled == unit.planned, "it was billed"


class TestFetchErrors:
    """The job has ended and is billed, but its result cannot be fetched."""

    @pytest.fixture
    def denied(
        self, services: Services, deliver: Deliver, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
    ) -> VideoKey:
        def deny(*_: object) -> None:
            raise ProviderError(
                "no right to read the result",
                category=FailureCategory.AUTH,
                remedy="Give kms:Decrypt to the role.",
            )

        key = deliver("acme/one")
        shots(services, key)
        vendor.finish("acme/one")
        monkeypatch.setattr(VendorShots, "fetch", deny)
        return key

    def test_fetch_is_retried_at_growing_intervals(
        self, services: Services, denied: VideoKey
    ) -> None:
        pauses: list[float] = []
        for _ in range(14):
            parked = shots(services, denied)
            assert parked.state is PhaseState.PARKED
            assert "no right to read" in parked.message and "kms:Decrypt" in parked.message
            (unit,) = units(services, denied)
            assert unit.due_at and reason_of(unit) in parked.message
            pauses.append(round((unit.due_at - services.clock()).total_seconds()))
        assert pauses[:4] == [1, 2, 4, 8] and pauses[-2:] == [3600, 3600]

    def test_fetch_succeeds_after_permission_is_granted(
        self, services: Services, denied: VideoKey, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shots(services, denied)
        monkeypatch.undo()
        assert shots(services, denied).state is PhaseState.DONE
        (unit,) = units(services, denied)
        assert unit.state is UnitState.SETTLED and vendor.billed == {"acme/one": 1}

    def test_unit_fails_and_counts_days_after_deadline(
        self, services: Services, denied: VideoKey
    ) -> None:
        def after(days: int) -> Services:
            return replace(services, clock=lambda: datetime.now(UTC) + timedelta(days=days))

        assert shots(after(3), denied).state is PhaseState.PARKED
        failed = shots(after(5), denied)
        assert failed.state is PhaseState.FAILED and "no right to read" in failed.message
        (unit,) = units(services, denied)
        assert unit.settled == unit.planned
        assert unit.failure and unit.failure.category is FailureCategory.RESULT_EXPIRED


def test_throttled_request_is_retried_in_same_run(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "busy", "busy", "now")
    assert shots(services, key).state is PhaseState.DONE
    assert vendor.billed == {"acme/one": 1}
    assert [u.attempts for u in units(services, key)] == [3]


def test_next_provider_is_used_after_refusal(
    choosing: Choosing, deliver: Deliver, vendor: Vendor
) -> None:
    services = choosing(Phase.SHOTS, "with-token", "without-token")
    key = deliver("acme/one")
    vendor.behave("acme/one", "refuse", "now")
    done = shots(services, key)
    assert (done.state, done.provider) == (PhaseState.DONE, "without-token")
    assert [(v.provider, v.kept) for v in done.considered] == [
        ("with-token", True),
        ("without-token", True),
        ("with-token", False),
    ]


def test_lost_answer_with_token_is_retried_and_billed_once(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop", "drop", "later")
    assert shots(services, key).state is PhaseState.PARKED
    assert vendor.billed == {"acme/one": 1}


def test_next_run_repeats_lost_request_with_same_token(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop")
    failed = shots(services, key)
    assert failed.state is PhaseState.FAILED and "bills it once" in failed.message
    vendor.behave("acme/one", "later")
    assert shots(services, key).state is PhaseState.PARKED
    assert vendor.billed == {"acme/one": 1}


@pytest.mark.parametrize("between", [(), ("busy",), ("full",)])
def test_denied_access_keeps_lost_request_open(
    services: Services, deliver: Deliver, vendor: Vendor, between: tuple[Behaviour, ...]
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop", *between, "deny")
    failed = shots(services, key)
    assert failed.state is PhaseState.FAILED and "said deny" in failed.message
    assert shots(services, key).state is PhaseState.FAILED
    assert [u.state for u in units(services, key)] == [UnitState.SUBMITTING]
    vendor.behave("acme/one", "later")
    assert shots(services, key).state is PhaseState.PARKED
    assert vendor.billed == {"acme/one": 1}


def test_missing_source_keeps_lost_request_open(
    services: Services, deliver: Deliver, vendor: Vendor, tmp_path: Path
) -> None:
    fed_files = _FedFiles(services.plugins["with-token"].options)
    services = replace(services, plugins={"with-token": fed_files})
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop")
    shots(services, key)
    (film,) = (path for path in tmp_path.rglob("*.mp4") if "one" in path.parts)
    away = film.rename(film.with_suffix(".away"))
    failed = shots(services, key)
    assert failed.state is PhaseState.FAILED and "may have been accepted" in failed.message
    away.rename(film)
    vendor.behave("acme/one", "later")
    assert shots(services, key).state is PhaseState.PARKED
    assert vendor.billed == {"acme/one": 1}
    assert [u.generation for u in units(services, key)] == [0]


def test_provider_with_running_job_is_preferred_over_failed(
    choosing: Choosing, deliver: Deliver, vendor: Vendor
) -> None:
    services = choosing(Phase.SHOTS, "with-token", "without-token")
    key = deliver("acme/one")
    vendor.behave("acme/one", "refuse", "later")
    assert shots(services, key).provider == "without-token"
    again = shots(services, key)
    assert (again.state, again.provider) == (PhaseState.PARKED, "without-token")
    assert vendor.submissions["acme/one"] == 2
    vendor.finish("acme/one")
    sweep(services, services.clock() + timedelta(minutes=1))
    assert shots(services, key).provider == "without-token"
    assert vendor.billed == {"acme/one": 1}


def test_lost_answer_without_token_is_in_doubt(
    choosing: Choosing, deliver: Deliver, vendor: Vendor
) -> None:
    services = choosing(Phase.SHOTS, "without-token", "with-token")
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop", "now")
    for _ in range(2):
        held = shots(services, key)
        assert held.state is PhaseState.FAILED and "video-pipeline release" in held.message
    assert vendor.submissions == {"acme/one": 1}
    (unit,) = services.of("acme").units.in_state(UnitState.IN_DOUBT)
    assert services.of("globex").units.in_state(UnitState.IN_DOUBT) == []
    services.of("acme").units.finish(unit, UnitState.FAILED, services.clock(), used=())
    assert shots(services, key).state is PhaseState.DONE


def test_policy_retry_repeats_request_in_doubt(
    choosing: Choosing, deliver: Deliver, vendor: Vendor
) -> None:
    services = choosing(Phase.SHOTS, "without-token")
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop", "now")
    shots(services, key)
    retrying = replace(services, policy=services.policy.model_copy(update={"in_doubt": "retry"}))
    assert shots(retrying, key).state is PhaseState.DONE
    assert vendor.billed == {"acme/one": 2}


@pytest.mark.parametrize("how", ["refuse", "fail"])
def test_failed_optional_phase_is_skipped_with_warning(
    choosing: Choosing, deliver: Deliver, vendor: Vendor, how: Behaviour
) -> None:
    services = choosing(Phase.SHOTS, "with-token", optional=True)
    key = deliver("acme/one")
    vendor.behave("acme/one", how)
    skipped = shots(services, key)
    assert skipped.state is PhaseState.SKIPPED
    assert skipped.result and "the vendor" in skipped.result.warnings[0]


def test_two_parallel_runs_make_one_request(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "hang", "later")
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(shots, services, key)
        while not vendor.submissions["acme/one"]:
            services.sleep(0.05)
        second = pool.submit(shots, replace(services, holder="another"), key)
        services.sleep(2 * services.policy.lease_seconds)  # the lease outlives its term: renewed
        assert not second.done()
        vendor.answer.set()
    assert first.result().job == second.result().job
    assert vendor.submissions == {"acme/one": 1}
