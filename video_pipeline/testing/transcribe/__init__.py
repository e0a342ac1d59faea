"""Transcribe's batch jobs, for what a real peer does not do: faults, quotas, queues.

    with serving(Transcribe(Settings(s3=endpoint))) as double:
        client = double.client("transcribe")

or, as a process of its own, `python -m video_pipeline.testing.transcribe --help`.
"""

from video_pipeline.testing.transcribe.results import Speech
from video_pipeline.testing.transcribe.service import Transcribe
from video_pipeline.testing.transcribe.settings import Settings

__all__ = ["Settings", "Speech", "Transcribe"]
