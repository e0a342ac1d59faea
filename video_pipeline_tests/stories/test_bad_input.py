"""Bad input fails with a clear message on its own video, and the other videos are done.

All files are in the ingest folder at once, found by two sweeps, and run through all phases.
"""

import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.pipeline.arrivals.round import Memory, receive
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.doubles.vendor import Vendor

Put = Callable[[str, bytes], Path]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Return a function that writes an object into the ingest folder."""

    def put(key: str, content: bytes) -> Path:
        path = tmp_path / "ingest" / "projects" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return path

    return put


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A loopback server, and the requested paths."""
    requested: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            requested.append(self.path)
            self.send_error(404)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/x.ts", requested
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def arrived(services: Services, vendor: Vendor) -> Callable[[], dict[str, dict[Phase, str]]]:
    """Return a function that sweeps twice, runs all arrivals, and returns the states by video."""
    vendor.default = "now"

    def arrived() -> dict[str, dict[Phase, str]]:
        now = datetime.now(UTC)
        first = receive(services, Memory(), now)
        found = receive(services, Memory(pending=first.looks.pending), now)
        ended = {str(key): run_video(services, key) for key in found.looks.arrived}
        return {
            key: {phase: f"{o.state}: {o.message}" for phase, o in outcomes.items()}
            for key, outcomes in ended.items()
        }

    return arrived


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def test_bad_files_fail_alone_with_a_remedy(
    arrived: Callable[[], dict[str, dict[Phase, str]]],
    services: Services,
    put: Put,
    web: tuple[str, list[str]],
    short_video: Path,
) -> None:
    good = short_video.read_bytes()
    address, requested = web
    victim = put("globex/videos/secret/secret.mp4", good)
    put("acme/videos/good/video.mp4", good)
    put("acme/videos/with space & ünïcode/my film.mp4", good)
    put("acme/videos/text/text.mp4", b"this is no video at all\n" * 100)
    put("acme/videos/cut/cut.mp4", good[:200])
    put("acme/videos/noise/noise.mp4", bytes(range(256)) * 64)
    put("acme/videos/concat/list.mp4", f"ffconcat version 1.0\nfile '{victim}'\n".encode())
    put("acme/videos/playlist/list.mp4", f"#EXTM3U\n#EXTINF:1,\n{address}\n".encode())
    put("acme/videos/empty-box/box.mp4", box(b"ftyp", b"isom\0\0\0\0isom") + box(b"moov", b""))
    states = arrived()
    bad = ("text", "cut", "noise", "concat", "playlist", "empty-box")
    for video in bad:
        probed = states[f"acme/{video}"][Phase.MEDIA_INFO]
        assert probed.startswith("failed: ") and probed.count(". ") >= 1, video
        status = services.of("acme").results.statuses(video)[Phase.MEDIA_INFO]
        assert f"{status.state}: {status.message}" == probed
    done = [key for key, phases in states.items() if Phase.EXPORTS in phases]
    assert sorted(done)[:1] + sorted(done)[-1:] == ["acme/good", "globex/secret"]
    (slug,) = set(done) - {"acme/good", "globex/secret"}
    assert slug.startswith("acme/with-space-unicode-")
    assert requested == []
    assert len(states) == len(bad) + 3


def test_unusable_objects_are_rejected_in_their_project(
    arrived: Callable[[], dict[str, dict[Phase, str]]],
    services: Services,
    put: Put,
    short_video: Path,
) -> None:
    good = short_video.read_bytes()
    put("acme/videos/zero/zero.mp4", b"")
    put("acme/videos/two/a.mp4", good)
    put("acme/videos/two/b.mp4", good)
    put("globex/videos/fine/fine.mp4", good)
    link = put("acme/videos/link/x.mp4", b"").with_name("x.mp4")
    link.unlink()
    link.symlink_to(short_video)
    assert set(arrived()) == {"globex/fine"}
    found = {r.object_key.split("/")[3]: r.reason for r in services.of("acme").videos.rejections()}
    assert set(found) == {"zero", "two", "link"}
    assert "a.mp4" in found["two"] and "b.mp4" in found["two"]
    assert services.of("globex").videos.rejections() == []


def test_video_without_audio_or_frames_is_done_with_warning(
    arrived: Callable[[], dict[str, dict[Phase, str]]],
    services: Services,
    put: Put,
    tmp_path: Path,
) -> None:
    put("acme/videos/mute/m.mp4", encode(tmp_path / "m.mp4", audio=False).read_bytes())
    put("acme/videos/blind/b.mp4", encode(tmp_path / "b.mp4", video=False).read_bytes())
    states = arrived()
    for video in ("mute", "blind"):
        assert states[f"acme/{video}"][Phase.EXPORTS].startswith(PhaseState.DONE)
    results = services.of("acme").results
    mute, blind = results.get("mute", Phase.TIMELINE), results.get("blind", Phase.TIMELINE)
    assert mute and any("no audio" in w for w in mute.warnings)
    assert blind and any("no video stream" in w for w in blind.warnings)
