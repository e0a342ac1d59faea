"""Draws the sample videos and writes their truth beside them.

`python -m video_pipeline.samples.draw NARRATION [FOLDER]`: NARRATION holds the sound files that
narrate.py makes; FOLDER is this package where it is left out.
"""

import sys
from pathlib import Path

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.samples import slides, trailer
from video_pipeline.samples.encode import encode
from video_pipeline.samples.truth import Truth


def draw(narration: Path, folder: Path) -> None:
    """Make both videos. Raises ConfigurationError where there is no narration."""
    if not (narration / "0-0.wav").is_file():
        raise ConfigurationError(
            f"{narration} holds no narration",
            remedy="Make it with video_pipeline/samples/narrate.py, as it says at its top.",
        )
    talk = slides.lay_out(narration)
    video = folder / "slide-talk.mp4"
    encode(video, slides.pictures(talk), slides.RATE, talk.sound, slides.SOUND_RATE)
    _write(talk.truth, video)
    video = folder / "trailer.mp4"
    encode(video, trailer.pictures(), trailer.RATE, trailer.sound(), trailer.SOUND_RATE)
    _write(trailer.truth(), video)


def _write(truth: Truth, video: Path) -> None:
    video.with_suffix(".truth.json").write_text(truth.model_dump_json(indent=1) + "\n")


if __name__ == "__main__":
    draw(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else Path(__file__).parent)
