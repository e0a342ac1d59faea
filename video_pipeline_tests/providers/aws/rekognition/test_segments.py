"""Segments become shots and cues: half-open, exact, by frames where those can be trusted."""

import json
from fractions import Fraction
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Marker
from video_pipeline.domain.time import FrameRate, Timecode
from video_pipeline_tests.providers.aws.cases import case
from video_pipeline_tests.providers.aws.rekognition.rekognising import media, plugin, units

NTSC = Fraction(30000, 1001)


def segment(first: int, end: int, rate: Fraction | int = 25, cue: str = "") -> dict[str, Any]:
    def floor(frame: int) -> int:
        return int(frame / Fraction(rate) * 1000)

    told: dict[str, Any] = (
        {"Type": "TECHNICAL_CUE", "TechnicalCueSegment": {"Type": cue, "Confidence": 90.0}}
        if cue
        else {"Type": "SHOT", "ShotSegment": {"Index": 0, "Confidence": 80.0}}
    )
    return told | {
        "StartFrameNumber": first,
        "EndFrameNumber": end,
        "StartTimestampMillis": floor(first),
        "EndTimestampMillis": floor(end),
    }


def page(*segments: dict[str, Any], rate: float = 25.0) -> bytes:
    return json.dumps(
        {"Segments": segments, "VideoMetadata": [{"DurationMillis": 60_000, "FrameRate": rate}]}
    ).encode()


def markers(of: MediaInfo, *pages: bytes) -> list[Marker]:
    made = plugin()
    (unit,) = units(made, ["shot", "technical-cue"], of)
    return list(made.normalise(unit.request, of, iter(pages)))


def ranges(found: list[Marker], rate: Fraction | int = 25) -> list[tuple[Fraction, Fraction]]:
    return [(m.range.start * rate, m.range.end * rate) for m in found]


def test_shot_ends_after_its_last_frame_and_cue_before() -> None:
    found = markers(media(), page(segment(0, 299), segment(0, 300, cue="BlackFrames")))
    assert [m.kind for m in found] == ["shot", "technical-cue"]
    assert ranges(found) == [(0, 300), (0, 300)]
    assert [m.label for m in found] == [None, "BlackFrames"]
    assert [m.confidence for m in found] == [0.8, 0.9]


def test_cues_that_follow_each_other_touch() -> None:
    cues = (segment(0, 300, cue="BlackFrames"), segment(300, 900, cue="Content"))
    black, content = markers(media(), page(*cues))
    assert black.range.end == content.range.start == 12


def test_soft_transition_leaves_no_gap_but_missing_shot_does() -> None:
    soft, hole = (segment(0, 99), segment(103, 199)), segment(300, 400)
    assert ranges(markers(media(), page(*soft, hole))) == [(0, 103), (103, 200), (300, 401)]


def test_last_shot_continues_to_the_end_of_the_video() -> None:
    assert ranges(markers(media(60), page(segment(1400, 1497)))) == [(1400, 1500)]
    assert ranges(markers(media(60), page(segment(1400, 1502)))) == [(1400, 1500)]


def test_last_shot_continues_to_the_end_beside_any_cues() -> None:
    shots = [segment(0, 1399), segment(1400, 1497)]
    cues = [segment(0, 100, cue="BlackFrames"), segment(1000, 1498, cue="Content")]
    shuffled = [cues[1], shots[1], cues[0], shots[0]]
    for rows in ([*shots, *cues], [*cues, *shots], shuffled):
        found = markers(media(60), page(*rows))
        assert ranges([m for m in found if m.kind == "shot"]) == [(0, 1400), (1400, 1500)]
        ends = [m.range.end * 25 for m in found if m.kind == "technical-cue"]
        assert ends == [100, 1498]


def test_shots_that_overlap_are_cut_at_the_later_one() -> None:
    found = markers(media(), page(segment(0, 120), segment(100, 200), segment(100, 250)))
    assert ranges(found) == [(0, 100), (100, 251)]


def test_cue_and_shot_have_at_least_one_frame() -> None:
    found = markers(media(), page(segment(10, 10), segment(500, 500, cue="Slate")))
    assert ranges(found) == [(10, 11), (500, 501)]


def test_segments_are_clipped_to_the_video() -> None:
    cues = (segment(1490, 1600, cue="EndCredits"), segment(1600, 1700, cue="BlackFrames"))
    assert ranges(markers(media(60), page(*cues))) == [(1490, 1500)]


def test_frames_at_29_97_are_exact() -> None:
    (found,) = markers(media(60, NTSC), page(segment(1, 29, NTSC), rate=29.97003))
    assert (found.range.start, found.range.end) == (Fraction(1001, 30000), Fraction(1001, 1000))


def test_missing_frame_numbers_use_drop_frame_timecodes() -> None:
    rate = FrameRate(per_second=NTSC)
    row = segment(1800, 1827, NTSC)
    del row["StartFrameNumber"], row["EndFrameNumber"]
    row |= {"StartTimecodeSMPTE": "00:01:00;02", "EndTimecodeSMPTE": "00:01:00;29"}
    (found,) = markers(media(120, NTSC), page(row, rate=29.97))
    first = Timecode.parse("00:01:00;02", rate).frames
    assert first == 1800
    assert found.range == rate.range_of(1800, 1828)


def test_missing_timecodes_use_milliseconds() -> None:
    row = segment(25, 49)
    del row["StartFrameNumber"], row["EndFrameNumber"]
    (found,) = markers(media(), page(row))
    assert ranges([found]) == [(25, 50)]


@pytest.mark.parametrize("of", [media(variable=True), media(rate=50)], ids=["varies", "another"])
def test_variable_rate_uses_milliseconds(of: MediaInfo) -> None:
    row = segment(0, 99) | {"StartTimestampMillis": 7_000, "EndTimestampMillis": 9_000}
    (found,) = markers(of, page(row))
    assert of.video
    frame = of.video.frame_rate.start_of(1)
    assert (found.range.start, found.range.end) == (7, 9 + frame)


def test_frame_numbers_of_another_clock_are_not_used() -> None:
    first, second = markers(media(600, 30), case("rekognition_rate_one_percent_off"))
    assert first.range.end == second.range.start == Fraction(302_928, 1000)


def test_row_that_contradicts_its_frames_uses_milliseconds() -> None:
    late = segment(9000, 9100, rate=30) | {"StartTimestampMillis": 302_928}
    late |= {"EndTimestampMillis": 306_000}
    (found,) = markers(media(600, 30), page(late, rate=30.0))
    assert found.range.start == Fraction(302_928, 1000)


def test_late_first_frame_does_not_contradict_frames() -> None:
    row = segment(100, 199) | {"StartTimestampMillis": 4_080, "EndTimestampMillis": 8_040}
    assert ranges(markers(media(), page(row))) == [(100, 200)]


def test_rows_in_no_order_are_sorted_and_cues_may_come_first() -> None:
    shots = [segment(n * 10, n * 10 + 9) for n in range(100)]
    cues = [segment(0, 300, cue="BlackFrames"), segment(300, 900, cue="Content")]
    calm = markers(media(), page(*cues, *shots))
    assert [m.kind for m in calm[:3]] == ["technical-cue", "technical-cue", "shot"]
    shuffled = [*shots[60:], cues[1], *shots[:60], cues[0]]
    mixed = markers(media(), page(*shuffled[:50]), page(*shuffled[50:]))
    assert sorted(calm, key=str) == sorted(mixed, key=str)
    for kind in ("shot", "technical-cue"):
        starts = [m.range.start for m in mixed if m.kind == kind]
        assert starts == sorted(starts)


@given(
    st.lists(st.integers(min_value=1, max_value=200), min_size=1, max_size=40),
    st.sampled_from([Fraction(24), Fraction(25), NTSC, Fraction(24000, 1001), Fraction(50)]),
)
def test_shots_that_cover_the_video_are_unchanged(lengths: list[int], rate: Fraction) -> None:
    cuts = [0]
    for length in lengths:
        cuts.append(cuts[-1] + length)
    of = media(cuts[-1] / rate, rate)
    rows = [segment(first, after - 1, rate) for first, after in pairwise(cuts)]
    found = markers(of, page(*rows, rate=float(rate)))
    assert ranges(found, rate) == list(pairwise(cuts))


def test_no_rows_are_no_markers() -> None:
    assert markers(media(), page()) == []


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "Expecting value"),
        (b"<html>", "Expecting value"),
        (b"null", "a page is no object"),
        (b"[]", "a page is no object"),
        (b"{}", "a page holds no Segments"),
        (b'{"Segments": [{}]}', "it lacks Type"),
        (b'{"Segments": [1]}', "it has not the form"),
        (b'{"VideoMetadata": [3], "Segments": []}', "it has not the form"),
        (b'{"VideoMetadata": [{"FrameRate": 1e999999}], "Segments": []}', "too many digits"),
        (b'{"VideoMetadata": [{"FrameRate": Infinity}], "Segments": []}', "is no number"),
        (b'{"Segments": ' + b"[" * 5000 + b"]" * 5000 + b"}", "too deep"),
    ],
)
def test_invalid_page_is_reported(raw: bytes, why: str) -> None:
    with pytest.raises(ProviderError, match="StartSegmentDetection") as refused:
        markers(media(), raw)
    assert why in refused.value.what
    assert refused.value.category is FailureCategory.MALFORMED_RESULT
    assert "for nothing" in refused.value.remedy
