"""captions.vtt, by its own bytes and by what an independent reader, FFmpeg's, makes of them."""

import html
import io
import re
from collections.abc import Callable
from fractions import Fraction

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_pipeline.domain.results.timeline import Timeline
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.exports.captions import webvtt

Write = Callable[[Transcript], bytes]


@pytest.fixture
def write(make_timeline: Callable[[Transcript], Timeline]) -> Write:
    def write(transcript: Transcript) -> bytes:
        into = io.BytesIO()
        timeline = make_timeline(transcript)
        media = timeline.media.model_copy(update={"duration": Fraction(200 * 3600)})
        webvtt.write(timeline.model_copy(update={"media": media}), into)
        return into.getvalue()

    return write


def _segment(text: str, start: int, end: int, speaker: str | None = None) -> Segment:
    """A segment of one word, with its times in milliseconds."""
    spoken = TimeRange(start=Fraction(start, 1000), end=Fraction(end, 1000))
    return Segment(text=text, range=spoken, words=(Word(text=text, range=spoken),), speaker=speaker)


def _read(captions: bytes) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds, and payload, of each cue as FFmpeg finds it."""
    with av.open(io.BytesIO(captions), format="webvtt") as container:
        packets = [packet for packet in container.demux() if packet.size]
    return [(p.pts, p.pts + p.duration, bytes(p).decode()) for p in packets]


def test_without_speech_the_file_is_its_header(write: Write) -> None:
    assert write(Transcript()) == b"WEBVTT\n"
    assert _read(write(Transcript())) == []


def test_a_cue_has_times_voice_and_lines(write: Write) -> None:
    spoken = Transcript(segments=(_segment("Grüße,", 3_723_004, 3_725_000, "Zoë"),))
    assert write(spoken).decode() == ("WEBVTT\n\n01:02:03.004 --> 01:02:05.000\n<v Zoë>Grüße,\n")


def test_an_independent_reader_finds_the_same_cues(write: Write) -> None:
    spoken = Transcript(
        segments=(
            _segment("First", 0, 1500),
            _segment("second", 2000, 2001),
            _segment("3", 9000, 9900),
        )
    )
    assert _read(write(spoken)) == [(0, 1500, "First"), (2000, 3000, "second"), (9000, 10000, "3")]


def test_days_of_video_have_more_hours(write: Write) -> None:
    hours = 123 * 3_600_000
    assert b"123:00:00.000 --> 123:00:02.000" in write(
        Transcript(segments=(_segment("late", hours, hours + 2000),))
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("R&D", "R&amp;D"),
        ("a<b>c", "a&lt;b&gt;c"),
        ("-->", "--&gt;"),
        ("WEBVTT", "WEBVTT"),
        ("NOTE", "NOTE"),
    ],
)
def test_text_is_escaped(write: Write, text: str, shown: str) -> None:
    captions = write(Transcript(segments=(_segment(text, 0, 2000, f"Mr {text}"),)))
    assert [payload for _, _, payload in _read(captions)] == [f"<v Mr {shown}>{shown}"]


@given(st.lists(st.tuples(st.text(min_size=1), st.text(max_size=9)), min_size=1, max_size=6))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_keeps_every_cue_complete(write: Write, said: list[tuple[str, str]]) -> None:
    segments = tuple(
        _segment(text, n * 3000, n * 3000 + 1500, speaker) for n, (text, speaker) in enumerate(said)
    )
    expected = [
        " ".join(text.replace("\0", "\N{REPLACEMENT CHARACTER}").split()) for text, _ in said
    ]
    captions = write(Transcript(segments=segments)).decode()
    blocks = captions.removesuffix("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    shown = [html.unescape(re.sub("<v [^>]*>", "", block.split("\n")[1])) for block in blocks[1:]]
    assert shown == [text for text in expected if text]
