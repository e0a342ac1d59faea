"""Local transcription by Whisper through faster-whisper, offline.

Models are local files; nothing is downloaded. Times are those of the library, rounded to
milliseconds.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from video_pipeline.domain.errors import ConfigurationError, FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.base import Calls, PluginOptions, Progress
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import Audio, Audio16k, Inputs
from video_pipeline.plugins.transcription import BaseTranscriptionPlugin
from video_pipeline.providers.local.models import Models, known
from video_pipeline.providers.local.speech.activity import speech_activity
from video_pipeline.providers.local.speech.pieces import Piece, pieces, whole
from video_pipeline.providers.local.speech.process import Model, speech_process
from video_pipeline.providers.local.speech.whisper_pages import (
    Header,
    header_page,
    read,
    segment_pages,
)

_NEEDED = ("model.bin", "config.json", "tokenizer.json")


class FasterWhisperOptions(PluginOptions):
    """Which model transcribes, and how."""

    model: str = "base"
    """`base` (99 languages), `tiny.en` (English), or the path of a folder with a model of yours
    in CTranslate2's form; the model at a path is not verified."""
    language: str | None = None
    """ISO 639-1 code of what is spoken; detected where it is left out."""
    beam_size: int = Field(default=1, ge=1, le=10)
    compute_type: Literal["int8", "float32"] = "int8"
    threads: int = Field(default=1, ge=1)
    vad_filter: bool = True
    """Leave out what is no speech before transcribing."""
    models_folder: str | None = Field(default=None, exclude=True)
    """Where models are looked for first; says nothing about the result."""
    cache_folder: str | None = Field(default=None, exclude=True)
    """Where models are put together and remembered as verified; says nothing about the result."""


class FasterWhisperPlugin(BaseTranscriptionPlugin, Calls):
    """Words with times and confidences, by Whisper."""

    Options = FasterWhisperOptions
    name = "faster-whisper"
    libraries = ("faster_whisper",)
    install = "pip install 'video-pipeline[speech]'"
    options: FasterWhisperOptions

    @property
    def model(self) -> str:
        """The model and its revision; a model of yours counts by its folder's name only."""
        name = self.options.model
        found = known().get(name)
        return f"whisper-{name}@{found.revision}" if found else f"{Path(name).name}@local"

    def check(self) -> None:
        self._folder()

    def capabilities(self) -> Capabilities:
        english = self.options.model.endswith(".en")
        return Capabilities(
            fed=Audio16k(),
            replay="free",
            meter=MeterSpec(meter=Meter.AUDIO_SECONDS, paid=False),
            languages=frozenset({"en"}) if english else "any",
            precision="millisecond",
            word_times=True,
            cancellable=True,
        )

    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        audio = inputs.audio
        if audio is None:
            raise ConfigurationError(
                "faster-whisper was given no audio", remedy="Feed it what its capabilities name."
            )
        header = Header(start=audio.start, duration=audio.duration)
        if not audio.samples:
            return [header_page(header)]
        request, where = self._request(unit, audio), str(unit.request.key)
        written: list[dict[str, Any]] = []
        fraction = 0.0
        with speech_process(self._loaded()) as process:
            for message in process.ask(request, where):
                if message["kind"] == "segment":
                    written.append(message["segment"])
                    fraction = min(1.0, float(written[-1]["end"]) / float(audio.duration))
                elif message["kind"] == "language":
                    header = header.model_copy(
                        update={
                            "language": message["language"],
                            "language_confidence": message["confidence"],
                        }
                    )
                progress(fraction)
        return [header_page(header), *segment_pages(written)]

    def _request(self, unit: WorkUnit, audio: Audio) -> dict[str, Any]:
        asked = unit.request.parameters.get("language") or self.options.language
        return {
            "path": str(audio.path.absolute()),
            "samples": audio.samples,
            "pieces": [piece.parts for piece in self._pieces(audio)],
            "language": str(asked) if asked else None,
            "beam_size": self.options.beam_size,
        }

    def _pieces(self, audio: Audio) -> Iterator[Piece]:
        if not self.options.vad_filter:
            return whole(audio)
        speech = audio.speech
        if speech is None:
            speech = speech_activity(audio, threads=self.options.threads)
        return pieces(audio, speech)

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        try:
            return read(pages, media.duration)
        except ValueError as error:
            raise ProviderError(
                "the stored pages of a transcription cannot be read",
                category=FailureCategory.MALFORMED_RESULT,
                remedy="Transcribe the video again.",
                where=str(request.key),
            ) from error

    def _loaded(self) -> Model:
        return Model(self._folder(), self.options.compute_type, self.options.threads)

    def _folder(self) -> Path:
        options = self.options
        if options.model in known():
            given, cached = options.models_folder, options.cache_folder
            models = Models(Path(given) if given else None, Path(cached) if cached else None)
            return models.find(options.model)
        folder = Path(options.model)
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            raise ConfigurationError(
                f"model {options.model!r} is not known, and no folder with {', '.join(missing)}",
                remedy=f"Use one of {', '.join(sorted(known()))}, or the path of a model's folder.",
            )
        return folder
