"""Units worth fetching again, and the run that follows a fetch."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.backfill.repeat_unit import fetch_again, to_fetch
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.job_plugin import SightOptions, VendorSights
from video_pipeline_tests.doubles.vendor import Behaviour, Vendor

KEY, OTHERS = VideoKey.parse("acme/one"), VideoKey.parse("globex/one")
OPERATIONS = tuple(VendorSights.OPERATIONS)


@pytest.fixture
def sighted(services: Services, vendor: Vendor, deliver: Callable[..., VideoKey]) -> Services:
    """Events are served by three requests; two projects have a video."""
    for key in (KEY, OTHERS):
        deliver(str(key))
    sights = VendorSights(SightOptions(url=vendor.url, timeout_seconds=3))
    order = PhaseChoice(providers=("sights",))
    return replace(
        services, plugins={"sights": sights}, choices=Choices(phases={Phase.EVENTS: order})
    )


@pytest.fixture
def unreadable(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Truncate every page of the vendor, until undone."""
    with monkeypatch.context() as broken:
        broken.setattr(VendorSights, "fetch", lambda *_: iter([b"{cut off"]))
        yield broken


def events(services: Services, vendor: Vendor, key: VideoKey, **how: Behaviour) -> PhaseState:
    """Run the events with these behaviours, "soon" by default, and return the state."""
    for operation in OPERATIONS:
        vendor.behave(f"{key} {operation}", how.get(operation, "soon"))
    return analyse(services, key, [Phase.EVENTS])[Phase.EVENTS].state


def units(services: Services, key: VideoKey = KEY) -> dict[str, WorkUnit]:
    found = services.of(key.project).units.of_video(key.video)
    return {unit.request.operation: unit for unit in found}


def fetched(services: Services, **of: str) -> set[str]:
    """Return the operations of acme's units that would be fetched."""
    found = list(to_fetch(services, "acme", **of))
    assert all(unit.request.key == KEY for unit in found), "of no other project"
    assert len({unit.id for unit in found}) == len(found)
    return {unit.request.operation for unit in found}


def test_to_fetch_yields_units_with_unreadable_pages(
    sighted: Services, vendor: Vendor, unreadable: pytest.MonkeyPatch
) -> None:
    for key in (OTHERS, KEY):
        assert events(sighted, vendor, key) is PhaseState.FAILED
    assert fetched(sighted) == fetched(sighted, video="one") == set(OPERATIONS)
    assert fetched(sighted, video="two") == set()
    unreadable.undo()
    again = [fetch_again(sighted, unit) for unit in to_fetch(sighted, "acme")]
    assert all(one and one.picked.asked == {Phase.EVENTS} for one in again)
    assert events(sighted, vendor, KEY) is PhaseState.DONE
    assert {vendor.billed[f"{KEY} {operation}"] for operation in OPERATIONS} == {1}
    assert fetched(sighted) == set()


def test_to_fetch_skips_phase_with_failed_request(sighted: Services, vendor: Vendor) -> None:
    assert events(sighted, vendor, KEY, text="fail") is PhaseState.FAILED
    assert fetched(sighted) == set()


def test_to_fetch_skips_units_without_job(
    sighted: Services, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(VendorSights, "normalise", lambda *_: 1 / 0)
    at_once: dict[str, Behaviour] = dict.fromkeys(OPERATIONS, "now")
    assert events(sighted, vendor, KEY, **at_once) is PhaseState.FAILED
    assert fetched(sighted) == set()


def test_to_fetch_skips_units_of_older_version(
    sighted: Services, vendor: Vendor, unreadable: pytest.MonkeyPatch
) -> None:
    assert events(sighted, vendor, KEY) is PhaseState.FAILED
    videos = sighted.of("acme").videos
    record = videos.get("one")
    assert record is not None
    videos.register(record.source.model_copy(update={"version": "2"}), sighted.clock())
    videos.set_sha256("one", "2", "e" * 64)
    assert fetched(sighted) == set()


def test_fetch_again_needs_no_run_for_a_complete_phase(sighted: Services, vendor: Vendor) -> None:
    assert events(sighted, vendor, KEY) is PhaseState.DONE
    text = units(sighted)["text"]
    outputs = sighted.outputs.project("acme")
    RawPages(outputs, KEY, text.id).store([b"damaged"])
    assert fetch_again(sighted, text) is None
    assert len(list(RawPages(outputs, KEY, text.id).read())) == 2
