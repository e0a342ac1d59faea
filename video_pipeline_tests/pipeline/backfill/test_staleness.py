"""Stale results after a change of choices or inputs: exactly those, with the reason."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.backfill.staleness import Stale, counts, stale
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.status.overview import overview
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
Choosing = Callable[..., Services]
KEYS = ("acme/one", "acme/two", "globex/one")


@pytest.fixture
def keys(services: Services, deliver: Deliver, vendor: Vendor) -> list[VideoKey]:
    """Videos of two projects with all phases done."""
    vendor.default = "now"
    keys = [deliver(key) for key in KEYS]
    for key in keys:
        assert all(outcome.state.good for outcome in run_video(services, key).values())
    return keys


def stale_phases(found: Services, project: str) -> set[tuple[str, Phase]]:
    return {(one.video, one.phase) for one in stale(found, project)}


def of_project(services: Services, project: str, phase: Phase, *providers: str) -> Services:
    own = {project: {phase: PhaseChoice(providers=providers)}}
    return replace(services, choices=Choices(phases=services.choices.phases, projects=own))


def test_fresh_results_are_not_stale(services: Services, keys: list[VideoKey]) -> None:
    for key in keys:
        run_video(services, key)
    assert stale_phases(services, "acme") == stale_phases(services, "globex") == set()
    assert counts(services, "acme") == {}


def test_another_choice_makes_its_results_stale(
    services: Services, keys: list[VideoKey], choosing: Choosing
) -> None:
    swapped = of_project(services, "acme", Phase.SHOTS, "without-token")
    assert stale_phases(swapped, "acme") == {("one", Phase.SHOTS), ("two", Phase.SHOTS)}
    assert stale_phases(swapped, "globex") == set(), "another project"
    assert counts(swapped, "acme") == {Phase.SHOTS: 2}
    (one, _) = stale(swapped, "acme")
    assert (one.why, one.made_by, one.would_be_made_by) == ("choice", "with-token", "without-token")
    both = of_project(services, "acme", Phase.SHOTS, "without-token", "with-token")
    assert stale_phases(both, "acme") == set(), "as good by the fallback"
    german = choosing(Phase.TRANSCRIPT, "speech", language="de")
    assert stale_phases(german, "globex") == {("one", Phase.TRANSCRIPT)}, "another language"
    (removed,) = stale(choosing(Phase.SHOTS), "globex")
    assert (removed.phase, removed.would_be_made_by) == (Phase.SHOTS, "not configured")
    (added,) = stale(choosing(Phase.OBJECTS, "with-token"), "globex")
    assert (added.phase, added.made_by) == (Phase.OBJECTS, "not configured")
    plugins = {k: v for k, v in services.plugins.items() if k != "with-token"}
    unavailable = replace(services, plugins=plugins)
    assert stale_phases(unavailable, "acme") == set(), "its provider is unavailable here"


def test_remade_result_makes_downstream_stale(services: Services, keys: list[VideoKey]) -> None:
    swapped = of_project(services, "globex", Phase.SHOTS, "without-token")
    key = keys[2]
    analyse(swapped, key, [Phase.SHOTS])
    assert [(one.phase, one.why, one.reason) for one in stale(swapped, "globex")] == [
        (Phase.PICTURES, "input", "made before shots"),
        (Phase.TIMELINE, "input", "made before shots"),
    ]
    run_video(swapped, key, phases=[Phase.PICTURES, Phase.TIMELINE])
    (one,) = stale(swapped, "globex")
    assert (one.phase, one.reason) == (Phase.EXPORTS, "made before timeline")
    run_video(swapped, key, phases=[Phase.EXPORTS])
    assert stale_phases(swapped, "globex") == set()
    assert swapped.of("globex").standings.count_outdated() == {}


def test_new_content_makes_all_results_stale(
    services: Services, keys: list[VideoKey], deliver: Deliver, tmp_path: Path
) -> None:
    other = encode(tmp_path / "other.mp4", seconds=3)
    key = deliver("globex/one", other, inspected=False)
    assert stale_phases(services, "globex") == set(), "the new content is not read yet"
    run_video(services, key, phases=[Phase.SOURCE_VIDEO])
    assert stale_phases(services, "globex") == {
        ("one", p) for p in Phase if p is not Phase.SOURCE_VIDEO
    }
    run_video(services, key)
    assert stale_phases(services, "globex") == set()


def test_former_content_makes_its_results_current(
    services: Services, keys: list[VideoKey], deliver: Deliver, short_video: Path, tmp_path: Path
) -> None:
    broken = encode(tmp_path / "other.mp4", seconds=3)
    run_video(services, deliver("globex/one", broken, inspected=False), phases=[Phase.SOURCE_VIDEO])
    assert len(overview(services, "globex").stale) == len(Phase) - 1
    deliver("globex/one", short_video)
    run_video(services, keys[2])
    swapped = of_project(services, "globex", Phase.SHOTS, "without-token")
    assert stale_phases(swapped, "globex") == {("one", Phase.SHOTS)}
    assert overview(swapped, "globex").stale == {Phase.SHOTS: 1}
    assert overview(services, "globex").stale == {}


@pytest.mark.parametrize("how", ["removed", "archived"])
def test_removed_and_archived_videos_are_never_stale(
    services: Services, keys: list[VideoKey], how: str, deliver: Deliver, tmp_path: Path
) -> None:
    other = encode(tmp_path / "other.mp4", seconds=3)
    run_video(services, deliver("globex/one", other, inspected=False), phases=[Phase.SOURCE_VIDEO])
    swapped = of_project(services, "acme", Phase.SHOTS, "without-token")
    for project in ("acme", "globex"):
        arrivals = services.of(project).arrivals
        record = services.of(project).videos.get("one")
        assert record is not None
        if how == "removed":
            (known, *_) = arrivals.known(record.source.object_key, record.source.object_key)
            assert arrivals.remove(known, services.clock())
        else:
            assert arrivals.archive(record, services.clock())
    assert stale_phases(swapped, "acme") == {("two", Phase.SHOTS)}
    assert overview(swapped, "acme").stale == {Phase.SHOTS: 1}
    assert stale_phases(swapped, "globex") == set() and overview(swapped, "globex").stale == {}


def test_same_content_makes_nothing_stale(
    services: Services, keys: list[VideoKey], deliver: Deliver, short_video: Path
) -> None:
    key = deliver("globex/one", short_video, inspected=False)
    run_video(services, key, phases=[Phase.SOURCE_VIDEO])
    assert stale_phases(services, "globex") == set()


def test_result_without_input_is_not_stale(
    services: Services, deliver: Deliver, vendor: Vendor, tmp_path: Path
) -> None:
    vendor.default = "now"
    key = deliver("acme/mute", encode(tmp_path / "mute.mp4", audio=False))
    run_video(services, key)
    assert (
        stale_phases(of_project(services, "acme", Phase.TRANSCRIPT, "speech-of-others"), "acme")
        == set()
    )


def test_skipped_optional_phase_is_not_stale(
    services: Services, deliver: Deliver, vendor: Vendor, choosing: Choosing
) -> None:
    vendor.default = "refuse"
    optional = choosing(Phase.SHOTS, "with-token", optional=True)
    key = deliver("acme/one")
    assert analyse(optional, key, [Phase.SHOTS])[Phase.SHOTS].state is PhaseState.SKIPPED
    found = list[Stale](stale(choosing(Phase.SHOTS, "without-token", optional=True), "acme"))
    assert found == []
