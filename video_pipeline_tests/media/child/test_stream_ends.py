"""Frames, rate and length are of what is shown, whatever the container counts."""

from fractions import Fraction

import av
import pytest

from video_pipeline.plugins.inputs import Frames
from video_pipeline_tests.media.boxes import with_edits
from video_pipeline_tests.media.field_pictures import write_fields

GRAY = Frames(width=16, height=16, pixel_format="gray")
SECOND = 12_800


def _facts(media):
    video = media.video
    return video.frames, video.frame_rate.per_second, video.variable_rate, video.duration


def _decoded(end):
    return end.frames, end.frame_rate.per_second, end.variable_rate, end.end


@pytest.mark.parametrize(
    ("edits", "frames", "varies", "length"),
    [
        ([(2000, 1024 + SECOND)], 50, False, 2),  # from a frame that is no keyframe
        ([(2000, -1), (4000, 1024)], 100, False, 4),  # nothing is shown at first
        ([(1000, 1024), (1000, 1024 + 3 * SECOND)], 50, True, Fraction(52, 25)),
    ],
)
def test_edit_list_tells_what_is_shown(room, make, film, tmp_path, edits, frames, varies, length):
    path = tmp_path / "edited.mp4"
    path.write_bytes(with_edits(make(film(frames=100, keyframes=250)).read_bytes(), *edits))
    assert _facts(room.probe(path)) == (frames, 25, varies, length)
    end = room.decode(path, GRAY).end
    assert (end.frames, end.variable_rate, end.end) == (frames, varies, length)


def test_edit_list_of_a_large_file_is_read_from_its_index(room, make, film, tmp_path):
    film = with_edits(make(film(frames=100)).read_bytes(), (2000, 1024 + SECOND))
    path = tmp_path / "large.mp4"
    with path.open("wb") as out:
        out.write(film + (65 << 20).to_bytes(4, "big") + b"free")
        out.truncate(len(film) + (65 << 20))
    assert _facts(room.probe(path)) == (50, 25, False, 2)


def test_fragments_are_counted(room, make, film, tmp_path):
    path = tmp_path / "fragments.mp4"
    options = {"movflags": "frag_keyframe+empty_moov"}
    with (
        av.open(str(make(film(frames=60)))) as whole,
        av.open(str(path), "w", options=options) as out,
    ):
        stream = out.add_stream_from_template(whole.streams.video[0])
        for packet in whole.demux(video=0):
            if packet.size:
                packet.stream = stream
                out.mux(packet)
    assert _facts(room.probe(path)) == (60, 25, False, Fraction(12, 5))


@pytest.mark.parametrize("paired", [False, True])
@pytest.mark.parametrize("name", ["a.ts", "a.mkv", "a.mp4"])
def test_two_fields_are_one_frame(room, tmp_path, name, paired):
    path = tmp_path / name
    write_fields(path, 60, 25, paired=paired)
    assert _facts(room.probe(path)) == (60, 25, False, Fraction(12, 5))
    assert _decoded(room.decode(path, GRAY).end) == (60, 25, False, Fraction(12, 5))


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_still_of_an_hour_lasts_an_hour(room, make, film, name):
    path = make(
        film(name=name, frames=3, ticks=(0, 1_800_000, 3_600_000), time_base=Fraction(1, 1000))
    )
    media, end = room.probe(path), room.decode(path, GRAY).end
    assert media.video.frames == end.frames == 3
    assert end.last == 3600
    assert media.video.duration == end.end


def test_240_frames_a_second_are_all_seen(room, make, film):
    path = make(film(frames=240, rate=Fraction(240), size=(32, 32)))
    assert _facts(room.probe(path)) == (240, 240, False, 1)
    assert _decoded(room.decode(path, GRAY).end) == (240, 240, False, 1)


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv"])
def test_video_of_one_frame_is_a_video(room, make, film, name):
    path = make(film(name=name, frames=1))
    media = room.probe(path)
    assert (media.video.frames, media.video.variable_rate) == (1, False)
    assert room.decode(path, GRAY).end.frames == 1
