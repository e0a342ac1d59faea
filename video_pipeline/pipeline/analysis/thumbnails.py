"""Thumbnails of a video: pictures of its keyframes, published as JPEG files."""

from fractions import Fraction

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.media.reader import Thumbnail, ThumbnailSpec
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services

MOST = 360
"""Thumbnails of one video, at most."""


def thumbnail_spec(media: MediaInfo) -> ThumbnailSpec:
    """Keyframes at least a second apart, further apart where the video is long."""
    return ThumbnailSpec(every=max(Fraction(1), media.duration / MOST), most=MOST)


class ThumbnailWriter:
    """Publishes the thumbnails of one video as they are decoded."""

    def __init__(self, services: Services, key: VideoKey) -> None:
        self._services, self._key = services, key
        self._outputs = services.outputs.project(key.project)
        self._written: list[str] = []
        self._started = services.clock()

    def write(self, thumbnail: Thumbnail) -> None:
        """Publish one, under the milliseconds at which it is shown."""
        milliseconds = int(thumbnail.at * 1000)
        name = f"{self._key.prefix}thumbnails/{milliseconds:010}.jpg"
        with self._outputs.writer(name, "image/jpeg") as out:
            out.write(thumbnail.jpeg)
        self._written.append(name)

    def finish(self, content: str, warnings: tuple[str, ...] = ()) -> Outcome:
        """Make them the current ones; those of an earlier version go."""
        origin = own_results.provenance(content, self._started, self._services.clock())
        outcome = own_results.publish(
            self._services,
            self._key,
            Phase.THUMBNAILS,
            origin,
            counts={"thumbnails": len(self._written)},
            outputs=self._written,
            warnings=warnings,
        )
        for stored in list(self._outputs.listing(f"{self._key.prefix}thumbnails/")):
            if stored.key not in self._written:
                self._outputs.delete(stored.key)
        return outcome
