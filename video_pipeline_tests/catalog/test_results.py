"""What the catalogue promises about results: whole, exact, in order, swapped at once."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Box, Marker
from video_pipeline.domain.results.timeline import PhaseResult, Provenance
from video_pipeline.domain.results.transcript import Segment, Word
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, Usage

MOMENTS = st.fractions(min_value=0, max_value=100_000, max_denominator=90_000)


def result(phase: Phase = Phase.SHOTS, shots: int = 0) -> PhaseResult:
    return PhaseResult(phase=phase, state=PhaseState.DONE, counts={"shot": shots})


def shot(start: Fraction | int, end: Fraction | int, label: str | None = None) -> Marker:
    moments = TimeRange(start=Fraction(start), end=Fraction(end))
    return Marker(kind="shot", range=moments, label=label)


def test_result_is_read_back_unchanged(acme: ProjectCatalog, now: datetime) -> None:
    full = PhaseResult(
        phase=Phase.OBJECTS,
        state=PhaseState.DONE,
        provenance=Provenance(
            provider="cloud",
            plugin="cloud",
            version="2",
            options={"min.confidence": 0.5, "$features": ["a", None, {"b": 1}]},
            choice="c" * 16,
            content="ab" * 32,
            unit="u" * 40,
            started_at=now.replace(microsecond=123_456),
            ended_at=now,
        ),
        counts={"object": 7},
        outputs=("projects/acme/videos/film/objects.json",),
        usage=(Usage(meter=Meter.VIDEO_SECONDS, quantity=Fraction(1001, 30), paid=True),),
        warnings=("one frame is torn",),
        language="de",
        language_confidence=0.75,
    )
    assert acme.results.get("film", Phase.OBJECTS) is None
    acme.results.publish("film", full)
    assert acme.results.get("film", Phase.OBJECTS) == full
    assert acme.results.get("film", Phase.SHOTS) is None
    assert acme.results.get("other", Phase.OBJECTS) is None


def test_rows_are_read_back_unchanged(acme: ProjectCatalog) -> None:
    second = TimeRange(start=Fraction(1, 3), end=Fraction(30030, 1001))
    box = Box(left=0.1, top=0.2, width=0.3, height=0.4)
    marker = Marker(kind="x-logo", range=second, label="Löwe", confidence=0.1, track="t1", box=box)
    segment = Segment(
        text="Guten Tag.",
        range=second,
        words=(Word(text="Guten", range=second, confidence=0.9), Word(text="Tag.", range=second)),
        speaker="A",
    )
    acme.results.publish("film", result(Phase.EVENTS), [marker])
    acme.results.publish("film", result(Phase.TRANSCRIPT), [segment])
    assert list(acme.results.markers("film")) == [marker]
    assert list(acme.results.segments("film")) == [segment]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(bounds=st.lists(st.tuples(MOMENTS, MOMENTS).map(sorted), max_size=20))
def test_any_rows_are_read_back_exact_and_in_order(
    acme: ProjectCatalog, bounds: list[list[Fraction]]
) -> None:
    shots = [shot(start, end, str(n)) for n, (start, end) in enumerate(bounds)]
    acme.results.publish("film", result(), shots)
    expected = sorted(shots, key=lambda one: (one.range.start, one.range.end))
    assert list(acme.results.markers("film")) == expected


def test_markers_of_chosen_phases_are_merged_in_order(acme: ProjectCatalog) -> None:
    acme.results.publish("film", result(Phase.SHOTS), [shot(0, 4), shot(4, 9)])
    acme.results.publish("film", result(Phase.SCENES), [shot(0, 9), shot(2, 3)])
    acme.results.publish("film", result(Phase.EVENTS), [shot(1, 2)])
    acme.results.publish("other", result(Phase.SHOTS), [shot(0, 1)])

    def starts(phases: list[Phase] | None) -> list[tuple[int, int]]:
        found = acme.results.markers("film", phases)
        return [(int(one.range.start), int(one.range.end)) for one in found]

    assert starts(None) == [(0, 4), (0, 9), (1, 2), (2, 3), (4, 9)]
    assert starts([Phase.SHOTS, Phase.EVENTS]) == [(0, 4), (1, 2), (4, 9)]
    assert starts([]) == []


def test_publishing_again_replaces_all_rows(acme: ProjectCatalog) -> None:
    many = [shot(n, n + 1) for n in range(2500)]
    for rows in (many, many, many[:2], []):
        acme.results.publish("film", result(shots=len(rows)), iter(rows))
        assert list(acme.results.markers("film")) == rows
        assert acme.results.get("film", Phase.SHOTS) == result(shots=len(rows))


def test_a_publication_that_breaks_off_leaves_the_old_result(acme: ProjectCatalog) -> None:
    def broken() -> Iterator[Marker]:
        yield from (shot(n, n + 1) for n in range(1500))
        raise RuntimeError("the provider's page is torn")

    acme.results.publish("film", result(shots=1), [shot(0, 5)])
    with pytest.raises(RuntimeError, match="torn"):
        acme.results.publish("film", result(shots=1500), broken())
    assert acme.results.get("film", Phase.SHOTS) == result(shots=1)
    assert list(acme.results.markers("film")) == [shot(0, 5)]
    acme.results.publish("film", result(shots=1), [shot(0, 6)])
    assert list(acme.results.markers("film")) == [shot(0, 6)]


def test_a_slow_reader_finishes_the_result_it_began(acme: ProjectCatalog) -> None:
    old = [shot(n, n + 1, "old") for n in range(3000)]
    acme.results.publish("film", result(), old)
    reader = acme.results.markers("film")
    begun = next(reader)
    for _ in range(3):
        acme.results.publish("film", result(), [shot(0, 1, "new")])
    assert [begun, *reader] == old
    assert list(acme.results.markers("film")) == [shot(0, 1, "new")]


def test_readers_see_whole_generations_only(
    acme: ProjectCatalog, threads: ThreadPoolExecutor
) -> None:
    """Generation n has 400 + n rows, all labelled n."""

    def rows(n: int) -> Iterable[Marker]:
        return [shot(i, i + 1, str(n)) for i in range(400 + n)]

    done = threading.Event()

    def read() -> list[str]:
        seen: list[str] = []
        while not done.is_set():
            labels = [marker.label for marker in acme.results.markers("film")]
            assert len(set(labels)) == 1 and len(labels) == 400 + int(labels[0] or "")
            seen.append(labels[0] or "")
        return seen

    acme.results.publish("film", result(), rows(0))
    readers = [threads.submit(read) for _ in range(3)]
    try:
        for n in range(1, 25):
            acme.results.publish("film", result(), rows(n))
    finally:
        done.set()
    for reader in readers:
        seen = [int(label) for label in reader.result()]
        assert seen == sorted(seen) and len(set(seen)) > 1


def test_concurrent_writers_leave_one_complete_result(
    acme: ProjectCatalog, threads: ThreadPoolExecutor
) -> None:
    def publish(n: int) -> None:
        rows = [shot(i, i + 1, str(n)) for i in range(50 + n)]
        acme.results.publish("film", result(shots=50 + n), rows)

    list(threads.map(publish, range(24)))
    labels = [marker.label for marker in acme.results.markers("film")]
    current = acme.results.get("film", Phase.SHOTS)
    assert len(set(labels)) == 1
    assert len(labels) == 50 + int(labels[0] or "")
    assert current == result(shots=len(labels))


def test_publish_does_not_replace_a_later_result(acme: ProjectCatalog) -> None:
    def overtaken() -> Iterator[Marker]:
        yield from (shot(n, n + 1, "slow") for n in range(1500))
        acme.results.publish("film", result(shots=2), [shot(0, 1, "fast"), shot(1, 2, "fast")])
        yield shot(1500, 1501, "slow")

    acme.results.publish("film", result(shots=1501), overtaken())
    assert [marker.label for marker in acme.results.markers("film")] == ["fast", "fast"]
    assert acme.results.get("film", Phase.SHOTS) == result(shots=2)


def test_publish_replaces_only_the_named_result(
    acme: ProjectCatalog, count_documents: Callable[[str], int]
) -> None:
    meant, other, late = result(shots=1), result(shots=2), result(shots=3)
    acme.results.publish("film", meant, [shot(0, 1, "meant")])
    acme.results.publish("film", other, [shot(0, 1, "other"), shot(1, 2, "other")])
    rows = [shot(n, n + 1, "late") for n in range(3)]
    assert not acme.results.publish("film", late, rows, instead_of=meant.fingerprint)
    assert acme.results.get("film", Phase.SHOTS) == other
    assert [marker.label for marker in acme.results.markers("film")] == ["other", "other"]
    assert count_documents("markers") == 2
    assert acme.results.publish("film", late, rows, instead_of=other.fingerprint)
    assert list(acme.results.markers("film")) == rows


def test_replaced_result_leaves_no_rows(
    acme: ProjectCatalog, count_documents: Callable[[str], int], threads: ThreadPoolExecutor
) -> None:
    def publish(n: int) -> None:
        acme.results.publish("film", result(), [shot(0, 1, str(n))] * 3)

    list(threads.map(publish, range(16)))
    publish(16)
    assert count_documents("markers") == 3
