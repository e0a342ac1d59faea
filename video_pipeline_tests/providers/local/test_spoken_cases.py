"""Recordings that Whisper `base` gets wrong, transcribed once each.

All four are spoken by espeak-ng: `loop` counts from zero to nine in French, `yes` is one word of
0.6 s, `elisions` a sentence in Italian, `bonjour` one word in French.
"""

import hashlib
import io
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import av
import pytest

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.results.timeline import Timeline, TimelineMedia
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.exports.captions import webvtt
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.truth.words import ignored_options
from video_pipeline.plugins.inputs import Inputs
from video_pipeline.providers.local.speech.faster_whisper import (
    FasterWhisperOptions,
    FasterWhisperPlugin,
)
from video_pipeline_tests.providers.conftest import new_request, new_unit

SPOKEN = Path(__file__).with_name("spoken")
Heard = dict[str, tuple[MediaInfo, Transcript]]


@pytest.fixture(scope="module")
def heard(model_cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Heard:
    """The facts and the transcript of each recording, by name."""
    plugin = FasterWhisperPlugin(FasterWhisperOptions(cache_folder=str(model_cache)))
    folder = tmp_path_factory.mktemp("spoken")
    reader, request = ChildMediaReader(), new_request(Phase.TRANSCRIPT)
    found: Heard = {}
    for path in sorted(SPOKEN.iterdir()):
        with path.open("rb") as source:
            media = reader.probe(source, hashlib.sha256(path.read_bytes()).hexdigest())
            audio = reader.audio(source, media, folder / path.stem)
        pages = plugin.call(new_unit(request), Inputs(audio=audio), lambda fraction: None)
        found[path.stem] = media, plugin.normalise(request, media, pages)
    return found


def test_loop_is_cut_with_a_warning(heard: Heard) -> None:
    _, transcript = heard["loop"]
    assert len(transcript.words) < 10
    assert any("as no speaker does" in warning for warning in transcript.warnings)


def test_words_with_an_apostrophe_are_whole(heard: Heard) -> None:
    words = [word.text for word in heard["elisions"][1].words]
    assert {"dell'avvocato", "dell'università"} <= set(words)
    assert not any(word.startswith(("'", "-")) for word in words)


def test_doubtful_language_is_found_with_a_remedy(heard: Heard) -> None:
    found = {name: _doubts(transcript) for name, (_, transcript) in heard.items()}
    assert found["elisions"] == []
    (doubt,) = found["bonjour"]
    assert "`language` of the phase" in str(doubt)


def _doubts(transcript: Transcript) -> list[Finding]:
    found = ignored_options(transcript, word_times=True, speakers=False, language=None)
    return [one for one in found if one.kind is FindingKind.UNSURE_LANGUAGE]


def test_words_of_every_case_are_within_the_media(heard: Heard) -> None:
    for media, transcript in heard.values():
        assert transcript.words
        assert all(word.range.within(media.extent) for word in transcript.words)
        ranges = [word.range for word in transcript.words]
        assert all(before.end <= after.start for before, after in pairwise(ranges))


def test_captions_of_every_case_can_be_read(heard: Heard) -> None:
    """No cue is shorter than 0.8 s, but for the only one of a recording of 0.6 s."""
    for media, transcript in heard.values():
        end = media.duration * 1000
        shown = _captions(media, transcript)
        assert all(until - start >= min(800, int(end)) for start, until, _ in shown)
        assert all(until <= end for _, until, _ in shown)
        assert all(one[1] <= other[0] for one, other in pairwise(shown))
        lines = [line for _, _, text in shown for line in text.split("\n")]
        assert " ".join(lines).split() == [word.text for word in transcript.words]
        assert not any(line.startswith(("'", "’", "-")) or line.endswith("'") for line in lines)


def test_caption_of_a_short_recording_ends_with_it(heard: Heard) -> None:
    media, transcript = heard["yes"]
    ((start, until, text),) = _captions(media, transcript)
    assert (start, until, text) == (0, int(media.duration * 1000), "Yes.")
    assert until < 700


def _captions(media: MediaInfo, transcript: Transcript) -> list[tuple[int, int, str]]:
    """Start and end in milliseconds, and text, of each cue as FFmpeg reads it."""
    timeline = Timeline(
        key=VideoKey(project="acme", video="spoken"),
        source_name="spoken",
        media=TimelineMedia.model_validate(dict(media)),
        phases=(),
        markers=(),
        transcript=transcript,
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    into = io.BytesIO()
    webvtt.write(timeline, into)
    with av.open(io.BytesIO(into.getvalue()), mode="r", format="webvtt") as container:
        packets = [packet for packet in container.demux() if packet.size]
    return [(p.pts or 0, (p.pts or 0) + (p.duration or 0), bytes(p).decode()) for p in packets]
