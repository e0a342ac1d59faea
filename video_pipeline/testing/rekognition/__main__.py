"""Rekognition Video as a program: `python -m video_pipeline.testing.rekognition --help`."""

import argparse

from video_pipeline.testing.program import serve
from video_pipeline.testing.rekognition.service import Rekognition
from video_pipeline.testing.rekognition.settings import Settings


def main() -> None:
    """Serve until ended; the first line of output is JSON with the endpoint."""
    parser = argparse.ArgumentParser(prog="video_pipeline.testing.rekognition", description=__doc__)
    parser.add_argument("--settings", default="{}", help="settings as JSON, as `Settings` has them")
    parser.add_argument("--until-stdin-closes", action="store_true")
    chosen = parser.parse_args()
    settings = Settings.model_validate_json(chosen.settings)
    serve(Rekognition(settings), chosen.until_stdin_closes)


if __name__ == "__main__":
    main()
