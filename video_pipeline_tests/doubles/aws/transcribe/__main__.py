"""Transcribe as a program: `python -m video_pipeline_tests.doubles.aws.transcribe --help`."""

from video_pipeline.testing.program import serve, told_settings
from video_pipeline_tests.doubles.aws.transcribe.service import Transcribe
from video_pipeline_tests.doubles.aws.transcribe.settings import Settings

if __name__ == "__main__":
    text, until_stdin_closes = told_settings("video_pipeline_tests.doubles.aws.transcribe", __doc__)
    serve(Transcribe(Settings.model_validate_json(text)), until_stdin_closes)
