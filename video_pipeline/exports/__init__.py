"""What leaves: the timeline as files for others, one format a module.

A format turns a timeline into bytes. It reads nothing else and knows no store.
"""

from typing import BinaryIO, Protocol

from video_pipeline.domain.results.timeline import Timeline
from video_pipeline.exports import timeline_json
from video_pipeline.exports.captions import webvtt


class Format(Protocol):
    """What each module here has."""

    @property
    def NAME(self) -> str:
        """The file's name below the video's prefix."""
        ...

    @property
    def MEDIA_TYPE(self) -> str: ...

    def write(self, timeline: Timeline, into: BinaryIO) -> None:
        """Write the whole file. The same timeline always gives the same bytes."""
        ...


FORMATS: tuple[Format, ...] = (timeline_json, webvtt)
