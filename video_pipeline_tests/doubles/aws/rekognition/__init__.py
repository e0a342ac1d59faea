"""A double of Rekognition Video: Start and Get of segments, labels, text, faces and moderation.

    with serving(Rekognition(Settings(running_seconds=0.1))) as double:
        client = double.client("rekognition")

or, in a separate process, `python -m video_pipeline_tests.doubles.aws.rekognition --help`.
"""

from video_pipeline_tests.doubles.aws.rekognition.content import Settings, VideoContent
from video_pipeline_tests.doubles.aws.rekognition.service import Rekognition

__all__ = ["Rekognition", "Settings", "VideoContent"]
