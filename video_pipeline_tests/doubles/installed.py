"""Make the vendor's plugins available to child processes, by entry points like any plugin's."""

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_ENTRY_POINTS = """\
[video_pipeline.temporal]
vendor-shots = video_pipeline_tests.doubles.job_plugin:VendorShots

[video_pipeline.transcription]
vendor-speech = video_pipeline_tests.doubles.job_plugin:VendorSpeech
"""


def expose(folder: Path) -> str:
    """Write the entry points into a folder, and return the PYTHONPATH that activates them."""
    info = folder / "video_pipeline_fakes-1.dist-info"
    info.mkdir(parents=True, exist_ok=True)
    (info / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: video-pipeline-fakes\nVersion: 1\n"
    )
    (info / "entry_points.txt").write_text(_ENTRY_POINTS)
    return os.pathsep.join([str(folder), str(_ROOT)])
