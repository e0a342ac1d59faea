"""The base of every plugin that finds temporal markers."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.work import WorkRequest
from video_pipeline.plugins.base import Plugin


class BaseTemporalPlugin(Plugin):
    """Finds markers. Combine with `Streams`, `Calls` or `Jobs`."""

    @abstractmethod
    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        """The markers in raw pages, half-open and exact. Pure: costs nothing to do again.

        Raises ProviderError with category malformed_result for pages it cannot read.
        """
