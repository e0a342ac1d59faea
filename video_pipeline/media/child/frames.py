"""The child's task `decode`: one decode of the video for all feeds and the candidates."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypedDict

from av.video.frame import VideoFrame

from video_pipeline.media.child.candidates import CandidateOutlet
from video_pipeline.media.child.clock import FrameClock
from video_pipeline.media.child.decoding import Damage, frames_of, read
from video_pipeline.media.child.opening import Input
from video_pipeline.media.child.scaling import FeedOutlet, Scaler
from video_pipeline.media.child.streams import choose_video
from video_pipeline.media.protocol import MediaFault, Outlet
from video_pipeline.media.shape import Orientation


class FeedJob(TypedDict):
    """One feed as the parent asks for it."""

    size: tuple[int, int]
    pixel_format: str
    every: int


class CandidateJob(TypedDict):
    """Candidates as the parent asks for them, with rationals in text."""

    size: tuple[int, int]
    every: str
    most: int
    moments: list[str]


class _Targets:
    """All outlets of frames."""

    def __init__(
        self,
        outlet: Outlet,
        oriented: Orientation,
        feeds: Sequence[FeedJob],
        candidates: CandidateJob | None,
    ) -> None:
        self._feeds = [
            FeedOutlet(
                index, feed["every"], Scaler(feed["size"], feed["pixel_format"], oriented), outlet
            )
            for index, feed in enumerate(feeds)
        ]
        self._candidates = candidates and CandidateOutlet(
            candidates["size"],
            oriented,
            Fraction(candidates["every"]),
            candidates["most"],
            [Fraction(moment) for moment in candidates["moments"]],
            outlet,
        )

    def take(self, frame: VideoFrame, number: int, moment: int, time_base: Fraction) -> None:
        for feed in self._feeds:
            feed.take(frame, number, moment)
        if self._candidates:
            self._candidates.take(frame, moment * time_base)

    def flush(self) -> None:
        for feed in self._feeds:
            feed.flush()
        if self._candidates:
            self._candidates.flush()


def decode(
    source: Input,
    outlet: Outlet,
    *,
    rate: str,
    rotation: int,
    mirrored: bool,
    feeds: Sequence[FeedJob],
    candidates: CandidateJob | None,
) -> None:
    """Send every feed's frames and the candidates, then the end. Raises MediaFault."""
    container = source.open()
    stream = choose_video(source, container).stream
    if stream is None or stream.codec_context is None or stream.time_base is None:
        raise MediaFault("it has no video that can be decoded", "Deliver it as H.264 in MP4.")
    # Deblocking only frames that others refer to saves a tenth of the time.
    source.prepare(stream, skip_loop_filter="noref")
    targets = _Targets(outlet, Orientation(rotation, mirrored), feeds, candidates)
    clock, damage = FrameClock(stream.time_base, Fraction(rate)), Damage()
    for packet in read(source, container, (stream,), damage):
        for frame in frames_of(packet, damage):
            source.check_size(frame.width, frame.height)
            number = clock.frames
            targets.take(frame, number, _moment(clock, frame), stream.time_base)
    if not clock.frames:
        raise MediaFault("not one frame can be decoded", "Encode it again and deliver it anew.")
    targets.flush()
    outlet.send("end", **_end(clock, damage))


def _moment(clock: FrameClock, frame: VideoFrame) -> int:
    return clock.moment(frame.dts if frame.pts is None else frame.pts, frame.duration or 0)


def _end(clock: FrameClock, damage: Damage) -> dict[str, Any]:
    return {
        "frames": clock.frames,
        "frame_rate": {"per_second": str(clock.rate)},
        "variable_rate": clock.steady is None,
        "last": str(clock.last),
        "end": str(clock.end),
        "warnings": damage.warnings + clock.warnings,
    }
