"""The phases and videos that a re-run selects, and their preview."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from video_pipeline.domain.errors import InputError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import PHASES, Phase, downstream
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.backfill.preview import plan
from video_pipeline.pipeline.backfill.selection import Only, Selected, Wish, select
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
AFTER_SHOTS = frozenset({Phase.SHOTS, Phase.PICTURES, Phase.SCENES, Phase.TIMELINE, Phase.EXPORTS})


@pytest.fixture
def videos(services: Services, deliver: Deliver, vendor: Vendor) -> None:
    """Four videos of acme: done, with failed shots, parked, and not inspected.

    The project big-acme has a failed video too.
    """
    vendor.default = "now"
    for key, how in (("acme/bad", "refuse"), ("acme/parked", "later"), ("big-acme/bad", "refuse")):
        vendor.behave(key, how, "now")
    for key in ("acme/done", "acme/bad", "acme/parked", "big-acme/bad"):
        run_video(services, deliver(key), run_id="first")
    deliver("acme/new", inspected=False)


def chosen(services: Services, only: Only, *phases: Phase, force: bool = False) -> list[Selected]:
    asked = frozenset(phases) or frozenset(Phase)
    return list(select(services, Wish("acme", asked, only, force)))


def phases_of(found: list[Selected]) -> dict[str, frozenset[Phase]]:
    return {one.key.video: one.phases for one in found}


@pytest.mark.usefixtures("videos")
def test_select_by_state_and_phase(services: Services) -> None:
    assert phases_of(chosen(services, Only.FAILED)) == {"bad": AFTER_SHOTS}, "with its downstream"
    assert chosen(services, Only.FAILED, Phase.TRANSCRIPT) == [], "no transcript failed"
    missing = phases_of(chosen(services, Only.MISSING))
    assert set(missing) == {"new", "parked"}, "phases that wait for a failed one are left out"
    assert missing["new"] == frozenset(PHASES)
    assert Phase.SHOTS in missing["parked"] and Phase.AUDIO not in missing["parked"]
    shots = phases_of(chosen(services, Only.MISSING, Phase.SHOTS))
    assert shots["new"] == AFTER_SHOTS | {Phase.SOURCE_VIDEO, Phase.MEDIA_INFO}
    assert shots["parked"] == AFTER_SHOTS
    found = chosen(services, Only.ALL, Phase.TRANSCRIPT)
    assert [str(one.key) for one in found] == ["acme/bad", "acme/done", "acme/new", "acme/parked"]
    after = downstream(frozenset({Phase.TRANSCRIPT}))
    assert found[0].phases == {Phase.TRANSCRIPT} | after
    assert chosen(services, Only.STALE) == []
    swap = {"acme": {Phase.SHOTS: PhaseChoice(providers=("without-token",))}}
    swapped = replace(services, choices=Choices(phases=services.choices.phases, projects=swap))
    assert phases_of(chosen(swapped, Only.STALE)) == {"done": AFTER_SHOTS}


@pytest.mark.usefixtures("videos")
def test_select_missing_includes_uninspected_version(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    deliver("acme/done", encode(tmp_path / "other.mp4", seconds=3), inspected=False)
    assert phases_of(chosen(services, Only.MISSING))["done"] == frozenset(PHASES)
    run_video(services, VideoKey.parse("acme/done"), run_id="second")
    assert "done" not in phases_of(chosen(services, Only.MISSING))


@pytest.mark.usefixtures("videos")
def test_select_missing_skips_unreadable_version(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"nothing to see")
    run_video(services, deliver("acme/done", broken, inspected=False), run_id="second")
    assert Phase.SHOTS not in phases_of(chosen(services, Only.MISSING)).get("done", ())


def test_select_unknown_project_raises(services: Services) -> None:
    with pytest.raises(InputError, match="acme"):
        chosen(services, Only.ALL)


@pytest.mark.usefixtures("videos")
def test_preview_counts_videos_providers_and_paid_usage(
    services: Services,
) -> None:
    found, _ = plan(services, Wish("acme"))
    assert (found.videos, found.uninspected) == (4, 1)
    assert found.seconds >= 3 * 2
    assert found.phases[Phase.SHOTS].videos == 4
    assert found.phases[Phase.SHOTS].asked == {"with-token": 2}, "the third has its shots"
    assert found.phases[Phase.TIMELINE].asked == {}
    assert found.paid == {"with-token": {"video_seconds": 2}}, "one job runs and is not paid again"
    forced, _ = plan(services, Wish("acme", force=True))
    assert forced.phases[Phase.SHOTS].asked == {"with-token": 3}
    assert forced.paid["with-token"]["video_seconds"] == Fraction(4)


@pytest.mark.usefixtures("videos")
def test_preview_counts_no_usage_for_reused_units(services: Services) -> None:
    def choosing(provider: str) -> Services:
        shots = PhaseChoice(providers=(provider,))
        phases = {**services.choices.phases, Phase.SHOTS: shots}
        return replace(services, choices=Choices(phases=phases))

    there, elsewhere = choosing("with-token"), choosing("without-token")
    wish = Wish("acme", only=Only.STALE)
    assert plan(elsewhere, wish)[0].paid == {"without-token": {"video_seconds": 2}}
    run_video(elsewhere, VideoKey.parse("acme/done"), run_id="second")
    back, _ = plan(there, wish)
    assert back.phases[Phase.SHOTS].asked == {"with-token": 1} and back.paid == {}


@pytest.mark.usefixtures("videos")
def test_select_dead_phase_only_by_force(services: Services) -> None:
    services.of("acme").events.record(
        "bad", Phase.SHOTS, PhaseState.DEAD, services.clock(), message="too often"
    )
    assert chosen(services, Only.FAILED) == []
    everything = phases_of(chosen(services, Only.ALL))
    assert Phase.SHOTS not in everything["bad"] and Phase.SHOTS in everything["done"]
    assert phases_of(chosen(services, Only.FAILED, force=True)) == {"bad": AFTER_SHOTS}


def test_select_failed_includes_dead_phase_of_other_choice(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    policy = services.policy.model_copy(update={"dead_after": 1, "attempts": 1})
    patient = replace(services, policy=policy)
    vendor.behave("acme/film", "busy", "now")
    run_video(patient, deliver("acme/film"), run_id="first")
    assert patient.of("acme").results.statuses("film")[Phase.SHOTS].state is PhaseState.DEAD
    assert chosen(patient, Only.FAILED) == chosen(patient, Only.MISSING) == []
    swap = {"acme": {Phase.SHOTS: PhaseChoice(providers=("without-token",))}}
    swapped = replace(patient, choices=Choices(phases=services.choices.phases, projects=swap))
    assert phases_of(chosen(swapped, Only.FAILED)) == {"film": AFTER_SHOTS}
    assert chosen(swapped, Only.MISSING) == []


@pytest.mark.usefixtures("videos")
def test_plan_leaves_out_archived_videos(services: Services) -> None:
    record = services.of("acme").videos.get("done")
    assert record is not None and services.of("acme").arrivals.archive(record, services.clock())
    found, picked = plan(services, Wish("acme"))
    assert [one.key.video for one in picked] == ["bad", "new", "parked"]
    assert found.videos == 3
    assert picked[0].phases == phases_of(chosen(services, Only.ALL))["bad"]
