"""Tests of polling: a provider that fails or hangs does not delay the others."""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, repeat

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.parallel import in_parallel
from video_pipeline.pipeline.sweep.polling import poll_overdue
from video_pipeline.plugins.base import JobStatus
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.sweeping import sweep
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
SOON = timedelta(seconds=5)


class Watched(VendorShots):
    """The vendor's shots with a record of all polls, which can fail or hang on demand."""

    name = "watched-shots"

    def __init__(self, options: VendorOptions) -> None:
        super().__init__(options)
        self.asked: list[tuple[str, ...]] = []
        self.fails_from: int | None = None
        self.goes_on = threading.Event()
        self.goes_on.set()

    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        self.asked.append(tuple(jobs))
        self.goes_on.wait(60)
        if self.fails_from is not None and len(self.asked) > self.fails_from:
            raise OSError("the line is down")
        return super().poll(jobs)


@pytest.fixture
def watched(vendor: Vendor) -> Iterator[Watched]:
    plugin = Watched(VendorOptions(url=vendor.url, timeout_seconds=3))
    yield plugin
    plugin.goes_on.set()


@pytest.fixture
def two(services: Services, watched: Watched) -> Services:
    """Return services that request shots from the watched entry."""
    return asking(replace(services, plugins={**services.plugins, "watched": watched}), "watched")


def asking(services: Services, provider: str) -> Services:
    choices = Choices(phases={Phase.SHOTS: PhaseChoice(providers=(provider,))})
    return replace(services, choices=choices)


def job(services: Services, key: VideoKey) -> WorkUnit:
    analyse(services, key, {Phase.SHOTS})
    (unit,) = services.of(key.project).units.of_video(key.video)
    return unit


def test_failed_provider_is_not_polled_again_in_round(
    two: Services, deliver: Deliver, watched: Watched, vendor: Vendor
) -> None:
    units = [job(two, deliver(key)) for key in ("acme/one", "globex/one", "initech/one")]
    other = job(asking(two, "with-token"), deliver("globex/two"))
    vendor.finish("globex/two")
    watched.asked.clear()
    watched.fails_from = 0
    assert [u.id for u in sweep(two, two.clock() + SOON)] == [other.id]
    assert len(watched.asked) == 1
    for unit in units:
        found = two.of(unit.request.key.project).units.get(unit.id)
        assert found and found.due_at and found.due_at > two.clock() + timedelta(seconds=30)


def test_statuses_before_failure_are_kept(
    two: Services, deliver: Deliver, watched: Watched, vendor: Vendor
) -> None:
    first, _ = job(two, deliver("acme/one")), job(two, deliver("globex/one"))
    vendor.finish("acme/one")
    vendor.finish("globex/one")
    watched.asked.clear()
    watched.fails_from = 1
    assert [u.id for u in sweep(two, two.clock() + SOON)] == [first.id]
    watched.fails_from = None
    assert len(sweep(two, two.clock() + timedelta(seconds=90))) == 2


def test_hanging_poll_ends_with_round_and_takes_one_thread(
    two: Services, deliver: Deliver, watched: Watched, vendor: Vendor
) -> None:
    stuck = job(two, deliver("acme/one"))
    other = job(asking(two, "with-token"), deliver("globex/two"))
    vendor.finish("globex/two")
    watched.asked.clear()
    watched.goes_on.clear()
    for minutes in (1, 10):
        now = two.clock() + timedelta(minutes=minutes)
        found = poll_overdue(two, now, 100, time.monotonic() + 0.5)
        assert found.unresponsive == {"watched"}
    assert len(watched.asked) == 1, "an unresponsive provider takes one thread"
    assert [u.id for u in two.of("globex").units.ready()] == [other.id]
    assert two.of("acme").units.due(two.clock() + timedelta(minutes=5)) == []
    assert [u.id for u in two.of("acme").units.due(two.clock() + timedelta(hours=1))] == [stuck.id]


def test_jobs_not_polled_in_time_stay_due(
    two: Services, deliver: Deliver, watched: Watched
) -> None:
    unit, later = job(two, deliver("acme/one")), two.clock() + SOON
    watched.asked.clear()
    found = poll_overdue(two, later, 100, until=0.0)
    assert not watched.asked and not found.unresponsive
    assert [u.id for u in two.of("acme").units.due(later)] == [unit.id]


def test_round_polls_nothing_after_its_time(
    two: Services, deliver: Deliver, watched: Watched
) -> None:
    """After its first look at the clock, 41 s have passed: a round has 40 s."""
    job(two, deliver("acme/one"))
    watched.asked.clear()
    moments = chain([0.0], repeat(41.0))
    slow = replace(two, elapsed=lambda: next(moments))
    assert sweep(slow, two.clock() + SOON) == [] and not watched.asked
    sweep(two, two.clock() + SOON)
    assert watched.asked


def test_in_parallel_leaves_out_failed_calls() -> None:
    def fail() -> int:
        raise OSError("no")

    assert in_parallel({"one": lambda: 1, "two": fail}, 60, lambda: 0.0) == {"one": 1}
