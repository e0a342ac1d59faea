"""What raw pages of Amazon Transcribe become: exact times, marks, speakers, languages."""

import json
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import FrameRate
from video_pipeline.providers.aws.transcribe.words import transcript
from video_pipeline_tests.providers.aws.cases import case

RATE = Fraction(30000, 1001)


def video(audio_start: Fraction = Fraction(0), duration: int = 60) -> MediaInfo:
    """The facts of a video whose sound begins at a moment of its own."""
    return MediaInfo(
        container="mp4",
        size=1,
        sha256="0" * 64,
        duration=Fraction(duration),
        video=VideoStream(
            codec="h264",
            width=1280,
            height=720,
            frame_rate=FrameRate(per_second=RATE),
            time_base=1 / RATE,
            start=Fraction(1),
            duration=Fraction(duration),
        ),
        audio=AudioStream(
            codec="aac",
            sample_rate=48000,
            channels=2,
            start=1 + audio_start,
            duration=Fraction(duration),
        ),
    )


def word(text: str, start: str, end: str, confidence: str | None = "0.9", **more: Any) -> Any:
    reading = {"content": text} | ({} if confidence is None else {"confidence": confidence})
    times = {"start_time": start, "end_time": end}
    return {"type": "pronunciation", "alternatives": [reading], **times, **more}


def mark(text: str, **more: Any) -> Any:
    alternatives = [{"confidence": "0.0", "content": text}]
    return {"type": "punctuation", "alternatives": alternatives, **more}


def pages(
    items: Sequence[Any], record: dict[str, Any] | None = None, **results: Any
) -> list[bytes]:
    said = " ".join(item["alternatives"][0]["content"] for item in items)
    document = {
        "jobName": "video-pipeline-x",
        "accountId": "000000000000",
        "status": "COMPLETED",
        "results": {"transcripts": [{"transcript": said}], "items": list(items), **results},
    }
    return [json.dumps(record or {}).encode(), json.dumps(document).encode()]


def read(
    items: Sequence[Any],
    media: MediaInfo | None = None,
    record: dict[str, Any] | None = None,
    asked: str | None = None,
    **results: Any,
) -> Transcript:
    return transcript(pages(items, record, **results), media or video(), asked)


def test_times_are_exact_and_marks_belong_to_the_word_before() -> None:
    found = read([word("Rain", "0.009", "0.37"), word("fell", "0.38", "0.7"), mark(".")])
    assert [one.text for one in found.words] == ["Rain", "fell."]
    assert found.words[0].range.start == Fraction(9, 1000)
    assert found.words[1].range.end == Fraction(7, 10)
    assert found.words[0].confidence == 0.9
    assert found.segments[0].text == "Rain fell."


def test_start_after_the_next_word_is_clamped() -> None:
    found = transcript([b"{}", case("transcribe_start_after_end")], video(), None)
    assert [one.text for one in found.words] == ["one,", "two", "three"]
    assert found.segments[0].text == "one, two three"
    assert found.words[1].range.start == Fraction(46, 100)
    late = read([word("one", "0.6", "0.7"), word("two", "0.5", "0.9"), mark(".")])
    assert [(one.text, one.range.start) for one in late.words] == [
        ("one", Fraction(1, 2)),
        ("two.", Fraction(1, 2)),
    ]


@pytest.mark.parametrize(
    ("starts", "expected"),
    [
        ((0, 1, 2, 3, 4), (0, 1, 2, 3, 4)),
        ((0, 1, 50, 3, 4), (0, 1, 3, 3, 4)),  # one much too late
        ((0, 1, 2, 3, 1), (0, 1, 2, 3, 3)),  # one too early, at the end
        ((9, 0, 1), (0, 0, 1)),
    ],
)
def test_only_a_word_out_of_order_is_moved(
    starts: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    given = [word(f"w{n}", str(at), f"{at}.5") for n, at in enumerate(starts)]
    found = read([*given, mark(".")]).words
    assert [one.range.start for one in found] == list(expected)
    assert all(one.range.end <= max(expected) + 1 for one in found)


def test_a_mark_that_opens_belongs_to_the_word_after() -> None:
    found = read([mark("¿"), word("Llueve", "1", "1.5"), mark("?")])
    assert [one.text for one in found.words] == ["¿Llueve?"]


def test_marks_without_any_word_are_no_transcript() -> None:
    assert read([mark("."), mark("?")]) == Transcript()


def test_the_clock_is_that_of_the_video() -> None:
    late = read([word("Late", "0.5", "1.0")], video(Fraction(1, 3)))
    early = read([word("Early", "0.1", "1.0")], video(Fraction(-1, 2)))
    assert late.words[0].range.start == Fraction(5, 6)
    assert (early.words[0].range.start, early.words[0].range.end) == (0, Fraction(1, 2))


def test_words_are_clipped_to_the_video() -> None:
    found = read([word("Past", "59.9", "61.5"), word("over", "61.6", "62")])
    assert [one.range.end for one in found.words] == [60, 60]


def test_silence_is_an_empty_transcript_without_a_language() -> None:
    record = {"LanguageCode": "en-US", "IdentifiedLanguageScore": 0.4}
    assert read([], record=record) == Transcript()


def test_audio_segments_are_used_with_their_text() -> None:
    items = [word("Good", "0", "1", id=0), mark(",", id=1), word("yes", "1", "2", id=2)]
    items += [word("Well", "3", "4", id=3)]
    stretches = [
        {"id": 0, "transcript": "Good, yes", "items": [0, 1, 2], "start_time": "0"},
        {"id": 1, "transcript": "Well", "items": [3], "start_time": "3"},
    ]
    found = read(items, audio_segments=stretches)
    assert [one.text for one in found.segments] == ["Good, yes", "Well"]
    assert [len(one.words) for one in found.segments] == [2, 1]


def test_sentence_or_pause_ends_a_segment() -> None:
    items = [word("One", "0", "1"), mark("."), word("Two", "1.1", "2"), word("three", "3", "4")]
    items += [word("four", "4.9", "5")]
    assert [one.text for one in read(items).segments] == ["One.", "Two", "three four"]


def test_a_change_of_speaker_ends_a_segment() -> None:
    items = [
        word("Hello", "0", "1", speaker_label="spk_0"),
        word("hello", "1", "2", speaker_label="spk_1"),
    ]
    found = read(items)
    assert [(one.speaker, one.text) for one in found.segments] == [
        ("spk_0", "Hello"),
        ("spk_1", "hello"),
    ]
    assert found.words[1].speaker == "spk_1"


def test_speakers_are_found_where_items_do_not_name_them() -> None:
    turns = [
        {"start_time": "0.0", "end_time": "1.0", "speaker_label": "spk_0"},
        {"start_time": "1.0", "end_time": "2.0", "speaker_label": "spk_1"},
    ]
    labels = {"speakers": 2, "segments": [{"speaker_label": "spk_0", "items": turns}]}
    found = read([word("a", "0.0", "1.0"), word("b", "1.0", "2.0")], speaker_labels=labels)
    assert found.speakers == ("spk_0", "spk_1")


def test_simultaneous_speakers_keep_their_times_in_order() -> None:
    items = [
        word("long", "0", "4", id=0, speaker_label="spk_0"),
        word("talk", "6", "9", id=1, speaker_label="spk_0"),
        word("but", "4.5", "5", id=2, speaker_label="spk_1"),
    ]
    stretches = [
        {"id": 0, "transcript": "long talk", "items": [0, 1], "speaker_label": "spk_0"},
        {"id": 1, "transcript": "but", "items": [2], "speaker_label": "spk_1"},
    ]
    found = read(items, audio_segments=stretches)
    assert [(one.speaker, one.text) for one in found.segments] == [
        ("spk_0", "long"),
        ("spk_1", "but"),
        ("spk_0", "talk"),
    ]


def test_word_of_a_filter_is_flagged() -> None:
    found = read([word("Oh", "0", "1"), word("heck", "1", "2", vocabularyFilterMatch=True)])
    assert [one.flagged for one in found.words] == [False, True]
    assert ["flagged" in one.model_dump() for one in found.words] == [False, True]


def test_redacted_word_has_no_confidence() -> None:
    hidden = word("[PII]", "1", "2", None)
    hidden["alternatives"][0]["redactions"] = [{"confidence": "0.99", "type": "NAME"}]
    found = read([word("Ask", "0", "1", ""), hidden, mark(".")])
    assert [one.text for one in found.words] == ["Ask", "[PII]."]
    assert [one.confidence for one in found.words] == [None, None]


def test_requested_language_has_no_confidence() -> None:
    record = {"LanguageCode": "en-GB"}
    found = read([word("Hi", "0", "1")], record=record, asked="en")
    assert (found.language, found.language_confidence) == ("en", None)


def test_identified_language_has_a_confidence() -> None:
    guesses = [{"score": "0.87", "code": "de-DE"}, {"score": "0.1", "code": "nl-NL"}]
    found = read([word("Ja", "0", "1")], language_code="de-DE", language_identification=guesses)
    assert (found.language, found.language_confidence) == ("de", 0.87)


def test_language_is_read_from_record_if_not_in_result() -> None:
    record = {"LanguageCode": "sv-SE", "IdentifiedLanguageScore": 0.75}
    found = read([word("Ja", "0", "1")], record=record)
    assert (found.language, found.language_confidence) == ("sv", 0.75)


def test_language_is_the_one_spoken_longest() -> None:
    codes = [
        {"language_code": "en-US", "duration_in_seconds": 4.5},
        {"language_code": "es-US", "duration_in_seconds": 30.25},
    ]
    items = [word("Hola", "0", "1", language_code="es-US")]
    assert read(items, language_codes=codes).language == "es"
    shares = [{"LanguageCode": "fr-FR", "DurationInSeconds": 9.0}]
    assert read(items, record={"LanguageCodes": shares}).language == "fr"


def test_some_languages_have_no_blanks_between_words() -> None:
    items = [word("雨", "0", "1"), word("です", "1", "2"), mark("。")]
    assert read(items, language_code="ja-JP").segments[0].text == "雨です。"


@pytest.mark.parametrize(
    "broken",
    [
        [b"{}", b"not json"],
        [b"{}"],
        [b"{}", b"{}", b"{}"],
        [b"{}", b'{"results": {}}'],
        [b"{}", b'{"results": {"items": [{"type": "pronunciation", "alternatives": []}]}}'],
        [b"{}", b"[" * 100_000],
        [b"{}", b"\xff\xfe"],
        pages([{"type": "pronunciation", "alternatives": [{"content": "never"}]}]),
        pages([word("When", "soon", "later")]),
        [b"{}", case("transcribe_huge_exponent")],
        pages([word("When", "1" * 201, "2")]),
        [b"{}", b'{"results": {"items": [], "language_codes": [{"duration_in_seconds": 1e9999}]}}'],
        [b"{}", b'{"results": {"items": ' + b"[" * 101 + b"]" * 101 + b"}}"],
        [b'{"IdentifiedLanguageScore": NaN}', b'{"results": {"items": []}}'],
    ],
)
def test_invalid_pages_are_refused(broken: list[bytes]) -> None:
    with pytest.raises(ValueError):
        transcript(broken, video(), None)


moments = st.integers(0, 70_000).map(lambda n: f"{n / 1000:.3f}")


@given(
    st.lists(st.tuples(moments, moments, st.sampled_from(["spk_0", "spk_1", None])), max_size=30),
    st.fractions(-5, 5, max_denominator=90_000),
)
def test_any_result_is_ordered_and_within_the_video(
    spoken: list[tuple[str, str, str | None]], shift: Fraction
) -> None:
    media = video(shift)
    items = [word("w", start, end, speaker_label=who) for start, end, who in spoken]
    found = read(items, media)
    assert len(found.words) == len(items)
    assert all(one.range.within(media.extent) for one in (*found.words, *found.segments))
    for several in (found.words, found.segments):
        assert all(a.range.start <= b.range.start for a, b in pairwise(several))
