"""All phases of a real video in Dagster, with resources opened as in a run."""

import base64
import io
import re
import shutil
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from PIL import Image

import video_pipeline.samples
from video_pipeline.definitions import build_defs
from video_pipeline.defs.arrivals.sensor import arrivals
from video_pipeline.settings import load_settings

PIPELINE = """\
catalog: {{database: {database}}}
providers:
  cuts: {{plugin: transnetv2}}
phases:
  shots: [cuts]
"""
KEY = "acme/trailer"
# It ends with a cut at frame 97, at 29.97 frames a second.
FIRST_SHOT = ("0:00:00.000", "0:00:03.237", "0 to 96")


@pytest.fixture
def definitions(
    tmp_path: Path, mongo_uri: str, mongo_database: str, monkeypatch: pytest.MonkeyPatch
) -> dg.Definitions:
    """Return the definitions of a new deployment with one video in its ingest folder."""
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    (tmp_path / "pipeline.yaml").write_text(PIPELINE.format(database=mongo_database))
    settings = load_settings(tmp_path / "pipeline.yaml")
    folder = settings.storage.ingest.folder / "projects/acme/videos/trailer"
    folder.mkdir(parents=True)
    sample = Path(video_pipeline.samples.__file__).with_name("trailer.mp4")
    shutil.copy(sample, folder)
    return build_defs(settings)


def arrive(definitions: dg.Definitions, instance: dg.DagsterInstance) -> dg.RunRequest:
    resources, cursor, requests = definitions.resources, None, []
    while not requests:
        with dg.build_sensor_context(
            instance=instance, cursor=cursor, resources=resources
        ) as context:
            ticked = arrivals(context)
        requests, cursor = ticked.run_requests, ticked.cursor
    return requests[0]


def pictures_in(strip: str) -> int:
    """Return how many cells of a filmstrip are not blank."""
    picture = re.fullmatch(r"!\[the first shots\]\(data:image/jpeg;base64,(.+)\)", strip)
    assert picture
    with Image.open(io.BytesIO(base64.b64decode(picture[1]))) as shown:
        gray = shown.convert("L")
    cells = [
        gray.crop((left, top, left + 236, top + 135))
        for top in range(0, gray.height, 159)
        for left in range(0, gray.width, 240)
    ]
    return sum(cell.getextrema()[0] < 200 for cell in cells)


def metadata_of(result: dg.ExecuteInProcessResult) -> dict[str, dict[str, Any]]:
    return {
        event.asset_key.to_user_string(): {
            k: v.value for k, v in event.materialization.metadata.items()
        }
        for event in result.all_events
        if event.is_step_materialization and event.asset_key
    }


def test_run_publishes_the_timeline_of_a_video(
    definitions: dg.Definitions, instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    request = arrive(definitions, instance)
    job = definitions.resolve_job_def("ingest_video")
    result = job.execute_in_process(
        instance=instance, partition_key=request.partition_key, tags=request.tags
    )
    metadata = metadata_of(result)
    assert set(metadata) == {
        *("source_video", "media_info", "shots", "objects", "events", "pictures", "audio"),
        *("transcript", "scenes", "timeline", "exports"),
    }
    shots = metadata["shots"]
    assert (shots["state"], shots["provider"]) == ("done", "cuts")
    assert shots["result"] == "5 shots, 2 transitions"
    assert shots["usage"].endswith(" s of video, not billed")
    assert metadata["objects"]["state"] == "not configured"
    assert all(check.passed for check in result.get_asset_check_evaluations())
    published = tmp_path / ".video-pipeline/outputs/projects/acme/videos/trailer/timeline.json"
    assert published.is_file()

    pictures = metadata["pictures"]
    assert pictures["result"] == "5 pictures"
    assert len(pictures["filmstrip"]) < 60_000
    assert pictures_in(pictures["filmstrip"]) == 5
    first, second = (row.data for row in shots["preview"].records[:2])
    assert (first["start"], first["end"], first["frames"]) == FIRST_SHOT
    assert (second["start"], str(second["frames"])[:3]) == ("0:00:03.237", "97 ")
    assert metadata["source_video"]["address"].endswith("/trailer/trailer.mp4")
    assert str(published) in metadata["exports"]["files"]


def test_second_run_reuses_results_and_progress_is_logged(
    definitions: dg.Definitions, instance: dg.DagsterInstance
) -> None:
    request = arrive(definitions, instance)
    job = definitions.resolve_job_def("ingest_video")
    result = job.execute_in_process(instance=instance, partition_key=request.partition_key)
    lines = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert any(line.startswith(f"{KEY} shots: ") and line.endswith(" %") for line in lines)
    again = job.execute_in_process(instance=instance, partition_key=request.partition_key)
    assert metadata_of(again)["shots"]["made before"] is True
