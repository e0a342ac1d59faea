"""The base of every plugin that transcribes speech."""

from abc import abstractmethod
from collections.abc import Iterable

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins.base import Plugin


class BaseTranscriptionPlugin(Plugin):
    """Transcribes. Combine with `Calls` or `Jobs`."""

    operation = "transcribe"

    @abstractmethod
    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Transcript:
        """The transcript in raw pages. Pure: costs nothing to do again.

        Raises ProviderError with category malformed_result for pages it cannot read.
        """
