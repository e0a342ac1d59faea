"""Tests of releasing a unit in doubt: its usage counts, whatever is decided later."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.usage import Usage, times
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.jobs.close import release_doubt
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.vendor import Vendor, pages

KEY = VideoKey.parse("acme/one")
Choosing = Callable[..., Services]


@pytest.fixture
def asked(choosing: Choosing) -> Services:
    """Return services with a provider of shots that recognises no repeated request."""
    return choosing(Phase.SHOTS, "without-token")


@pytest.fixture
def doubtful(asked: Services, deliver: Callable[..., VideoKey], vendor: Vendor) -> WorkUnit:
    """Return a unit whose answer was lost; the vendor would answer the next request."""
    for name in ("globex/one", str(KEY)):
        deliver(name)
    vendor.behave(str(KEY), "drop", "now")
    analyse(asked, KEY, [Phase.SHOTS])
    (unit,) = asked.of("acme").units.in_state(UnitState.IN_DOUBT)
    return unit


def used(services: Services) -> list[Usage]:
    assert services.of("globex").standings.usage() == []
    return [usage for _, usage in services.of("acme").standings.usage()]


def shots(services: Services) -> PhaseState:
    return analyse(services, KEY, [Phase.SHOTS])[Phase.SHOTS].state


def test_doubtful_unit_counts_before_and_after_release(asked: Services, doubtful: WorkUnit) -> None:
    assert used(asked) == list(doubtful.planned) == list(doubtful.settled)
    assert release_doubt(asked, doubtful).settled == doubtful.planned
    assert used(asked) == list(doubtful.planned)


def test_request_after_release_counts_twice(
    asked: Services, doubtful: WorkUnit, vendor: Vendor
) -> None:
    release_doubt(asked, doubtful)
    assert shots(asked) is PhaseState.DONE
    assert vendor.billed[str(KEY)] == 2 and used(asked) == list(times(doubtful.planned, 2))


def test_request_repeated_by_policy_counts_twice(
    asked: Services, doubtful: WorkUnit, vendor: Vendor
) -> None:
    again = asked.policy.model_copy(update={"in_doubt": "retry"})
    assert shots(replace(asked, policy=again)) is PhaseState.DONE
    assert vendor.billed[str(KEY)] == 2 and used(asked) == list(times(doubtful.planned, 2))


def test_doubtful_unit_with_stored_pages_counts_once(
    asked: Services, doubtful: WorkUnit, vendor: Vendor
) -> None:
    (job,) = (job for job in vendor.jobs.values() if job.video == str(KEY))
    stored = RawPages(asked.outputs.project("acme"), KEY, doubtful.id)
    stored.store(page.encode() for page in pages(job))
    assert shots(asked) is PhaseState.DONE
    (settled,) = asked.of("acme").units.of_video("one")
    assert settled.state is UnitState.SETTLED and used(asked) == list(settled.settled)
    assert vendor.billed[str(KEY)] == 1
