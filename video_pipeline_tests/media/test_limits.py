"""What a child may use, how its end is explained, and that it never outlives its parent."""

import os
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import pytest

from video_pipeline.domain.errors import MediaError
from video_pipeline.media.reader import CandidateSpec
from video_pipeline.plugins.inputs import Frames

LARGE = Frames(width=2000, height=2000)
POSTERS = CandidateSpec(width=6000, every=Fraction(0))

PARENT = """
import os, sys
from pathlib import Path
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.media.reader import CandidateSpec
from video_pipeline.plugins.inputs import Frames
reader, source = ChildMediaReader(), open(sys.argv[1], "rb")
values = reader.decode(source, reader.probe(source, ""), [Frames(width=2000)])
next(values)
print(Path(f"/proc/self/task/{os.getpid()}/children").read_text(), flush=True)
sys.stdin.read()
"""


def test_memory_limit_is_named_in_the_error(room_with, make, film):
    with pytest.raises(MediaError, match=r"more memory than the limit of 200 MiB"):
        room_with(address_space_bytes=200 << 20).decode(
            make(film()), Frames(width=8000, height=8000)
        )


def test_processor_time_limit_is_named_in_the_error(room_with, make, film):
    with pytest.raises(MediaError, match=r"CPU time than the limit of 1 s \(SIGXCPU\)"):
        room_with(cpu_seconds=1).decode(make(film(keyframes=1)), candidates=POSTERS)


def test_time_limit_is_named_in_the_error(room_with, make, film):
    with pytest.raises(MediaError, match="longer than the limit of 1 s"):
        room_with(wall_seconds=1).decode(make(film(keyframes=1)), candidates=POSTERS)


def _only(pids: set[int]) -> int:
    (pid,) = pids
    return pid


def test_stalled_decoder_is_killed(room_with, make, film, children):
    room, path, before = room_with(stall_seconds=1), make(film(frames=100)), children()
    media = room.probe(path)
    with path.open("rb") as source:
        values = room.reader.decode(source, media, [LARGE])
        next(values)
        os.kill(_only(children() - before), signal.SIGSTOP)
        with pytest.raises(MediaError, match="stalled for 1 s"):
            list(values)
    assert children() == before


def test_a_slow_reader_is_no_stall(room_with, make, film):
    """The child waits for us: that does not count against it."""
    room, path = room_with(stall_seconds=1), make(film(frames=20))
    media = room.probe(path)
    with path.open("rb") as source:
        values = room.reader.decode(source, media, [LARGE])
        next(values)
        time.sleep(1.2)
        assert [*values][-1].decoded.frames == 20


def test_decode_without_output_is_not_a_stall(room_with, make, film):
    """Work for two seconds with only the first frame requested."""
    long = make(film(frames=12_000, rate=Fraction(10), size=(32, 32), codec="mpeg4"))
    seldom = Frames(width=16, height=16, every=20_000)
    assert room_with(stall_seconds=1).decode(long, seldom).end.frames == 12_000


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_the_signal_that_ended_a_child_is_named(room, make, film, children, number):
    path, before = make(film(frames=100)), children()
    media = room.probe(path)
    with path.open("rb") as source:
        values = room.reader.decode(source, media, [LARGE])
        next(values)
        os.kill(_only(children() - before), number)
        with pytest.raises(MediaError, match=number.name):
            list(values)
    assert children() == before


def test_an_error_of_the_consumer_ends_the_child(room, make, film, children):
    path, before = make(film(frames=100)), children()
    media = room.probe(path)
    with path.open("rb") as source:
        values = room.reader.decode(source, media, [LARGE])
        next(values)
        with pytest.raises(RuntimeError):
            values.throw(RuntimeError("the detector failed"))
    assert children() == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends children with their parent")
def test_a_child_dies_with_its_parent(make, film):
    path = make(film(frames=100))
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        child = Path("/proc") / parent.stdout.readline().decode().strip()
        assert child.exists()
        parent.kill()
    for _ in range(100):
        if not child.exists() or "Z" in (child / "stat").read_text().split()[2:3]:
            return
        time.sleep(0.05)
    pytest.fail("the child lives on")


def test_a_child_has_no_environment(make, film, room, children, monkeypatch):
    """Credentials of the parent are not there to be read."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hush")
    path, before = make(film(frames=100)), children()
    media = room.probe(path)
    with path.open("rb") as source:
        values = room.reader.decode(source, media, [LARGE])
        next(values)
        child = Path(f"/proc/{_only(children() - before)}")
        assert (child / "environ").read_bytes() == b""
        limits = (child / "limits").read_text()
        assert sum(1 for _ in (child / "fd").iterdir()) <= 4
        values.close()
    expected = {"Max file size": "0", "Max core file size": "0", "Max open files": "32"}
    for name, value in expected.items():
        assert [line.split(name)[1].split()[0] for line in limits.splitlines() if name in line] == [
            value
        ]
