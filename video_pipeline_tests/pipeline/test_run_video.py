"""All phases of a video: timeline and exports of a file, and the messages of parked phases."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import ANALYSIS, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.exports.timeline_json import schema
from video_pipeline.pipeline.publishing.timeline import make_timeline, read_timeline
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]


@pytest.mark.parametrize("phase", [Phase.SOURCE_VIDEO, Phase.SHOTS, Phase.TIMELINE, Phase.EXPORTS])
def test_run_of_an_unregistered_video_records_nothing(
    services: Services, deliver: Deliver, phase: Phase
) -> None:
    deliver("globex/nosuch", inspected=False)
    with pytest.raises(SourceError, match="no such video"):
        run_video(services, VideoKey.parse("acme/nosuch"), phases=[phase])
    acme = services.of("acme")
    assert acme.results.statuses("nosuch") == {} and acme.events.last() == 0
    assert services.catalog.projects() == ["globex"]


def test_run_video_makes_timeline_and_exports(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "now"
    key = deliver("acme/one", inspected=False)
    outcomes = run_video(services, key)
    assert set(outcomes) == set(Phase)
    assert all(outcome.state.good for outcome in outcomes.values())
    with services.outputs.project("acme").open(f"{key.prefix}timeline.json") as out:
        document = json.load(out)
    jsonschema.validate(document, schema())
    assert [m["kind"] for m in document["markers"]] == ["shot", "shot"]
    with services.outputs.project("acme").open(f"{key.prefix}captions.vtt") as out:
        assert out.read().startswith(b"WEBVTT")
    assert list(services.outputs.project("globex").listing("projects/globex/")) == []


def test_run_after_a_change_of_permissions_only_reads(
    services: Services, deliver: Deliver, vendor: Vendor, tmp_path: Path
) -> None:
    vendor.default = "now"
    key = deliver("acme/one", inspected=False)
    run_video(services, key)
    videos, file = services.of("acme").videos, tmp_path / "ingest" / key.prefix / "video.mp4"
    before = videos.get("one")
    while (found := services.ingest.project("acme").stat(f"{key.prefix}video.mp4")) and before:
        file.chmod(0o640)
        if not found.is_version(before.source.version):
            break
    assert before and found
    source = before.source.model_copy(update={"version": found.version})
    assert videos.register(source, services.clock())
    outcomes = run_video(services, key)
    assert all(outcome.state.good for outcome in outcomes.values())
    assert {phase for phase in ANALYSIS if not outcomes[phase].reused} <= {
        Phase.OBJECTS,
        Phase.EVENTS,
    }
    assert vendor.billed == {"acme/one": 2}


def test_run_video_parks_timeline_behind_a_parked_phase(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.behave("acme/one", "now", "later")
    key = deliver("acme/one", inspected=False)
    outcomes = run_video(services, key)
    timeline = outcomes[Phase.TIMELINE]
    assert timeline.state is PhaseState.PARKED
    assert "job" in timeline.message and Phase.EXPORTS not in outcomes
    vendor.finish("acme/one")
    assert run_video(services, key)[Phase.EXPORTS].state is PhaseState.DONE
    assert vendor.billed == {"acme/one": 2}


def test_make_timeline_waits_without_analysis(services: Services, deliver: Deliver) -> None:
    waiting = make_timeline(VideoRun.of(services, deliver("acme/one")))
    assert waiting.state is PhaseState.WAITING and "shots: not made yet" in waiting.message


def test_make_timeline_ignores_results_of_older_version(
    services: Services, deliver: Deliver, vendor: Vendor, tmp_path: Path, short_video: Path
) -> None:
    vendor.default = "now"
    key = deliver("acme/one", inspected=False)
    run_video(services, key)
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(short_video.read_bytes() + b"\0\0\0\x08free")
    deliver("acme/one", changed)
    assert make_timeline(VideoRun.of(services, key)).state is PhaseState.WAITING


def test_run_video_stops_at_first_failed_step(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video")
    outcomes = run_video(services, deliver("acme/text", text, inspected=False))
    assert list(outcomes) == [Phase.SOURCE_VIDEO, Phase.MEDIA_INFO]
    assert outcomes[Phase.MEDIA_INFO].state is PhaseState.FAILED
    status = services.of("acme").results.statuses("text")[Phase.MEDIA_INFO]
    assert status.message == outcomes[Phase.MEDIA_INFO].message


def test_events_are_numbered_per_project(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "now"
    run_video(services, deliver("acme/one", inspected=False))
    events = services.of("acme").events.after(0)
    assert [e.sequence for e in events] == list(range(1, len(events) + 1))
    assert {e.key.project for e in events} == {"acme"}
    assert services.of("globex").events.after(0) == []


def test_read_timeline_of_unknown_video_raises(services: Services) -> None:
    with pytest.raises(SourceError, match="has not been probed yet"):
        read_timeline(services.of("acme"), VideoKey.parse("acme/none"))
