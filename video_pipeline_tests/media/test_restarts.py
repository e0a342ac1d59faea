"""A child killed from outside is started again with less memory; nothing is delivered twice."""

import io
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from video_pipeline.domain.errors import DecoderKilled
from video_pipeline.media.reader import Candidate, CandidateSpec, DecodeEnd, FedFrames, MediaLimits
from video_pipeline.media.restarts import THRIFT
from video_pipeline.plugins.inputs import Frames

FEEDS = (Frames(width=400, height=300, every=3), Frames(width=500, height=400, pixel_format="gray"))
CANDIDATES = CandidateSpec(every=Fraction(0))


@pytest.fixture
def kill(children: Callable[[], set[int]]) -> Callable[[], None]:
    """Kill the one child that was started since."""
    before = children()

    def killed(number: int = signal.SIGKILL) -> None:
        (pid,) = children() - before
        os.kill(pid, number)

    return killed


class Deadly(io.BytesIO):
    """A source without a descriptor that kills its reader at some of the reads."""

    def __init__(self, content: bytes, kill: Callable[[], None], at: set[int]) -> None:
        super().__init__(content)
        self._kill, self._at, self.reads = kill, at, 0

    def read(self, size: int | None = -1, /) -> bytes:
        self.reads += 1
        if self.reads in self._at:
            self._kill()
        return super().read(size)


class Grave(type(Path())):
    """A file that kills its writer's child at the first bytes of some of its openings."""

    def prepared(self, kill: Callable[[], None], times: int) -> "Grave":
        self.kill, self.times = kill, times
        return self

    def open(self, mode: str = "r", *_: Any, **__: Any) -> Any:
        opened = io.FileIO(self, mode)
        if self.times:
            self.times -= 1
            opened.write = self._deadly(opened.write)
        return opened

    def _deadly(self, write: Callable[[Any], int]) -> Callable[[Any], int]:
        def deadly(piece: Any) -> int:
            self.kill()
            return write(piece)

        return deadly


def _delivered(values: Iterator[Any]) -> dict[str, Any]:
    """Put together what a decode delivered, whatever its batches are."""
    feeds: list[dict[int, tuple[int, bytes]]] = [{} for _ in FEEDS]
    candidates, end = [], None
    for value in values:
        assert end is None
        if isinstance(value, FedFrames):
            for index, pixels in enumerate(value.batch.pixels):
                number = value.batch.first + index * FEEDS[value.feed].every
                assert number not in feeds[value.feed]
                feeds[value.feed][number] = (int(value.batch.pts[index]), pixels.tobytes())
        elif isinstance(value, Candidate):
            candidates.append((value.at, value.jpeg))
        else:
            end = value
    return {"feeds": feeds, "candidates": candidates, "end": end}


@pytest.mark.parametrize(
    ("after", "number"),
    [({0, 20}, signal.SIGKILL), ({5, 30}, signal.SIGKILL), ({9, 22}, signal.SIGTERM)],
)
def test_decode_killed_twice_delivers_the_same(room_with, make, film, kill, after, number, caplog):
    room, path = room_with(threads=2), make(film(frames=120, keyframes=20))
    media = room.probe(path)
    with path.open("rb") as source:
        whole = _delivered(room.reader.decode(source, media, FEEDS, CANDIDATES))

        def struck() -> Iterator[Any]:
            with closing(room.reader.decode(source, media, FEEDS, CANDIDATES)) as values:
                for count, value in enumerate(values):
                    if count in after:
                        kill(number)
                    yield value

        again = _delivered(struck())
    assert isinstance(whole["end"], DecodeEnd) and whole["end"].decoded.frames == 120
    assert again == whole
    assert len(caplog.records) == 2


def test_decode_killed_three_times_is_given_up(room, make, film, kill, children):
    path, before, got = make(film(frames=120)), children(), []
    media = room.probe(path)
    with path.open("rb") as source:
        values = room.reader.decode(source, media, FEEDS)
        with pytest.raises(DecoderKilled, match="memory") as raised:
            for value in values:
                got.append(value.batch.first)
                kill()
    assert got and raised.value.passes and "max_concurrent_runs" in raised.value.remedy
    assert children() == before


def test_child_is_out_of_the_terminals_group(room, make, film, children):
    before, groups = children(), set[int]()

    def note() -> None:
        groups.update(os.getpgid(pid) for pid in children() - before)

    room.reader.probe(Deadly(make(film(frames=5)).read_bytes(), note, {1}), "0" * 64)
    assert groups and os.getpgrp() not in groups, "a Ctrl-C would end it before its run"


@pytest.mark.parametrize(("at", "probed"), [({1}, True), ({2, 4}, True), ({1, 2, 3}, False)])
def test_probe_survives_two_kills(room, make, film, kill, at, probed):
    path = make(film(frames=500, audio="aac"))
    source = Deadly(path.read_bytes(), kill, at)
    if probed:
        assert room.reader.probe(source, "0" * 64).video == room.probe(path).video
    else:
        with pytest.raises(DecoderKilled):
            room.reader.probe(source, "0" * 64)
    assert source.reads > len(at) - (not probed)


@pytest.mark.parametrize("times", [1, 2])
def test_audio_killed_twice_is_the_same(room, make, film, kill, tmp_path, times):
    path = make(film(frames=25, audio="aac", audio_seconds=60, audio_gap=(20, 22)))
    whole, start = room.audio(path, tmp_path / "whole")
    again, same = room.audio(path, Grave(tmp_path / "again").prepared(kill, times))
    assert start == same and np.array_equal(whole, again)


def test_audio_killed_three_times_leaves_no_file(room, make, film, kill, tmp_path):
    path = make(film(frames=25, audio="aac", audio_seconds=60))
    into = Grave(tmp_path / "audio").prepared(kill, 3)
    with pytest.raises(DecoderKilled):
        room.audio(path, into)
    assert not into.exists()


def test_each_start_may_use_less_memory_than_the_one_before():
    limits = MediaLimits(threads=4)
    threads = [thrift.limits(limits).threads for thrift in THRIFT]
    batches = [thrift.batch_bytes for thrift in THRIFT]
    assert threads == [4, 1, 1]
    assert batches == sorted(set(batches), reverse=True)
