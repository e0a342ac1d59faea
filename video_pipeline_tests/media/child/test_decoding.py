"""Decoding gives every frame once, in order, at its exact moment, to all feeds."""

import io
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from video_pipeline.domain.errors import MediaError
from video_pipeline.media.child.candidates import _Changes
from video_pipeline.media.reader import CandidateSpec, FedFrames
from video_pipeline.plugins.inputs import Frames
from video_pipeline_tests.doubles.delivery import draw
from video_pipeline_tests.media.boxes import with_matrix

GRAY = Frames(width=40, height=30, pixel_format="gray")


def test_every_frame_arrives_once_in_order(room, make, film, brightness):
    decoded = room.decode(make(film(frames=100)), GRAY)
    assert decoded.numbers == [list(range(100))]
    assert (decoded.end.frames, decoded.end.warnings) == (100, ())
    seen = decoded.frames[0][:, 25, 35]
    assert np.abs(seen - np.array([brightness(n) for n in range(100)])).max() <= 3


@pytest.mark.parametrize("rate", [Fraction(30000, 1001), Fraction(24000, 1001), Fraction(25)])
def test_moments_and_the_end_are_exact(room, make, film, rate):
    decoded = room.decode(make(film(frames=60, rate=rate)), GRAY)
    assert decoded.moments == [[number / rate for number in range(60)]]
    assert (decoded.end.last, decoded.end.end) == (59 / rate, 60 / rate)
    assert (decoded.end.frame_rate.per_second, decoded.end.variable_rate) == (rate, False)


def test_a_variable_rate_keeps_each_moment(room, make, film):
    ticks = tuple(number * 40 + (number % 3) * 11 for number in range(50))
    path = make(film(name="a.mkv", ticks=ticks, time_base=Fraction(1, 1000)))
    decoded = room.decode(path, GRAY)
    assert decoded.moments == [[Fraction(tick, 1000) for tick in ticks]]
    assert decoded.end.variable_rate


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4", "a.ts"])
def test_time_zero_is_the_first_frame(room, make, film, name):
    path = make(film(name=name, ticks=tuple(range(25, 75)), audio="aac"))
    decoded = room.decode(path, GRAY)
    assert decoded.moments[0][0] == 0
    assert abs(decoded.moments[0][-1] - Fraction(49, 25)) < Fraction(1, 500)


def test_probing_and_decoding_agree_on_the_end(room, make, film):
    path = make(film(frames=60, rate=Fraction(30000, 1001)))
    assert room.decode(path, GRAY).end.end == room.probe(path).video.duration


def test_one_decode_serves_several_consumers(room, make, film):
    """Give each consumer its size, pixel format and step. Numbers count all frames."""
    feeds = (
        Frames(width=80),
        Frames(width=49, height=27, every=3),
        Frames(width=33, height=21, pixel_format="gray"),
    )
    decoded = room.decode(make(film(frames=50)), *feeds)
    assert [frames.shape for frames in decoded.frames] == [
        (50, 60, 80, 3),
        (17, 27, 49, 3),
        (50, 21, 33),
    ]
    assert decoded.numbers[1] == list(range(0, 50, 3))
    assert decoded.moments[1] == decoded.moments[0][::3]


def test_a_step_longer_than_a_batch_keeps_its_numbers(room, make, film):
    decoded = room.decode(make(film(frames=100)), Frames(width=16, height=12, every=2))
    assert decoded.numbers == [list(range(0, 100, 2))]


@pytest.mark.parametrize(
    "changes",
    [
        {"pixels": "yuv420p10le"},
        {"pixels": "yuv420p10le", "hdr": True},
        {"codec": "prores_ks", "name": "a.mov", "pixels": "yuv422p10le"},
        {"keyframes": 10_000, "options": (("sc_threshold", "0"),)},
        {"name": "a.ts", "options": (("flags", "+ildct+ilme"), ("x264-params", "tff=1"))},
    ],
    ids=["10 bits", "PQ", "ProRes", "one keyframe", "interlaced"],
)
def test_unusual_video_decodes_to_8_bits(room, make, film, brightness, changes):
    path = make(film(frames=60, **changes))
    decoded = room.decode(path, GRAY)
    assert (decoded.end.frames, decoded.end.end, decoded.end.warnings) == (60, Fraction(12, 5), ())
    assert room.probe(path).video.frames == 60
    seen = decoded.frames[0][:, 25, 35]
    assert np.abs(seen - np.array([brightness(n) for n in range(60)])).max() <= 5


def test_colours_are_in_the_requested_order(room, make, film):
    path = make(film(colour=(200, 100, 50)))
    rgb, bgr = room.decode(path, Frames(width=40), Frames(width=40, pixel_format="bgr24")).frames
    assert np.abs(rgb[0, 25, 35].astype(int) - (200, 100, 50)).max() <= 4
    assert np.abs(bgr[0, 25, 35].astype(int) - (50, 100, 200)).max() <= 4


@pytest.mark.parametrize(
    ("rotation", "white"),
    [(0, (0, 0)), (90, (0, 1)), (180, (1, 1)), (270, (1, 0))],
)
def test_frames_are_turned_as_shown(room, make, film, rotation, white):
    """The upper left quarter, white, goes to (row, column) as the picture is turned clockwise."""
    decoded = room.decode(
        make(film(rotation=rotation, colour=(60, 60, 60))), Frames(width=60, pixel_format="gray")
    )
    frame = decoded.frames[0][0]
    assert frame.shape == ((80, 60) if rotation in (90, 270) else (44, 60))
    assert _white(frame) == [white]


@pytest.mark.parametrize(
    ("matrix", "shape", "white"),
    [
        ((0, 0, 0, 0), (44, 60), (0, 0)),  # no matrix at all, as some writers leave it
        ((-1, 0, 0, 1), (44, 60), (0, 1)),
        ((1, 0, 0, -1), (44, 60), (1, 0)),
        ((0, 1, 1, 0), (80, 60), (0, 0)),
        ((0, -1, -1, 0), (80, 60), (1, 1)),
    ],
)
def test_frames_are_mirrored_as_shown(room, make, film, tmp_path, matrix, shape, white):
    path = tmp_path / "mirrored.mp4"
    path.write_bytes(with_matrix(make(film(colour=(60, 60, 60))).read_bytes(), *matrix))
    feed = Frames(width=60, pixel_format="gray")
    decoded = room.decode(path, feed, candidates=CandidateSpec(width=60))
    assert decoded.frames[0][0].shape == shape
    assert _white(decoded.frames[0][0]) == [white]
    with av.open(io.BytesIO(decoded.candidates[0].jpeg), "r") as jpeg:
        assert _white(next(jpeg.decode(video=0)).to_ndarray(format="gray")) == [white]


def _white(frame):
    """Return the quarters (row, column) that are white."""
    rows, columns = (size // 4 for size in frame.shape)
    quarters = [(r, c) for r in (0, 1) for c in (0, 1)]
    return [(r, c) for r, c in quarters if frame[rows * (2 * r + 1), columns * (2 * c + 1)] > 200]


def test_decode_without_height_keeps_the_displayed_shape(room, make, film):
    path = make(film(aspect=Fraction(4, 3), size=(90, 60)))
    assert room.decode(path, Frames(width=60)).frames[0].shape == (50, 30, 60, 3)


def test_odd_sizes_decode(room, make, film):
    path = make(film(name="odd.mkv", size=(161, 91)))
    assert room.decode(path, Frames(width=161, height=91)).frames[0].shape == (50, 91, 161, 3)


def test_candidates_are_jpegs_at_least_so_far_apart(room, make, film):
    spec = CandidateSpec(width=80, every=Fraction(9, 10))
    decoded = room.decode(make(film(frames=100, colour=(60, 60, 60))), candidates=spec)
    assert [candidate.at for candidate in decoded.candidates] == [
        Fraction(number, 25) for number in (0, 23, 46, 69, 92)
    ]
    assert {candidate.begins for candidate in decoded.candidates} == {None}
    with av.open(io.BytesIO(decoded.candidates[2].jpeg)) as jpeg:
        frame = next(jpeg.decode(video=0))
    assert (frame.width, frame.height) == (80, 60)


def test_each_change_has_a_settled_candidate(room, tmp_path):
    """Shots begin at frames 30, 31 and 60. The one of a single frame has its only frame."""
    shades = [40] * 30 + [200] + [90] * 29 + [150] * 3
    path = draw(tmp_path / "cuts.mkv", (np.full((90, 160, 3), s, np.uint8) for s in shades))
    decoded = room.decode(path, candidates=CandidateSpec(every=Fraction(60)))
    found = [(c.at * 25, None if c.begins is None else c.begins * 25) for c in decoded.candidates]
    assert found == [(0, None), (30, 30), (36, 31), (62, 60)]


def test_half_of_the_candidates_are_for_changes(room, tmp_path):
    shades = ([40] * 10 + [200] * 10) * 3 + [40] * 60
    path = draw(tmp_path / "many.mkv", (np.full((90, 160, 3), s, np.uint8) for s in shades))
    spec = CandidateSpec(every=Fraction(1), most=6)
    decoded = room.decode(path, candidates=spec)
    changes = [candidate for candidate in decoded.candidates if candidate.begins is not None]
    assert (len(changes), len(decoded.candidates)) == (3, 6)


def test_moments_give_the_frames_shown_then(room, make, film):
    wanted = (Fraction(1, 3), Fraction(1, 10), Fraction(300))
    spec = CandidateSpec(every=Fraction(60), moments=wanted)
    path = make(film(frames=20, colour=(60, 60, 60)))
    found = room.decode(path, candidates=spec).candidates
    assert [candidate.at * 25 for candidate in found] == [0, 2, 8, 19]


@pytest.mark.parametrize("pixels", ["yuv420p10le", "rgb24", "yuv444p", "gray", "nv12"])
def test_changes_are_seen_in_every_layout(pixels):
    changes = _Changes()
    frames = (np.full((36, 48, 3), shade, np.uint8) for shade in (40, 40, 40, 90, 90))
    laid_out = (av.VideoFrame.from_ndarray(one, "rgb24").reformat(format=pixels) for one in frames)
    assert [changes.begin_with(frame) for frame in laid_out] == [False, False, False, True, False]


def test_closing_the_iterator_ends_the_child(reader, room, make, film, children):
    path, before = make(film(frames=100)), children()
    media = room.probe(path)
    with path.open("rb") as source:
        values = reader.decode(source, media, [Frames(width=640)])
        assert isinstance(next(values), FedFrames)
        assert len(children() - before) == 1
        values.close()
        assert children() == before
        assert not source.closed


def test_children_sharing_a_descriptor_are_independent(reader, room, make, film):
    path = make(film(frames=100))
    media = room.probe(path)
    with path.open("rb") as source:
        source.seek(777)
        passes = [reader.decode(source, media, [Frames(width=320)]) for _ in range(2)]
        ends = [[*one][-1] for one in zip(*passes, strict=True)]
        assert source.tell() == 777
    assert ends[-1].decoded.frames == 100


def test_decode_without_video_raises(room, make, film, reader):
    path = make(film(name="a.wav", codec=None, audio="pcm_s16le"))
    media = room.probe(path)
    with path.open("rb") as source, pytest.raises(MediaError, match="no video"):
        next(reader.decode(source, media, [GRAY]))


def test_memory_does_not_grow_with_the_length(reader, room, make, film, children):
    """Twenty minutes take no more memory than one."""

    def peak(path):
        media, before, most = room.probe(path), children(), 0
        with path.open("rb") as source:
            for value in reader.decode(source, media, [Frames(width=32, height=24)]):
                if isinstance(value, FedFrames):
                    (child,) = children() - before
                    status = Path(f"/proc/{child}/status").read_text()
                    found = [line for line in status.splitlines() if line.startswith("VmHWM")]
                    most = int(found[0].split()[1]) if found else most
        return most

    minute = film(frames=600, rate=Fraction(10), size=(32, 32), codec="mpeg4")
    long = film(frames=12_000, rate=Fraction(10), size=(32, 32), codec="mpeg4")
    assert 0 < peak(make(long)) < peak(make(minute)) + 4096
