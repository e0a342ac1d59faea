"""A video is hostile: it reads nothing but itself, and what cannot be read is said."""

import os
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import av
import pytest

from video_pipeline.domain.errors import MediaError, SourceError
from video_pipeline.plugins.inputs import Frames

GRAY = Frames(width=40, height=30, pixel_format="gray")


class _Web(HTTPServer):
    """Counts who asks for what."""

    asked: list[str]


class _Handler(BaseHTTPRequestHandler):
    server: _Web

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        self.send_error(404)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def web() -> Iterator[_Web]:
    """A server that nobody may ask anything."""
    server = _Web(("127.0.0.1", 0), _Handler)
    server.asked = []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def victim(make, film, tmp_path) -> Path:
    """A video of another tenant."""
    path = tmp_path / "projects" / "globex" / "secret.mp4"
    path.parent.mkdir(parents=True)
    shutil.copy(make(film()), path)
    return path


@pytest.fixture
def hostile(tmp_path) -> Path:
    """Where the attacker's file goes."""
    path = tmp_path / "projects" / "acme" / "holiday.mp4"
    path.parent.mkdir(parents=True)
    return path


def _concat(target: str) -> str:
    return f"ffconcat version 1.0\nfile '{target}'\n"


def _playlist(target: str) -> str:
    return (
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:0\n"
        f"#EXTINF:2.0,\n{target}\n#EXT-X-ENDLIST\n"
    )


def _dash(target: str) -> str:
    return (
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
        'mediaPresentationDuration="PT2S"><Period><AdaptationSet mimeType="video/mp4">'
        f"<Representation id='1' bandwidth='1'><BaseURL>{target}</BaseURL></Representation>"
        "</AdaptationSet></Period></MPD>"
    )


def _session(target: str) -> str:
    return (
        f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns={target}\nc=IN IP4 127.0.0.1\nt=0 0\n"
        "m=video 5004 RTP/AVP 96\n"
    )


LISTS = [_concat, _playlist, _dash, _session]


@pytest.mark.parametrize("listing", LISTS)
def test_a_list_named_mp4_opens_no_other_file(room, victim, hostile, listing):
    hostile.write_text(listing(str(victim)))
    with pytest.raises(MediaError, match=r"holiday\.mp4: it cannot be read as a video"):
        room.probe(hostile)


@pytest.mark.parametrize("listing", LISTS)
def test_a_list_named_mp4_asks_no_server(room, web, hostile, listing):
    hostile.write_text(listing(f"http://127.0.0.1:{web.server_port}/x.mp4"))
    with pytest.raises(MediaError):
        room.probe(hostile)
    assert web.asked == []


def test_the_list_is_a_real_attack(victim, hostile):
    """Without the whitelist the same text shows the other tenant's frames."""
    hostile.write_text(_concat(str(victim)))
    with hostile.open("rb") as source, av.open(source, options={"safe": "0"}) as container:
        assert next(container.decode(video=0)).width == 160


def _alias(target: str) -> bytes:
    """A data reference (an Apple alias) to an absolute path."""
    path = target.replace("/", ":").encode()
    body = bytes(10) + bytes(28) + bytes(12) + bytes(64) + bytes(16)
    body += bytes(20)
    body += (2).to_bytes(2, "big") + len(path).to_bytes(2, "big") + path + bytes(len(path) % 2)
    body += (0xFFFF).to_bytes(2, "big") + bytes(2)
    return (len(body) + 12).to_bytes(4, "big") + b"alis" + bytes(4) + body


def _referring(film: bytes, target: str) -> bytes:
    """An MP4 whose index is at its end, with samples that lie in another file."""
    at = film.index(b"url \x00\x00\x00\x01") - 4
    alias = _alias(target)
    grown = bytearray(film[:at] + alias + film[at + 12 :])
    for box in (b"moov", b"trak", b"mdia", b"minf", b"dinf", b"dref"):
        start = film.index(box) - 4
        size = int.from_bytes(film[start : start + 4], "big") + len(alias) - 12
        grown[start : start + 4] = size.to_bytes(4, "big")
    samples = film.index(b"mdat") + 4
    return (
        bytes(grown[:samples])
        + bytes(film.index(b"moov") - 4 - samples)
        + bytes(grown[film.index(b"moov") - 4 :])
    )


def test_a_reference_to_another_file_is_not_followed(room, victim, hostile):
    hostile.write_bytes(_referring(victim.read_bytes(), str(victim)))
    with pytest.raises(MediaError):
        room.decode(hostile, GRAY)


def test_the_reference_is_a_real_attack(victim, hostile):
    """With references enabled the same file shows the other tenant's frames."""
    hostile.write_bytes(_referring(victim.read_bytes(), str(victim)))
    options = {"enable_drefs": "1", "use_absolute_path": "1"}
    with av.open(str(hostile), options=options) as container:
        assert next(container.decode(video=0)).width == 160


def test_a_symlink_is_refused(room, victim, hostile):
    hostile.symlink_to(victim)
    with pytest.raises(SourceError, match="symlink"):
        room.probe(hostile)


def test_non_regular_file_is_refused(reader):
    read, write = os.pipe()
    os.close(write)
    with os.fdopen(read, "rb") as pipe, pytest.raises(SourceError, match="no plain file"):
        reader.probe(pipe, "0" * 64)


@pytest.mark.parametrize(
    "content",
    [b"", b"Dear customer, here is the video.\n" * 99, bytes(100_000), b"\x00\x00\x00\x18ftypmp42"],
    ids=["empty", "text", "zeros", "only a header"],
)
def test_file_without_video_is_refused_with_a_remedy(room, hostile, content):
    hostile.write_bytes(content)
    with pytest.raises(MediaError) as refused:
        room.probe(hostile)
    assert refused.value.where == "holiday.mp4"
    assert refused.value.remedy


def test_an_mp4_without_its_end_is_refused(room, make, film, hostile):
    content = make(film()).read_bytes()
    hostile.write_bytes(content[: len(content) // 2])
    with pytest.raises(MediaError):
        room.probe(hostile)


def test_huge_frame_is_not_decoded(room, make, film, hostile):
    """The container claims 160 by 120 pixels, each picture 65,500 by 65,500."""
    content = make(film(name="a.avi", codec="mjpeg", frames=5)).read_bytes()
    honest, huge = b"\x00\x78\x00\xa0\x03", b"\xff\xdc\xff\xdc\x03"
    assert content.count(honest) >= 5
    hostile.write_bytes(content.replace(honest, huge))
    with pytest.raises(MediaError, match="not one frame can be decoded"):
        room.probe(hostile)


def test_a_video_without_a_frame_is_refused(room, make, film, hostile):
    content = bytearray(make(film()).read_bytes())
    start, end = content.index(b"mdat") + 4, content.index(b"moov") - 4
    content[start:end] = bytes(end - start)
    hostile.write_bytes(content)
    with pytest.raises(MediaError, match="not one frame"):
        room.probe(hostile)


@pytest.mark.parametrize("name", ["a.mkv", "a.ts", "fast.mp4"])
def test_truncated_file_is_decoded_with_a_warning(room, make, film, tmp_path, name):
    content = make(film(name=name, frames=200, faststart=name == "fast.mp4")).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) * 6 // 10])
    decoded = room.decode(path, GRAY)
    assert 80 <= decoded.end.frames < 140
    assert len(decoded.frames[0]) == decoded.end.frames
    warnings = room.probe(path).warnings + decoded.end.warnings
    assert name == "a.ts" or warnings


def test_damage_in_the_middle_is_counted_and_passed(room, make, film, tmp_path):
    content = bytearray(make(film(name="a.ts", codec="mpeg2video", frames=200)).read_bytes())
    middle = len(content) // 2
    content[middle : middle + 20_000] = os.urandom(20_000)
    path = tmp_path / "a.ts"
    path.write_bytes(content)
    decoded = room.decode(path, GRAY)
    assert decoded.end.frames > 100
    assert decoded.end.warnings
    assert all(a < b for a, b in zip(decoded.moments[0], decoded.moments[0][1:], strict=False))


def test_any_damage_raises_only_known_errors(room, make, film, tmp_path):
    """Decode or raise the media error, whichever byte is damaged."""
    content = make(film(frames=20, size=(64, 48), audio="aac")).read_bytes()
    path = tmp_path / "a.mp4"
    for place in range(0, len(content), len(content) // 12):
        damaged = bytearray(content)
        damaged[place : place + 16] = b"\xff" * len(damaged[place : place + 16])
        path.write_bytes(damaged)
        try:
            room.decode(path, GRAY)
        except MediaError as error:
            assert error.remedy


@pytest.mark.parametrize(
    ("begin", "kind"),
    [
        (b"GIF89a", "a GIF"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture"),
        (b"\x89PNG\r\n", "a PNG picture"),
        (b"RIFF\x10\0\0\0WEBPVP8 ", "a WebP picture"),
        (b"BM\x36\x10\0\0", "a BMP picture"),
        (b"II*\0", "a TIFF picture"),
        (b"MM\0*", "a TIFF picture"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL picture"),
        (b"\xff\x0a", "a JPEG XL picture"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "a JPEG 2000 picture"),
        (b"\0\0\0\x10ftypavif\0\0\0\0", "an AVIF picture"),
        (b"\0\0\0\x10ftypheic\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x10ftypheix\0\0\0\0", "a HEIC picture"),
        (b"\0\0\0\x10ftypmsf1\0\0\0\0", "a HEIF picture"),
        (b"\0\0\0\x14ftypxxxx\0\0\0\0mif1", "a HEIF picture"),
    ],
)
def test_a_picture_is_named_as_such(room, tmp_path, begin, kind):
    path = tmp_path / "still.mp4"
    path.write_bytes(begin + bytes(64))
    with pytest.raises(MediaError, match=f"it is {kind}") as raised:
        room.probe(path)
    assert "one of these kinds: mov, mp4" in raised.value.remedy


def test_films_one_after_the_other_are_refused(room, make, film, tmp_path):
    """A demuxer reads only the first, and says nothing."""
    path, content = tmp_path / "two.mp4", make(film(frames=5)).read_bytes()
    path.write_bytes(content * 2)
    with pytest.raises(MediaError, match="several films one after the other"):
        room.probe(path)
