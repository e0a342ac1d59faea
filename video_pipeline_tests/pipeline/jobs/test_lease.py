"""Tests of leases: only one run drives a unit, whatever the machines' clocks show."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from video_pipeline.domain.errors import CatalogError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.vendor import Vendor

HOUR = timedelta(hours=1)
Shifted = Callable[[timedelta], Services]


@pytest.fixture
def shifted(services: Services) -> Shifted:
    """Return a function that makes services of a machine with a skewed clock."""

    def shifted(by: timedelta) -> Services:
        return replace(services, clock=lambda: datetime.now(UTC) + by, holder=f"off by {by}")

    return shifted


@pytest.fixture
def unit(services: Services) -> WorkUnit:
    request = WorkRequest(
        key=VideoKey(project="acme", video="one"),
        content="0" * 64,
        provider="vendor",
        plugin="vendor",
        account="",
        region="",
        operation="analyse",
        phases=(Phase.SHOTS,),
        kinds=(),
        parameters={},
        model="",
    )
    return services.of("acme").units.open(request, 0, (), datetime.now(UTC))


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_live_lease_is_kept_against_skewed_clock(
    services: Services, shifted: Shifted, unit: WorkUnit, by: timedelta
) -> None:
    units, other = services.of("acme").units, shifted(by)
    with Leases(services, units) as leases:
        leases.take(unit.id)
        time.sleep(1.5 * services.policy.lease_seconds)  # it is renewed meanwhile
        assert units.claim(unit.id, other.holder, timedelta(seconds=1)) is None
        leases.check(unit.id)
    with Leases(other, units) as leases:
        leases.take(unit.id)
        assert units.claim(unit.id, services.holder, timedelta(seconds=1)) is None


def test_check_detects_lost_lease_after_suspension(
    services: Services, shifted: Shifted, unit: WorkUnit
) -> None:
    """The machine was suspended or cut off from MongoDB, so that its thread did not renew."""
    units, elapsed = services.of("acme").units, [0.0]
    policy = services.policy.model_copy(update={"lease_seconds": 60.0})
    patient = replace(services, policy=policy, elapsed=lambda: elapsed[0])
    with Leases(patient, units) as leases:
        mine = leases.take(unit.id).holder or ""
        elapsed[0] = 61.0
        leases.check(unit.id)  # it is free, so it is renewed
        units.claim(unit.id, mine, timedelta(0))
        assert units.claim(unit.id, "another", timedelta(minutes=1))
        leases.check(unit.id)  # by the holder's clock it lasts
        elapsed[0] = 122.0
        with pytest.raises(CatalogError, match="expired"):
            leases.check(unit.id)


def test_take_names_holder_and_ends_after_a_day(
    services: Services, unit: WorkUnit, caplog: pytest.LogCaptureFixture
) -> None:
    """The holder lives and renews its lease, which here lasts for the whole test."""
    units, elapsed = services.of("acme").units, [0.0]
    assert units.claim(unit.id, "host:1:hangs", HOUR)

    def sleep(_: float) -> None:
        elapsed[0] += HOUR.total_seconds()

    waiting = replace(services, sleep=sleep, elapsed=lambda: elapsed[0])
    with Leases(waiting, units) as leases, pytest.raises(CatalogError) as raised:
        leases.take(unit.id)
    assert elapsed[0] == 24 * 3600
    assert "other processes held it for 24 h, now host:1:hangs" in str(raised.value)
    assert "end it if it hangs" in raised.value.remedy
    assert "waiting for host:1:hangs" in caplog.messages[0]


def test_take_leases_unit_once_holder_releases_it(services: Services, unit: WorkUnit) -> None:
    units = services.of("acme").units
    assert units.claim(unit.id, "another", HOUR)
    waiting = replace(services, sleep=lambda _: units.release(unit.id, "another"))
    with Leases(waiting, units) as leases:
        assert (leases.take(unit.id).holder or "").startswith(services.holder)


def test_threads_of_one_process_do_not_share_a_lease(services: Services, unit: WorkUnit) -> None:
    units = services.of("acme").units
    with Leases(services, units) as one, Leases(services, units) as other:
        assert one.try_take(unit.id) and other.try_take(unit.id) is None
        assert one.try_take(unit.id), "its own"


@pytest.mark.parametrize("by", [HOUR, -HOUR], ids=["ahead", "behind"])
def test_two_machines_with_skewed_clocks_pay_once(
    services: Services,
    shifted: Shifted,
    deliver: Callable[..., VideoKey],
    vendor: Vendor,
    by: timedelta,
) -> None:
    """The second machine tries while the first one's request is at the vendor."""
    vendor.default = "now"
    key, other = deliver("acme/one"), shifted(by)

    def on_step(name: str) -> None:
        if name == "submitting":
            found = other.of("acme").units.of_video("one")[0]
            lease = timedelta(seconds=1)
            assert other.of("acme").units.claim(found.id, other.holder, lease) is None

    ended = analyse(replace(services, on_step=on_step), key, [Phase.SHOTS])
    assert analyse(other, key, [Phase.SHOTS])[Phase.SHOTS].reused
    assert ended[Phase.SHOTS].state.good and vendor.billed == {"acme/one": 1}


def test_parallel_runs_of_one_video_pay_once(
    services: Services, deliver: Callable[..., VideoKey], vendor: Vendor
) -> None:
    """Two daemons on one instance, started by mistake, would launch such runs."""
    vendor.default = "now"
    key = deliver("acme/one")
    twins = [replace(services, holder=f"twin {number}") for number in range(4)]
    with ThreadPoolExecutor(len(twins)) as pool:
        ended = list(pool.map(lambda twin: analyse(twin, key, [Phase.SHOTS]), twins))
    assert {outcomes[Phase.SHOTS].state for outcomes in ended} == {PhaseState.DONE}
    assert vendor.billed == vendor.submissions == {"acme/one": 1}
    assert len(services.of("acme").units.of_video("one")) == 1
    assert len(list(services.of("acme").results.markers("one"))) == 2
