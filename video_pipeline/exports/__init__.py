"""The formats of a published timeline, one a module. A format reads only the timeline."""

from typing import BinaryIO, Protocol

from video_pipeline.domain.results.timeline import Timeline
from video_pipeline.exports import timeline_json
from video_pipeline.exports.captions import webvtt


class Format(Protocol):
    """The contents of each module: `NAME` is the file's name below the video's prefix."""

    @property
    def NAME(self) -> str: ...

    @property
    def MEDIA_TYPE(self) -> str: ...

    def write(self, timeline: Timeline, into: BinaryIO) -> None:
        """Write the file. The same timeline always gives the same bytes."""
        ...


FORMATS: tuple[Format, ...] = (timeline_json, webvtt)
