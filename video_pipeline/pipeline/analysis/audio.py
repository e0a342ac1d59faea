"""The audio of a video: extracted once, published as WAV, fed to plugins."""

import shutil
import struct

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.media.reader import MediaReader
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.source.read import LocalSource
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import AUDIO_RATE, Audio

NO_AUDIO = "the video has no audio stream: its transcript is empty"
_BYTES = 2
_HEADER_BYTES = 44


def extract(
    run: VideoRun,
    source: LocalSource,
    media: MediaInfo,
    reader: MediaReader,
    progress: Progress,
) -> Audio:
    """Return the audio as raw samples in a file of the source's folder.

    The published WAV is used where it is current, else the source is decoded. Raises InputError
    and StorageError if the source cannot be read.
    """
    raw = source.folder / "audio.s16"
    published = own_results.current(run, Phase.AUDIO)
    if published is None or not published.outputs:
        with source.open() as opened:
            return reader.audio(opened, media, raw, progress)
    with run.outputs.open(name(run.key)) as wav, raw.open("wb") as out:
        wav.read(_HEADER_BYTES)
        shutil.copyfileobj(wav, out, 1 << 20)
    return Audio(path=raw, samples=raw.stat().st_size // _BYTES)


def name(key: VideoKey) -> str:
    """Return the key under which the audio of a video is published."""
    return f"{key.prefix}audio.wav"


def publish(run: VideoRun, audio: Audio | None) -> Outcome:
    """Publish the audio, or an empty result with a warning if the video has none."""
    started = run.clock()
    own_results.check_current(run)
    if audio is not None:
        with run.outputs.writer(name(run.key), "audio/x-wav") as out:
            out.write(_header(audio.samples))
            with audio.path.open("rb") as raw:
                shutil.copyfileobj(raw, out, 1 << 20)
    return own_results.publish(
        run,
        Phase.AUDIO,
        own_results.provenance(run.content, started, run.clock()),
        state=PhaseState.DONE,
        counts={"samples": audio.samples if audio else 0},
        outputs=[name(run.key)] if audio else [],
        warnings=audio.warnings if audio else [NO_AUDIO],
    )


def _header(samples: int) -> bytes:
    """Return the 44 bytes of a RIFF WAVE header for mono 16-bit PCM.

    See Multimedia Programming Interface and Data Specifications 1.0, 1991. A size beyond 32 bits
    is written as the largest.
    """
    size = min(samples * _BYTES, 0xFFFFFFFF - 36)
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", 36 + size, b"WAVE", b"fmt ", 16, 1, 1),
        *(AUDIO_RATE, AUDIO_RATE * _BYTES, _BYTES, 8 * _BYTES, b"data", size),
    )
