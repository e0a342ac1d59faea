"""A source without a descriptor is probed through its parent, by as few bytes as it takes."""

import io
import time
from pathlib import Path

import pytest

from video_pipeline.domain.errors import MediaError, SourceError
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import MediaLimits
from video_pipeline.media.remote import ANSWER, MOST_BYTES, REQUEST
from video_pipeline.media.serving import Serving


class Counted(io.BytesIO):
    """Bytes without a descriptor, and how many were read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.taken += len(found)
        return found


class Breaking(Counted):
    """A source that goes away after a while."""

    def read(self, size: int | None = -1, /) -> bytes:
        if self.taken:
            raise SourceError("was replaced while being read", where="a.mp4", remedy="Wait.")
        return super().read(size)


class Slow(Counted):
    """A source that a network keeps waiting."""

    def read(self, size: int | None = -1, /) -> bytes:
        time.sleep(1.5)
        return super().read(size)


def test_slow_network_is_not_a_stall(make, film) -> None:
    reader = ChildMediaReader(MediaLimits(stall_seconds=1))
    assert reader.probe(Slow(make(film()).read_bytes()), "0" * 64).video


@pytest.mark.parametrize("faststart", [False, True])
@pytest.mark.parametrize("name", ["film.mp4", "film.mkv"])
def test_served_source_probes_like_the_file(
    make, film, reader: ChildMediaReader, name: str, faststart: bool
) -> None:
    path = make(film(name=name, frames=250, audio="aac", audio_seconds=10, faststart=faststart))
    with path.open("rb") as opened:
        told = reader.probe(opened, "0" * 64)
    found = reader.probe(Counted(path.read_bytes()), "0" * 64)
    assert found.video == told.video
    assert found.size == told.size
    assert found.audio and told.audio
    assert abs(found.duration - told.duration) < 0.1


@pytest.mark.parametrize("faststart", [False, True])
def test_probe_reads_only_the_ends_of_a_large_file(
    make, film, reader: ChildMediaReader, faststart: bool
) -> None:
    path = make(film(frames=500, faststart=faststart))
    content = path.read_bytes()
    padded = Counted(content + (64 << 20).to_bytes(4, "big") + b"free" + bytes((64 << 20) - 8))
    found = reader.probe(padded, "0" * 64)
    assert found.video and found.video.duration == 20
    assert padded.taken < 4 << 20


def test_error_of_the_source_is_passed_on(make, film, reader: ChildMediaReader) -> None:
    with pytest.raises(SourceError, match="replaced while being read"):
        reader.probe(Breaking(make(film(frames=500)).read_bytes()), "0" * 64)


def test_hostile_bytes_are_refused_as_ever(reader: ChildMediaReader) -> None:
    with pytest.raises(MediaError):
        reader.probe(Counted(b"ffconcat version 1.0\nfile '/etc/passwd'\n" * 9), "0" * 64)


def test_audio_and_decode_require_a_file(
    make, film, reader: ChildMediaReader, tmp_path: Path
) -> None:
    path = make(film(audio="aac"))
    with path.open("rb") as opened:
        media = reader.probe(opened, "0" * 64)
    with pytest.raises(SourceError, match="descriptor"):
        reader.audio(Counted(path.read_bytes()), media, tmp_path / "audio")
    with pytest.raises(SourceError, match="descriptor"):
        list(reader.decode(Counted(path.read_bytes()), media, []))


@pytest.mark.parametrize(("offset", "length"), [(0, MOST_BYTES + 1), (11, 1), (1 << 63, 1)])
def test_a_child_that_asks_for_too_much_is_refused(offset: int, length: int) -> None:
    serving = Serving(Counted(b"0123456789"))
    try:
        serving.theirs.sendall(REQUEST.pack(offset, length))
        assert ANSWER.unpack(serving.theirs.recv(ANSWER.size)) == (-1,)
        serving.theirs.sendall(REQUEST.pack(8, 5))
        assert serving.theirs.recv(100) == ANSWER.pack(2) + b"89"
    finally:
        serving.close()
