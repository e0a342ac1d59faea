"""A double of Transcribe's batch jobs, with faults, quotas and queues, which real servers lack.

    with serving(Transcribe(Settings(s3=endpoint))) as double:
        client = double.client("transcribe")

or, in a separate process, `python -m video_pipeline_tests.doubles.aws.transcribe --help`.
"""

from video_pipeline_tests.doubles.aws.transcribe.results import Speech
from video_pipeline_tests.doubles.aws.transcribe.service import Transcribe
from video_pipeline_tests.doubles.aws.transcribe.settings import Settings

__all__ = ["Settings", "Speech", "Transcribe"]
