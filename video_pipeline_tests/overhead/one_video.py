"""The CPU-seconds that one video of a second costs: what is spent whatever a video's length."""

import shutil
from pathlib import Path

from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.overhead.measured import measured, server_seconds
from video_pipeline_tests.scenarios.support.deployment import temporary_deployment

_KEY = "projects/acme/videos/clip/clip.mp4"
# By the code of the checkout, as versions are stored in its form.
_REGISTER = f"""\
from video_pipeline.pipeline.arrivals.look import register_now
from video_pipeline.settings import load_settings
from video_pipeline.wiring import open_services
with open_services(load_settings(), plugins={{}}) as services:
    register_now(services.ingest, services.catalog, {_KEY!r}, services.clock())
"""
CONFIGURATION = """\
providers:
  cuts: {plugin: pyscenedetect, options: {detector: adaptive}}
  whisper-base: {plugin: faster-whisper, options: {model: base}}
phases:
  shots: [cuts]
  transcript: [whisper-base]
"""


def cpu_of_one_video(checkout: Path) -> dict[str, float]:
    """Return the CPU-seconds of `try` and of a Dagster run, by the code of a checkout.

    Each is a fresh process with its children. `imports` is that of a process which only imports
    the definitions, and `mongod` that of the server for both. A first `try` warms the caches.
    """
    with temporary_deployment() as (folder, uri):
        (folder / "pipeline.yaml").write_text(CONFIGURATION)
        (folder / "dagster").mkdir()
        environment = {
            "PYTHONPATH": str(checkout),
            "DAGSTER_HOME": str(folder / "dagster"),
            "MONGODB_URI": uri,
            "VIDEO_PIPELINE_CONFIG": str(folder / "pipeline.yaml"),
            "VIDEO_PIPELINE_HOME": str(folder / "home"),
        }
        command = ["-m", "video_pipeline.cli.main", "try"]
        measured([*command, str(encode(folder / "warm.mp4", seconds=1))], environment, checkout)
        before, clip = server_seconds(uri), encode(folder / "clip.mp4", seconds=1)
        with clip.open("ab") as longer:  # else it is the video that was tried before
            longer.write(b"\0\0\0\x08free")
        tried = measured([*command, str(clip)], environment, checkout)
        target = folder / "home" / "ingest" / _KEY
        target.parent.mkdir(parents=True)
        shutil.copy(clip, target)
        measured(["-c", _REGISTER], environment, checkout)
        run = ["-m", "video_pipeline_tests.overhead.ingest_video", "acme/clip"]
        ran = measured(run, environment, checkout)
        return {
            "try": tried.cpu,
            "run": ran.cpu,
            "imports": measured(
                ["-c", "import video_pipeline.definitions"], environment, checkout
            ).cpu,
            "mongod": server_seconds(uri) - before,
        }
