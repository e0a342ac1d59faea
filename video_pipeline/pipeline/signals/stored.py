"""Store the signals of a video among its outputs, and read them back for its current content."""

from typing import TypeVar

from pydantic import ValidationError

from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.signals import PictureSignals, SoundSignals

_Signals = TypeVar("_Signals", PictureSignals, SoundSignals)


def store_pictures(run: VideoRun, signals: PictureSignals) -> None:
    """Write the signals, and record what the decode found. They replace those of other content."""
    _write(run, signals)
    run.catalog.videos.set_decoded(run.key.video, signals.content, signals.decoded)


def store_sound(run: VideoRun, signals: SoundSignals) -> None:
    """Write the signals. They replace those of other content."""
    _write(run, signals)


def _write(run: VideoRun, signals: PictureSignals | SoundSignals) -> None:
    with run.outputs.writer(_name(run, type(signals)), "application/json") as out:
        out.write(signals.model_dump_json().encode())


def pictures(run: VideoRun) -> PictureSignals | None:
    """Return the signals of the pictures; None if this content was not decoded."""
    return _read(run, PictureSignals)


def sound(run: VideoRun) -> SoundSignals | None:
    """Return the signals of the sound; None if the audio of this content was not decoded."""
    return _read(run, SoundSignals)


def _read(run: VideoRun, kind: type[_Signals]) -> _Signals | None:
    name = _name(run, kind)
    if run.outputs.stat(name) is None:
        return None
    try:
        with run.outputs.open(name) as stored:
            found = kind.model_validate_json(stored.read())
    except ValidationError:
        return None  # damaged, or of another version: as if the video had not been decoded
    return found if found.content == run.content else None


def _name(run: VideoRun, kind: type[PictureSignals | SoundSignals]) -> str:
    return f"{run.key.prefix}signals/{'pictures' if kind is PictureSignals else 'sound'}.json"
