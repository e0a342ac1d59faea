"""The content checks: each fault with its position, and none in correct results."""

import json
from datetime import UTC, datetime
from fractions import Fraction
from io import BytesIO
from itertools import pairwise

import dagster as dg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.defs.videos.checks import plausibility, range_faults, timeline_faults
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.findings import Finding, FindingKind
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult, Timeline, TimelineMedia
from video_pipeline.domain.results.transcript import Transcript
from video_pipeline.domain.time import TimeRange
from video_pipeline.exports import timeline_json

EXTENT = TimeRange(start=Fraction(0), end=Fraction(10))


def span(start: Fraction | int, end: Fraction | int) -> TimeRange:
    return TimeRange(start=Fraction(start), end=Fraction(end))


@pytest.mark.parametrize(
    ("ranges", "fault"),
    [
        ([span(9, 11)], "is not within 0:00:00.000 to 0:00:10.000"),
        ([span(-1, 1)], "is not within 0:00:00.000 to 0:00:10.000"),
        ([span(5, 6), span(4, 6)], "a marker at 0:00:04.000 is out of order"),
    ],
)
def test_range_fault_names_its_position(ranges: list[TimeRange], fault: str) -> None:
    (found,) = range_faults(ranges, EXTENT, "a marker")
    assert fault in found


@given(st.lists(st.fractions(0, 10), min_size=2, max_size=20, unique=True))
def test_ordered_ranges_within_the_extent_have_no_fault(cuts: list[Fraction]) -> None:
    cuts = sorted(cuts)
    ranges = [span(a, b) for a, b in pairwise(cuts)]
    assert list(range_faults(ranges, EXTENT, "a marker")) == []


def test_marker_without_length_is_no_fault() -> None:
    assert list(range_faults([span(4, 4), span(4, 6)], EXTENT, "a marker")) == []


def published() -> bytes:
    out = BytesIO()
    timeline = Timeline(
        key=VideoKey.parse("acme/talk"),
        source_name="talk",
        media=TimelineMedia(
            container="mp4", size=1, sha256="0" * 64, duration=Fraction(10), video=None, audio=None
        ),
        phases=(),
        markers=(Marker(kind=Kind.SHOT, range=span(0, 10)),),
        transcript=Transcript(),
        published_at=datetime(2026, 11, 23, tzinfo=UTC),
    )
    timeline_json.write(timeline, out)
    return out.getvalue()


def test_published_timeline_has_no_fault() -> None:
    assert list(timeline_faults(published())) == []


def test_truncated_timeline_is_not_json() -> None:
    (fault,) = timeline_faults(published()[:-20])
    assert "is not JSON" in fault


def test_schema_fault_names_its_path() -> None:
    document = json.loads(published())
    document["markers"][0]["range"]["start"] = 0.5
    (fault,) = timeline_faults(json.dumps(document).encode())
    assert "$.markers[0].range.start" in fault


def _result(*kinds: FindingKind, **more: object) -> PhaseResult:
    found = [Finding(kind=kind, what="it is wrong", range=span(1, 2)) for kind in kinds]
    given = {"phase": Phase.TRANSCRIPT, "state": PhaseState.DONE, "findings": found}
    return PhaseResult.model_validate({**given, **more})


def test_plausible_tells_findings_and_what_was_not_checked() -> None:
    loop, drift = FindingKind.LOOP, FindingKind.DRIFT
    result = _result(loop, not_checked={drift: "no local decode", "no-speakers": "no local decode"})
    passed, severity, text = plausibility(result)
    assert (passed, severity) == (False, dg.AssetCheckSeverity.WARN)
    assert text.startswith("loop at 0:00:01.000 to 0:00:02.000: it is wrong. Choose another")
    assert text.endswith("; not checked: no local decode (drift, no-speakers)")


def test_plausible_passes_without_findings() -> None:
    assert plausibility(_result())[::2] == (True, "")
    assert plausibility(_result(not_checked={"drift": "not measurable"}))[0]
