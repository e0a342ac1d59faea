"""`status`, `show`, `hint` and `release`."""

import json
from pathlib import Path

import pytest

from video_pipeline.domain.naming.identity import VideoKey, video_id_for
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.source import Rejection, Source
from video_pipeline.domain.work import UnitState, WorkRequest, WorkUnit
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline_tests.doubles.units import bring_to

KEYS = [VideoKey(project="acme", video="one"), VideoKey(project="globex", video="two")]


@pytest.fixture(autouse=True)
def videos(services: Services) -> None:
    """Two videos of two projects: shots of the first are done, of the second failed."""
    for key, state in zip(KEYS, (PhaseState.DONE, PhaseState.FAILED), strict=True):
        object_key = f"{key.prefix}{key.video}.mp4"
        source = Source(key=key, object_key=object_key, name=key.video, version="1", size=5)
        services.of(key.project).videos.register(source, now_utc())
        services.of(key.project).events.record(
            key.video, Phase.SHOTS, state, now_utc(), provider="cuts", message="told so"
        )


def reject(services: Services, project: str, object_key: str, reason: str) -> None:
    """Record a rejected object."""
    rejection = Rejection(project=project, object_key=object_key, reason=reason, at=now_utc())
    services.of(project).videos.reject(rejection)


def unit(services: Services, state: UnitState) -> WorkUnit:
    """A work unit of the first video in a state."""
    request = WorkRequest(
        key=KEYS[0],
        content="c" * 64,
        provider="far",
        plugin="p 1",
        account="a",
        region="r",
        operation="analyse",
        phases=(Phase.SHOTS,),
        kinds=("shot",),
        parameters={},
        model="",
    )
    units = services.of("acme").units
    opened = units.open(request, 1, (), now_utc())
    return bring_to(units, opened, state, now_utc())


def test_status_counts_the_phases_of_every_video(call) -> None:
    rows = json.loads(call("status", "--json").stdout)["videos"]
    assert [(row["video"], row["good"]) for row in rows] == [("acme/one", 1), ("globex/two", 0)]
    assert rows[1]["phases"] == {"shots": "failed"}


def test_status_of_a_project_shows_no_other(call) -> None:
    told = call("status", "--project", "acme").output
    assert "acme/one" in told and "globex" not in told


def test_status_counts_removed_videos_apart(call, services: Services) -> None:
    arrivals = services.of("globex").arrivals
    (known,) = arrivals.known("projects/globex/", "projects/globex0")
    arrivals.remove(known, now_utc())
    reject(services, "newcomer", "projects/newcomer/stray.mp4", "lies in no video's folder")
    sums = {one["project"]: one for one in json.loads(call("status", "--json").stdout)["projects"]}
    assert (sums["globex"]["videos"], sums["globex"]["removed"]) == (0, 1)
    assert sums["globex"]["phases"] == {} and sums["acme"]["phases"] == {"done": 1}
    told = call("status", "--totals").output
    assert "removed" in told and "globex" in told
    assert "newcomer " not in told, "it has no video"


def test_status_lists_rejections_by_project_with_reasons(call, services: Services) -> None:
    reject(services, "newcomer", "projects/newcomer/stray.mp4", "lies in no video's folder")
    told = call("status").output
    assert "projects/newcomer/stray.mp4" in told and "lies in no video's folder" in told
    alone = call("status", "--project", "newcomer").output
    assert "stray.mp4" in alone and "No video has arrived" not in alone
    assert "stray" not in call("status", "--project", "acme").output
    listed = json.loads(call("status", "--json").stdout)["rejections"]
    assert [(one["project"], one["reason"]) for one in listed] == [
        ("newcomer", "lies in no video's folder")
    ]


def test_show_finds_a_video_by_id_and_by_folder_name(call, services: Services) -> None:
    name = "Grüße aus Köln (final)"
    key = VideoKey(project="acme", video=video_id_for(name))
    source = Source(
        key=key,
        object_key=f"projects/acme/videos/{name}/a.mp4",
        name=name,
        version="1",
        size=5,
    )
    services.of("acme").videos.register(source, now_utc())
    reject(services, "acme", f"projects/acme/videos/{name}/link.mp4", "a symbolic link")
    for asked in (str(key), f"acme/{name}"):
        told = call("show", asked).output
        assert name in told and "a symbolic link" in told
    known = json.loads(call("show", f"acme/{name}", "--json").stdout)
    assert [one["reason"] for one in known["rejections"]] == ["a symbolic link"]


def test_show_of_a_rejected_video_gives_the_reason(call, services: Services) -> None:
    reject(services, "acme", "projects/acme/videos/my own/a.mp4", "empty: put it in again")
    ended = call("show", "acme/my own")
    assert ended.exit_code == 1
    assert "empty: put it in again" in ended.output and "my own/a.mp4" in ended.output


def test_show_gives_phases_and_the_reason_of_a_failure(call) -> None:
    told = call("show", "globex/two").output
    assert "failed" in told and "told so" in told and "cuts" in told


def test_tables_are_not_truncated_in_a_narrow_terminal(call, services: Services) -> None:
    made = unit(services, UnitState.IN_DOUBT)
    stray = f"projects/acme/videos/one/{'long ' * 20}name.mp4"
    reject(services, "acme", stray, "ambiguous: " + "another name " * 10)
    told = call("show", "acme/one", env={"COLUMNS": "40"}).output
    assert made.id in told
    assert stray in told
    assert stray in call("status", env={"COLUMNS": "40"}).output


def test_show_as_json_includes_the_units(call, services: Services) -> None:
    made = unit(services, UnitState.RUNNING)
    shown = json.loads(call("show", "acme/one", "--json").stdout)
    assert shown["video"]["source"]["key"] == {"project": "acme", "video": "one"}
    assert [phase["phase"] for phase in shown["phases"]] == ["shots"]
    assert [(u["id"], u["state"]) for u in shown["units"]] == [(made.id, "running")]


def test_show_links_source_and_exports_of_the_project(call, services: Services) -> None:
    for key in KEYS:
        name = f"{key.prefix}timeline.json"
        with services.outputs.project(key.project).writer(name) as out:
            out.write(b"{}")
        result = PhaseResult(phase=Phase.EXPORTS, state=PhaseState.DONE, outputs=(name,))
        results = services.of(key.project).results
        results.publish(key.video, result)
        services.of(key.project).events.record(key.video, Phase.EXPORTS, PhaseState.DONE, now_utc())
    told = call("show", "acme/one", "--links").output
    assert "for an hour" in told and "globex" not in told
    links = json.loads(call("show", "acme/one", "--links", "--json").stdout)["links"]
    assert Path(links["timeline.json"]).read_bytes() == b"{}"
    assert links["source"].endswith("/projects/acme/videos/one/one.mp4")
    assert json.loads(call("show", "acme/one", "--json").stdout)["links"] == {}


@pytest.mark.parametrize("video", ["acme/two", "nobody/one", "no-slash", "acme/", "/one"])
def test_show_of_an_unknown_video_names_the_remedy(call, video: str) -> None:
    ended = call("show", video)
    assert ended.exit_code == 1
    assert "remedy" in ended.output


def test_hint_makes_the_job_due_at_once(call, services: Services) -> None:
    made = unit(services, UnitState.RUNNING)
    assert call("hint", "far", "job-7").exit_code == 0
    due = services.of("acme").units.due(now_utc())
    assert [one.id for one in due] == [made.id]


def test_hint_for_an_unknown_job_is_an_error(call) -> None:
    ended = call("hint", "far", "job-8")
    assert ended.exit_code == 1
    assert "job-8" in ended.output


def test_release_needs_a_confirmation(call, services: Services) -> None:
    made = unit(services, UnitState.IN_DOUBT)
    assert call("release", made.id, input="n\n").exit_code != 0
    assert services.of("acme").units.get(made.id) == made
    assert call("release", made.id, "--yes").exit_code == 0
    released = services.of("acme").units.get(made.id)
    assert released and released.state is UnitState.FAILED
    assert released.state.may_be_reopened


def test_release_refuses_a_running_unit(call, services: Services) -> None:
    made = unit(services, UnitState.RUNNING)
    ended = call("release", made.id, "--yes")
    assert ended.exit_code == 1
    assert "not in doubt" in ended.output
