"""Rekognition Video as a program: `python -m ...doubles.aws.rekognition --help`."""

from video_pipeline.testing.program import serve, told_settings
from video_pipeline_tests.doubles.aws.rekognition.content import Settings
from video_pipeline_tests.doubles.aws.rekognition.service import Rekognition

if __name__ == "__main__":
    text, until_stdin_closes = told_settings(
        "video_pipeline_tests.doubles.aws.rekognition", __doc__
    )
    serve(Rekognition(Settings.model_validate_json(text)), until_stdin_closes)
