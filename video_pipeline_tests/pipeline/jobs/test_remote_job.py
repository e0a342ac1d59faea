"""A phase finishes or parks: jobs at a provider that takes a token, and at one that doesn't."""

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
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.events import hint
from video_pipeline.pipeline.sweep.round import sweep
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import File
from video_pipeline_tests.doubles.job_plugin import VendorShots
from video_pipeline_tests.doubles.vendor import Behaviour, Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]


def shots(services: Services, key: VideoKey) -> Outcome:
    return analyse(services, key, {Phase.SHOTS})[Phase.SHOTS]


def units(services: Services, key: VideoKey) -> list[WorkUnit]:
    return services.of(key.project).units.of_video(key.video)


class _FedFiles(VendorShots):
    """Is handed the bytes, and not where they lie."""

    def capabilities(self) -> Capabilities:
        return super().capabilities().model_copy(update={"fed": File()})


def test_a_job_parks_and_holds_nothing(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    parked = shots(services, key)
    assert parked.state is PhaseState.PARKED
    assert parked.job in vendor.jobs and parked.job in parked.message
    (unit,) = units(services, key)
    assert unit.state is UnitState.RUNNING and unit.leased_until is None


def test_a_re_run_of_a_parked_phase_finds_its_row_and_pays_nothing(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    first, again = shots(services, key), shots(services, key)
    assert (first.unit, first.job) == (again.unit, again.job)
    assert vendor.submissions["acme/one"] == 1


def test_an_ended_job_is_found_by_the_sweep_although_its_event_was_lost(
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


def test_a_hint_makes_the_next_sweep_look_at_once(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    parked = shots(services, key)
    vendor.finish("acme/one")
    assert sweep(services, services.clock()) == []
    assert hint(services, "with-token", parked.job or "")
    assert [u.id for u in sweep(services, services.clock())] == [parked.unit]


def test_a_hint_for_a_job_that_nobody_knows_is_left_for_redelivery(services: Services) -> None:
    assert not hint(services, "with-token", "job-unknown")


def test_a_result_that_is_there_at_once_never_parks(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "now")
    assert shots(services, key).state is PhaseState.DONE
    assert shots(services, key).reused
    assert vendor.billed == {"acme/one": 1}


def test_a_failed_job_fails_the_phase_and_the_next_run_asks_anew(
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


def test_results_that_the_vendor_has_forgotten_end_the_unit(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    shots(services, key)
    vendor.forget("acme/one")
    assert shots(services, key).state is PhaseState.FAILED
    (unit,) = units(services, key)
    assert unit.failure and unit.failure.category is FailureCategory.RESULT_EXPIRED
    assert unit.settled == unit.planned, "it was billed"


class TestResultsThatCannotBeFetched:
    """The job has ended and is billed, but something is in the way of its result."""

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

    def test_it_is_told_why_and_looked_at_ever_more_seldom(
        self, services: Services, denied: VideoKey
    ) -> None:
        pauses: list[float] = []
        for _ in range(14):
            parked = shots(services, denied)
            assert parked.state is PhaseState.PARKED
            assert "no right to read" in parked.message and "kms:Decrypt" in parked.message
            (unit,) = units(services, denied)
            assert unit.poll_at and unit.waiting in parked.message
            pauses.append(round((unit.poll_at - services.clock()).total_seconds()))
        assert pauses[:4] == [1, 2, 4, 8] and pauses[-2:] == [3600, 3600]

    def test_once_it_can_be_fetched_it_is(
        self, services: Services, denied: VideoKey, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shots(services, denied)
        monkeypatch.undo()
        assert shots(services, denied).state is PhaseState.DONE
        (unit,) = units(services, denied)
        assert unit.waiting == "" and vendor.billed == {"acme/one": 1}

    def test_days_after_the_deadline_it_is_given_up_and_counted(
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


def test_a_busy_vendor_is_asked_again_in_the_same_run(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "busy", "busy", "now")
    assert shots(services, key).state is PhaseState.DONE
    assert vendor.billed == {"acme/one": 1}
    assert [u.attempts for u in units(services, key)] == [3]


def test_the_next_provider_is_asked_where_one_refuses(
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


def test_with_a_token_a_dropped_line_is_asked_again_and_billed_once(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "drop", "drop", "later")
    assert shots(services, key).state is PhaseState.PARKED
    assert vendor.billed == {"acme/one": 1}


def test_with_a_token_an_unheard_request_is_repeated_by_the_next_run_with_the_same_token(
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
def test_a_refusal_of_who_asks_says_nothing_of_the_request_that_nobody_heard(
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


def test_a_source_that_is_away_says_nothing_of_the_request_that_nobody_heard(
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
    assert failed.state is PhaseState.FAILED and "may have been taken" in failed.message
    away.rename(film)
    vendor.behave("acme/one", "later")
    assert shots(services, key).state is PhaseState.PARKED
    assert vendor.billed == {"acme/one": 1}
    assert [u.generation for u in units(services, key)] == [0]


def test_who_was_asked_instead_and_is_at_work_goes_before_the_one_that_failed(
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


def test_without_a_token_a_dropped_line_is_held_in_doubt_and_nobody_else_is_asked(
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
    services.of("acme").units.move(unit, UnitState.FAILED, services.clock())
    assert shots(services, key).state is PhaseState.DONE


def test_policy_may_say_that_what_is_in_doubt_is_asked_again(
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
def test_an_optional_phase_that_fails_is_a_warning(
    choosing: Choosing, deliver: Deliver, vendor: Vendor, how: Behaviour
) -> None:
    services = choosing(Phase.SHOTS, "with-token", optional=True)
    key = deliver("acme/one")
    vendor.behave("acme/one", how)
    skipped = shots(services, key)
    assert skipped.state is PhaseState.SKIPPED
    assert skipped.result and "the vendor" in skipped.result.warnings[0]


def test_two_runs_at_once_make_one_request(
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
