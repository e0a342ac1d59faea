"""Commands on a project: `stale`, `errors`, `revive`, `backfill`, and `status --totals`."""

import json
from datetime import timedelta

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.services import Services, now_utc

KEYS = [VideoKey.parse(key) for key in ("acme/old", "acme/bad", "globex/bad", "big-acme/bad")]


@pytest.fixture(autouse=True)
def videos(services: Services) -> None:
    """acme/old has stale shots; the shots of all other videos failed."""
    for key in KEYS:
        source = Source(
            key=key, object_key=f"{key.prefix}a.mp4", name=key.video, version="1", size=5
        )
        services.of(key.project).videos.register(source, now_utc())
        state = PhaseState.DONE if key.video == "old" else PhaseState.FAILED
        say(services, key, state)
    now = now_utc()
    origin = Provenance(
        provider="vendor",
        plugin="vendor",
        version="1",
        model="large",
        choice="c" * 16,
        content="0" * 64,
        started_at=now - timedelta(seconds=3),
        ended_at=now,
    )
    made = PhaseResult(phase=Phase.SHOTS, state=PhaseState.DONE, provenance=origin)
    services.of("acme").results.publish("old", made)


def say(services: Services, key: VideoKey, state: PhaseState) -> None:
    told = "refused. Ask another."
    services.of(key.project).events.record(
        key.video, Phase.SHOTS, state, now_utc(), provider="vendor", message=told
    )


def test_stale_names_video_phase_and_both_providers(call) -> None:
    (one,) = json.loads(call("stale", "--json").stdout)
    assert (one["project"], one["video"], one["phase"]) == ("acme", "old", "shots")
    assert (one["made_by"], one["would_be_made_by"]) == ("vendor large", "cuts")
    told = call("stale", "--project", "acme").output
    assert "acme/old" in told and "vendor large" in told and "cuts" in told
    assert "Nothing is stale" in call("stale", "--project", "globex").output


def test_errors_lists_dead_phases_first_with_reasons(call, services: Services) -> None:
    say(services, KEYS[1], PhaseState.DEAD)
    found = json.loads(call("errors", "--json").stdout)
    assert [(one["video"], one["state"]) for one in found] == [
        ("acme/bad", "dead"),
        ("big-acme/bad", "failed"),
        ("globex/bad", "failed"),
    ]
    assert all(one["provider"] == "vendor" and one["since"] for one in found)
    told = call("errors", "--project", "globex").output
    assert "globex/bad" in told and "Ask another" in told and "acme" not in told


@pytest.mark.parametrize("command", ["errors", "status", "backfill"])
def test_phase_without_a_process_is_interrupted(call, services: Services, command: str) -> None:
    for key, hours in zip(KEYS[:3], (1, 14, 14), strict=True):
        services.of(key.project).events.record(
            key.video, Phase.SHOTS, PhaseState.RUNNING, now_utc() - timedelta(hours=hours)
        )
    failed = ("--only", "failed", "--preview") if command == "backfill" else ()
    shown = json.loads(call(command, "--project", "acme", *failed, "--json").stdout)
    if command == "backfill":
        assert shown["phases"]["shots"]["videos"] == 1
    status = services.of("acme").results.statuses("bad")[Phase.SHOTS]
    assert status.state is PhaseState.INTERRUPTED
    assert "backfill --project acme --only failed" in status.message
    assert services.of("acme").results.statuses("old")[Phase.SHOTS].state is PhaseState.RUNNING
    elsewhere = services.of("globex").results.statuses("bad")[Phase.SHOTS]
    assert elsewhere.state is PhaseState.RUNNING, "not asked for"


def test_revive_changes_only_a_dead_phase(call, services: Services) -> None:
    say(services, KEYS[1], PhaseState.DEAD)
    assert (
        call("revive").exit_code == call("revive", "acme/bad", "--project", "acme").exit_code == 1
    )
    assert call("revive", "acme/bad", "transcript").exit_code == 1
    assert call("revive", "acme/bad", "shots").exit_code == 0
    status = services.of("acme").results.statuses("bad")[Phase.SHOTS]
    assert status.state is PhaseState.WAITING
    ended = call("revive", "acme/bad")
    assert ended.exit_code == 1 and "no phase of this video is dead" in ended.output


def test_revive_changes_all_dead_phases_of_a_project(call, services: Services) -> None:
    for key in (KEYS[0], KEYS[1], KEYS[2]):
        say(services, key, PhaseState.DEAD)
    ended = call("revive", "--project", "acme")
    assert ended.exit_code == 0 and "2 phases of acme" in ended.output
    elsewhere = services.of("globex").standings.in_state(PhaseState.DEAD)
    assert [video for video, _ in elsewhere] == ["bad"]


@pytest.mark.parametrize("command", ["stale", "errors", "status", "revive"])
def test_project_without_arrivals_is_an_error(call, command: str) -> None:
    ended = call(command, "--project", "nobody")
    assert ended.exit_code == 1 and "nobody" in ended.output


def test_backfill_preview_launches_nothing(call) -> None:
    asked = ("backfill", "--project", "acme", "--only", "failed", "--preview")
    shown = json.loads(call(*asked, "--json").stdout)
    assert shown["videos"] == 1 and shown["phases"]["shots"]["videos"] == 1
    told = call(*asked).output
    assert "acme: 1 video, " in told and "timeline" in told and "launched" not in told


def test_backfill_launches_nothing_when_not_confirmed(call) -> None:
    ended = call("backfill", "--project", "acme", "--only", "stale", input="n\n")
    assert ended.exit_code == 1 and "launched" not in ended.output


def test_backfill_with_nothing_to_do_says_so(call) -> None:
    ended = call("backfill", "--project", "globex", "--only", "stale")
    assert ended.exit_code == 0 and "globex: nothing to do" in ended.output


def test_backfill_without_dagster_names_the_remedy(call) -> None:
    ended = call("backfill", "--project", "acme", "--only", "failed", "--yes")
    assert ended.exit_code == 1 and "VIDEO_PIPELINE_WEBSERVER" in ended.output


def test_backfill_of_an_unknown_project_is_an_error(call) -> None:
    ended = call("backfill", "--project", "nobody", "--yes")
    assert ended.exit_code == 1 and "nobody" in ended.output


def test_status_totals_leaves_out_the_videos(call) -> None:
    told = json.loads(call("status", "--totals", "--json").stdout)
    assert told["videos"] == []
    sums = {one["project"]: one for one in told["projects"]}
    assert sums["acme"]["videos"] == 2
    assert sums["acme"]["phases"] == {"done": 1, "failed": 1}
    assert sums["globex"]["phases"] == {"failed": 1}
    assert "acme/bad" not in call("status", "--totals").output
