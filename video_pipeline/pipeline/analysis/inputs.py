"""The inputs of one run's plugins besides frames: audio, the file, the object, markers."""

import threading
from dataclasses import replace

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Marker
from video_pipeline.media.reader import MediaReader
from video_pipeline.pipeline.analysis.audio import extract
from video_pipeline.pipeline.services import FindSpeech
from video_pipeline.pipeline.signals import stored
from video_pipeline.pipeline.signals.measure import measure_sound
from video_pipeline.pipeline.source.read import LocalSource, object_of
from video_pipeline.pipeline.source.scratch import full_disk_is_reported
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline.plugins.base import Progress
from video_pipeline.plugins.inputs import (
    Audio,
    Audio16k,
    Feed,
    File,
    Inputs,
    Markers,
    Object,
)
from video_pipeline.plugins.signals import SoundSignals


class Feeder:
    """Makes each input once, when it is first asked for, in the folder of the source."""

    def __init__(
        self,
        run: VideoRun,
        source: LocalSource,
        media: MediaInfo,
        reader: MediaReader,
        find_speech: FindSpeech | None,
    ) -> None:
        self._run, self.source, self._media, self._reader = run, source, media, reader
        self._find_speech = find_speech
        self._lock = threading.Lock()
        self._audio: Audio | None = None

    def inputs(self, feed: Feed, progress: Progress) -> Inputs:
        """Return the inputs for this feed. Raises InputError, StorageFull."""
        if isinstance(feed, Audio16k):
            return Inputs(audio=self.audio(progress))
        if isinstance(feed, File):
            return Inputs(file=self.source.copy())
        if isinstance(feed, Object):
            return Inputs(object=object_of(self.source.ingest, self.source.record))
        if isinstance(feed, Markers):
            return Inputs(markers=self._markers(feed))
        return Inputs()

    def audio(self, progress: Progress) -> Audio:
        """Return the audio with the speech in it. Its signals are stored.

        `progress` may raise, to stop. The second half of it is the search for speech.
        """
        with self._lock:
            if self._audio is None:
                with full_disk_is_reported(self.source.folder):
                    audio = extract(
                        self._run,
                        self.source,
                        self._media,
                        self._reader,
                        lambda fraction: progress(fraction / 2),
                    )
                found = self._measured(audio, lambda fraction: progress((1 + fraction) / 2))
                self._audio = replace(audio, speech=found.speech)
            return self._audio

    def _measured(self, audio: Audio, progress: Progress) -> SoundSignals:
        found = stored.sound(self._run)
        if found is None or (found.speech is None and self._find_speech is not None):
            found = measure_sound(self._run.content, audio, self._find_speech, progress)
            stored.store_sound(self._run, found)
        return found

    def _markers(self, feed: Markers) -> tuple[Marker, ...]:
        found = self._run.catalog.results.markers(self._run.key.video)
        return tuple(marker for marker in found if marker.kind in feed.kinds)
