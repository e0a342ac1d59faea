"""The whole road: a file in, its timeline and exports out; parked, it says what it waits for."""

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest

from video_pipeline.domain.errors import SourceError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.exports.timeline_json import schema
from video_pipeline.pipeline.publishing.timeline import make_timeline, read_timeline
from video_pipeline.pipeline.run_video import travel
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]


def test_a_video_goes_in_and_its_timeline_comes_out(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "now"
    key = deliver("acme/one", inspected=False)
    outcomes = travel(services, key)
    assert set(outcomes) == set(Phase)
    assert all(outcome.state.good for outcome in outcomes.values())
    with services.outputs.project("acme").open(f"{key.prefix}timeline.json") as out:
        document = json.load(out)
    jsonschema.validate(document, schema())
    assert [m["kind"] for m in document["markers"]] == ["shot", "shot"]
    with services.outputs.project("acme").open(f"{key.prefix}captions.vtt") as out:
        assert out.read().startswith(b"WEBVTT")
    assert list(services.outputs.project("globex").listing("projects/globex/")) == []


def test_what_parks_holds_up_the_timeline_which_says_so(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.behave("acme/one", "now", "later")
    key = deliver("acme/one", inspected=False)
    outcomes = travel(services, key)
    timeline = outcomes[Phase.TIMELINE]
    assert timeline.state is PhaseState.PARKED
    assert "job" in timeline.message and Phase.EXPORTS not in outcomes
    vendor.finish("acme/one")
    assert travel(services, key)[Phase.EXPORTS].state is PhaseState.DONE
    assert vendor.billed == {"acme/one": 2}


def test_a_timeline_of_a_video_never_analysed_waits_for_everything(
    services: Services, deliver: Deliver
) -> None:
    waiting = make_timeline(services, deliver("acme/one"))
    assert waiting.state is PhaseState.WAITING and "shots: not made yet" in waiting.message


def test_results_of_an_older_version_are_not_taken_for_those_of_the_new_one(
    services: Services, deliver: Deliver, vendor: Vendor, tmp_path: Path, short_video: Path
) -> None:
    vendor.default = "now"
    key = deliver("acme/one", inspected=False)
    travel(services, key)
    changed = tmp_path / "changed.mp4"
    changed.write_bytes(short_video.read_bytes() + b"\0\0\0\x08free")
    deliver("acme/one", changed)
    assert make_timeline(services, key).state is PhaseState.WAITING


def test_the_first_step_that_fails_ends_the_road(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("this is no video")
    outcomes = travel(services, deliver("acme/text", text, inspected=False))
    assert list(outcomes) == [Phase.SOURCE_VIDEO, Phase.MEDIA_INFO]
    assert outcomes[Phase.MEDIA_INFO].state is PhaseState.FAILED
    status = services.of("acme").results.statuses("text")[Phase.MEDIA_INFO]
    assert status.message == outcomes[Phase.MEDIA_INFO].message


def test_progress_is_an_ordered_story_of_its_project_alone(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "now"
    travel(services, deliver("acme/one", inspected=False))
    events = services.of("acme").events.after(0)
    assert [e.sequence for e in events] == list(range(1, len(events) + 1))
    assert {e.key.project for e in events} == {"acme"}
    assert services.of("globex").events.after(0) == []


def test_a_video_that_nobody_delivered_has_no_timeline(services: Services) -> None:
    with pytest.raises(SourceError, match="not probed"):
        read_timeline(services.catalog, VideoKey.parse("acme/none"))
