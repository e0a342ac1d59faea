"""The inputs of one run's plugins besides frames: audio, the file, the object, markers."""

import threading
from pathlib import Path

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.source import VideoRecord
from video_pipeline.pipeline.analysis.audio import extract
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.read import LocalSource, object_of
from video_pipeline.pipeline.source.scratch import full_disk_is_reported
from video_pipeline.plugins.inputs import (
    Audio,
    Audio16k,
    Feed,
    File,
    Inputs,
    Markers,
    Object,
)


class Feeder:
    """Makes each input once, when it is first asked for, in the run's own folder."""

    def __init__(
        self, services: Services, record: VideoRecord, media: MediaInfo, folder: Path
    ) -> None:
        self._services, self._record, self._media = services, record, media
        self._folder = folder
        self._lock = threading.Lock()
        self._audio: Audio | None = None
        self.source = LocalSource(services, record, folder)

    def inputs(self, feed: Feed) -> Inputs:
        """Return the inputs for this feed. Raises InputError, StorageFull."""
        if isinstance(feed, Audio16k):
            return Inputs(audio=self.audio())
        if isinstance(feed, File):
            return Inputs(file=self.source.copy())
        if isinstance(feed, Object):
            return Inputs(object=object_of(self._services, self._record))
        if isinstance(feed, Markers):
            return Inputs(markers=self._markers(feed))
        return Inputs()

    def audio(self) -> Audio:
        with self._lock:
            if self._audio is None:
                with full_disk_is_reported(self._folder):
                    self._audio = extract(self._services, self.source, self._media, self._folder)
            return self._audio

    def _markers(self, feed: Markers) -> tuple[Marker, ...]:
        key = self._record.key
        found = self._services.of(key.project).results.markers(key.video)
        return tuple(marker for marker in found if marker.kind in feed.kinds)
