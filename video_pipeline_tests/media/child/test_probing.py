"""Probing says what is really in a file, exactly."""

from fractions import Fraction

import pytest

from video_pipeline.domain.errors import MediaError
from video_pipeline.domain.time import TimeRange


def test_rates_and_durations_are_exact(room, make, film):
    """29.97 is 30000/1001, and 60 such frames last 60 times 1001/30000 seconds."""
    media = room.probe(make(film(frames=60, rate=Fraction(30000, 1001), audio="aac")))
    assert media.video.frame_rate.per_second == Fraction(30000, 1001)
    assert media.video.duration == Fraction(60 * 1001, 30000)
    assert (media.video.variable_rate, media.video.frames) == (False, 60)
    assert media.extent == TimeRange(start=Fraction(0), end=media.duration)
    assert (media.video.codec, media.audio.codec) == ("h264", "aac")
    assert (media.audio.sample_rate, media.audio.channels) == (48_000, 1)
    assert media.warnings == ()


@pytest.mark.parametrize(
    ("name", "codec", "container"),
    [
        ("a.mp4", "libx264", "mp4"),
        ("a.mov", "libx264", "mov"),
        ("a.mkv", "libx264", "matroska"),
        ("a.avi", "mpeg4", "avi"),
        ("a.ts", "libx264", "mpegts"),
        ("a.flv", "libx264", "flv"),
        ("a.mpg", "mpeg2video", "mpeg"),
    ],
)
def test_containers_have_one_short_name_and_keep_the_length(
    room, make, film, name, codec, container
):
    media = room.probe(make(film(name=name, codec=codec)))
    assert media.container == container
    assert media.video.frame_rate.per_second == 25
    assert abs(media.video.duration - 2) <= media.video.time_base
    assert not media.video.variable_rate


def test_variable_rate_is_detected(room, make, film):
    ticks = tuple(number * 40 + (number % 3) * 11 for number in range(50))
    media = room.probe(make(film(ticks=ticks, time_base=Fraction(1, 1000))))
    assert media.video.variable_rate


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_width_and_height_are_as_shown_after_rotation(room, make, film, rotation):
    video = room.probe(make(film(rotation=rotation))).video
    assert video.rotation == rotation
    assert (video.width, video.height) == ((160, 120) if rotation == 180 else (120, 160))


def test_width_is_as_shown_with_pixels_that_are_not_square(room, make, film):
    video = room.probe(make(film(aspect=Fraction(4, 3), size=(90, 60)))).video
    assert (video.width, video.height) == (120, 60)


def test_odd_sizes_are_sizes(room, make, film):
    video = room.probe(make(film(name="odd.mkv", size=(161, 91)))).video
    assert (video.width, video.height) == (161, 91)


def test_silent_video_has_no_audio_stream(room, make, film):
    media = room.probe(make(film()))
    assert (media.audio, media.warnings) == (None, ())


def test_audio_without_video_is_probed_with_a_warning(room, make, film):
    media = room.probe(make(film(name="a.wav", codec=None, audio="pcm_s16le")))
    assert media.video is None
    assert media.duration == 2
    assert media.warnings == ("it has no video",)


def test_the_longest_stream_gives_the_duration(room, make, film):
    media = room.probe(make(film(name="a.mkv", audio="pcm_s16le", audio_seconds=5)))
    assert (media.video.duration, media.duration) == (2, 5)


def test_streams_keep_their_start_on_the_containers_clock(room, make, film):
    """Time zero is the first frame; where it lies in the container is the video's start."""
    ticks = tuple(range(25, 75))
    media = room.probe(make(film(name="a.mkv", ticks=ticks, audio="pcm_s16le")))
    assert (media.video.start, media.audio.start) == (1, 0)
    assert (media.video.duration, media.duration) == (2, 2)


def test_frame_larger_than_the_limit_is_refused(room_with, make, film):
    with pytest.raises(MediaError, match=r"160 x 120.*max_pixels"):
        room_with(max_pixels=160 * 119).probe(make(film()))


def test_wrong_claims_of_a_container_are_warned_about(room, make, film, tmp_path):
    """The packets decide, not the header."""
    honest = make(film(name="a.avi", codec="mpeg4")).read_bytes()
    header = honest.index(b"strh") + 8 + 32
    path = tmp_path / "liar.avi"
    path.write_bytes(honest[:header] + (10**6).to_bytes(4, "little") + honest[header + 4 :])
    media = room.probe(path)
    assert media.video.duration == 2
    assert any("the container claims 40000.0 s" in warning for warning in media.warnings)


@pytest.mark.parametrize(
    ("codec", "audio", "names"),
    [
        ("libsvtav1", "libmp3lame", ("av1", "mp3")),
        ("libvpx-vp9", "libopus", ("vp9", "opus")),
        ("libvpx", "mp2", ("vp8", "mp2")),
    ],
)
def test_codecs_are_named_not_their_decoders(room, make, film, codec, audio, names):
    media = room.probe(make(film(name="a.mkv", codec=codec, audio=audio, frames=10)))
    assert (media.video.codec, media.audio.codec) == names


@pytest.mark.parametrize(
    ("name", "codec", "reel"),
    [
        ("a.mov", "libx264", "A001"),
        ("a.mp4", "libx264", None),
        ("a.mkv", "libx264", "A001"),
        ("a.mxf", "mpeg2video", "A001"),
    ],
)
def test_timecode_and_reel_are_read(room, make, film, name, codec, reel):
    tags = (("timecode", "01:00:00:12"), ("reel_name", "A001"))
    media = room.probe(make(film(name=name, codec=codec, tags=tags)))
    assert (media.timecode, media.reel, media.warnings) == ("01:00:00:12", reel, ())


def test_timecode_of_the_first_picture_is_read(room, make, film):
    codes = (("gop_timecode", "01:00:00:00"),)
    stamped = make(film(name="a.mpg", codec="mpeg2video", options=codes))
    assert room.probe(stamped).timecode == "01:00:00:00"
    assert room.probe(make(film(name="a.mpg", codec="mpeg2video"))).timecode is None


def test_drop_frame_timecode_keeps_its_semicolon(room, make, film):
    tags = (("timecode", "10:00:00;02"),)
    media = room.probe(make(film(name="a.mov", rate=Fraction(30000, 1001), tags=tags)))
    assert media.timecode == "10:00:00;02"


@pytest.mark.parametrize("text", ["01:00:00:40", "yesterday"])
def test_invalid_timecode_is_left_out_with_a_warning(room, make, film, text):
    media = room.probe(make(film(name="a.mkv", tags=(("timecode", text),))))
    assert media.timecode is None
    assert len(media.warnings) == 1 and "its timecode is left out: " in media.warnings[0]
