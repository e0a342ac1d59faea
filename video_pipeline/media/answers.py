"""What a child's messages mean to the pipeline, checked against what it was asked for. Pure."""

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from video_pipeline.domain.media import VideoStream
from video_pipeline.media.process import Message
from video_pipeline.media.reader import DecodeEnd, FedFrames, Thumbnail
from video_pipeline.plugins.inputs import FrameBatch, Frames

NOT_AS_AGREED = (KeyError, IndexError, TypeError, ValueError, OverflowError, ZeroDivisionError)
"""What reading an answer raises that is not of the agreed form."""


def decoded(
    message: Message,
    feeds: Sequence[Frames],
    sizes: Sequence[tuple[int, int]],
    video: VideoStream,
) -> FedFrames | Thumbnail | DecodeEnd:
    """The value that the iterator of `decode` gives for one message."""
    facts = message.facts
    if message.kind == "frames":
        feed = int(facts["feed"])
        batch = FrameBatch(
            pixels=_pixels(message, sizes[feed], feeds[feed].pixel_format == "gray"),
            pts=np.array(facts["pts"], np.int64),
            time_base=video.time_base,
            first=int(facts["first"]),
        )
        return FedFrames(feed, batch)
    if message.kind == "thumbnail":
        return Thumbnail(Fraction(facts["at"]), message.payload.tobytes())
    return DecodeEnd(
        Fraction(facts["end"]), int(facts["frames"]), tuple(map(str, facts["warnings"]))
    )


def _pixels(message: Message, size: tuple[int, int], gray: bool) -> NDArray[np.uint8]:
    """The payload's rows, which may be padded, as (n, height, width) and, unless gray, 3."""
    width, height = size
    row = width if gray else width * 3
    count, stride = len(message.facts["pts"]), int(message.facts["stride"])
    rows = message.payload.reshape(count, height, stride)[:, :, :row]
    shape = (count, height, width) if gray else (count, height, width, 3)
    return np.ascontiguousarray(rows).reshape(shape)
