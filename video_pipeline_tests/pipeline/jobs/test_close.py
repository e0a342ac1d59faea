"""Tests of closing orphaned units, whatever their provider answers."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from video_pipeline.domain.errors import FailureCategory, PipelineError, ProviderError, StorageFull
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.jobs.close import Closing, close
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.job_plugin import VendorShots
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

MINUTE = timedelta(minutes=1)
KEYS = [VideoKey.parse(name) for name in ("acme/one", "acme/two", "globex/one")]
Break = Callable[[PipelineError], None]


@pytest.fixture
def unwanted(
    services: Services, deliver: Callable[..., VideoKey], vendor: Vendor
) -> list[WorkUnit]:
    """Return orphaned units with ended jobs, one of each of `KEYS`."""
    units: list[WorkUnit] = []
    for key in KEYS:
        deliver(str(key))
        analyse(services, key, [Phase.SHOTS])
        (unit,) = services.of(key.project).units.of_video(key.video)
        cancel(services, key, [unit.id], "cancelled by hand")
        vendor.finish(str(key))
        units.append(unit)
    return units


@pytest.fixture
def first_breaks(unwanted: list[WorkUnit], monkeypatch: pytest.MonkeyPatch) -> Break:
    """Return a function that makes every fetch of the first job fail."""
    fetch = VendorShots.fetch

    def first_breaks(error: PipelineError) -> None:
        def broken(plugin: VendorShots, job: str) -> Iterator[bytes]:
            if job == unwanted[0].job:
                raise error
            yield from fetch(plugin, job)

        monkeypatch.setattr(VendorShots, "fetch", broken)

    return first_breaks


def of_category(category: FailureCategory) -> ProviderError:
    return ProviderError("no result for you", category=category, remedy="Ask the vendor.")


def now_of(services: Services, unit: WorkUnit) -> WorkUnit:
    found = services.of(unit.request.key.project).units.get(unit.id)
    assert found is not None
    return found


def states(services: Services, units: list[WorkUnit]) -> list[UnitState]:
    return [now_of(services, unit).state for unit in units]


def test_close_fails_and_counts_unit_if_fetch_error_is_final(
    services: Services, unwanted: list[WorkUnit], first_breaks: Break
) -> None:
    """For example, the object was replaced while its job ran."""
    first_breaks(of_category(FailureCategory.INPUT_REJECTED))
    assert close(services, KEYS[0], unwanted[0].id, "superseded") is Closing.DONE
    ended = now_of(services, unwanted[0])
    assert ended.state is UnitState.FAILED
    assert ended.settled == ended.planned, "the job is billed"
    assert ended.failure and "superseded" in ended.failure.message
    assert "no result for you" in ended.failure.message


def test_close_counts_nothing_for_failed_job(
    services: Services, deliver: Callable[..., VideoKey], vendor: Vendor
) -> None:
    key = deliver("acme/one")
    analyse(services, key, [Phase.SHOTS])
    (unit,) = services.of("acme").units.of_video("one")
    vendor.finish("acme/one", "failed")
    assert close(services, key, unit.id, "superseded") is Closing.DONE
    ended = now_of(services, unit)
    assert (ended.state, ended.settled) == (UnitState.FAILED, ())


def test_close_retries_fetch_until_days_after_deadline(
    services: Services, unwanted: list[WorkUnit], first_breaks: Break
) -> None:
    first_breaks(of_category(FailureCategory.AUTH))
    for days, came_to in {0: Closing.LATER, 3: Closing.LATER, 5: Closing.DONE}.items():
        then = services.clock() + timedelta(days=days)
        after = replace(services, clock=lambda then=then: then)
        assert close(after, KEYS[0], unwanted[0].id, "superseded") is came_to
    ended = now_of(services, unwanted[0])
    assert ended.state is UnitState.FAILED and ended.settled == ended.planned


def test_close_keeps_result_if_disk_is_full(
    services: Services, unwanted: list[WorkUnit], first_breaks: Break
) -> None:
    first_breaks(StorageFull("no space is left", remedy="Free some."))
    then = services.clock() + timedelta(days=5)
    late = replace(services, clock=lambda: then)
    assert close(late, KEYS[0], unwanted[0].id, "superseded") is Closing.LATER
    assert now_of(services, unwanted[0]).state is UnitState.RUNNING


@pytest.mark.parametrize("category", [FailureCategory.AUTH, FailureCategory.INPUT_REJECTED])
def test_sweep_closes_other_units_after_fetch_error(
    services: Services, unwanted: list[WorkUnit], first_breaks: Break, category: FailureCategory
) -> None:
    first_breaks(of_category(category))
    assert sweep(services, services.clock() + MINUTE) == []
    assert states(services, unwanted)[1:] == [UnitState.SETTLED, UnitState.SETTLED]


def test_sweep_skips_unresponsive_provider_for_one_round(
    services: Services, unwanted: list[WorkUnit], first_breaks: Break
) -> None:
    first_breaks(of_category(FailureCategory.TRANSIENT))
    now = services.clock() + MINUTE
    sweep(services, now)
    assert set(states(services, unwanted)) == {UnitState.RUNNING}, "the provider is skipped"
    sweep(services, now + MINUTE)
    assert states(services, unwanted)[1:] == [UnitState.SETTLED, UnitState.SETTLED]
