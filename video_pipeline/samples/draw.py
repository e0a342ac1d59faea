"""Draws the sample videos and writes their ground truth beside them.

`python -m video_pipeline.samples.draw NARRATION [FOLDER]`: NARRATION holds the audio files of
narrate.py; FOLDER is this package by default.
"""

import sys
from pathlib import Path

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.samples import slides, trailer
from video_pipeline.samples.encode import encode
from video_pipeline.samples.truth import Truth


def draw(narration: Path, folder: Path) -> None:
    """Make both videos. Raises ConfigurationError without the narration."""
    if not (narration / "0-0.wav").is_file():
        raise ConfigurationError(
            f"{narration} holds no narration",
            remedy="Make it with video_pipeline/samples/narrate.py; see its first lines.",
        )
    talk = slides.lay_out(narration)
    video = folder / "slide-talk.mp4"
    encode(video, slides.images(talk), slides.RATE, talk.audio, slides.AUDIO_RATE)
    _write(talk.truth, video)
    video = folder / "trailer.mp4"
    encode(video, trailer.images(), trailer.RATE, trailer.audio(), trailer.AUDIO_RATE)
    _write(trailer.truth(), video)


def _write(truth: Truth, video: Path) -> None:
    video.with_suffix(".truth.json").write_text(truth.model_dump_json(indent=1) + "\n")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
