"""Boxes become tracks: by kind, label and overlap; broken by gaps and at cuts."""

import itertools
import tracemalloc
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.results.tracks import LONGEST_GAP, Linker, cuts_of, overlap, unlinked
from video_pipeline.domain.time import TimeRange

HALF = Fraction(1, 2)


def box(left: float, top: float = 0.1, size: float = 0.2) -> Box:
    return Box(left=left, top=top, width=size, height=size)


def seen(
    at: Fraction | int,
    left: float = 0.1,
    *,
    kind: Kind = Kind.OBJECT,
    label: str | None = "dog",
    track: str | None = None,
) -> Marker:
    within = TimeRange(start=Fraction(at), end=Fraction(at) + Fraction(1, 25))
    return Marker(kind=kind, range=within, label=label, box=box(left), track=track)


def link(markers: Iterable[Marker], cuts: Iterable[Fraction]) -> Iterator[Marker]:
    return Linker(cuts).link(markers)


def shot(start: Fraction | int, end: Fraction | int) -> Marker:
    return Marker(kind=Kind.SHOT, range=TimeRange(start=Fraction(start), end=Fraction(end)))


def tracks(*markers: Marker, cuts: tuple[Fraction | int, ...] = ()) -> list[str | None]:
    return [marker.track for marker in link(markers, map(Fraction, cuts))]


def test_overlapping_boxes_are_one_object() -> None:
    assert len(set(tracks(seen(0), seen(HALF, 0.12), seen(1, 0.14)))) == 1


def test_distant_boxes_and_other_labels_are_other_tracks() -> None:
    assert len(set(tracks(seen(0), seen(HALF, 0.7)))) == 2
    assert len(set(tracks(seen(0), seen(HALF, label="cat")))) == 2
    assert len(set(tracks(seen(0), seen(HALF, kind=Kind.FACE)))) == 2
    assert len(set(tracks(seen(0, label=None), seen(HALF, label=None)))) == 1


def test_box_follows_the_box_with_best_overlap() -> None:
    left, right, moved_right, moved_left = tracks(
        seen(0, 0.10), seen(0, 0.16), seen(HALF, 0.17), seen(HALF, 0.11)
    )
    assert (left, right) == (moved_left, moved_right)


def test_track_bridges_short_gaps_only() -> None:
    end = Fraction(1, 25)
    assert len(set(tracks(seen(0), seen(end + LONGEST_GAP)))) == 1
    assert len(set(tracks(seen(0), seen(end + LONGEST_GAP + Fraction(1, 1000))))) == 2


def test_a_track_ends_at_a_cut() -> None:
    shots = [shot(0, HALF), shot(HALF, 2)]
    before, after, later = tracks(seen(0), seen(HALF), seen(1), cuts=tuple(cuts_of(shots)))
    assert before != after and after == later


def test_markers_of_other_kinds_are_no_cuts() -> None:
    change = shot(1, 3).model_copy(update={"kind": Kind.TRANSITION, "label": "dissolve"})
    assert list(cuts_of([shot(0, 2), change, shot(2, 4)])) == [0, 2, 2, 4]


def test_both_edges_of_a_transition_are_cuts() -> None:
    overlapping = [shot(0, 5), shot(4, 9), shot(8, 8), shot(9, 12)]
    assert list(cuts_of(overlapping)) == [0, 4, 5, 8, 8, 9, 9, 12]


def test_link_keeps_provider_tracks_and_unboxed_markers() -> None:
    told = seen(0, track="their-7")
    plain = Marker(kind=Kind.OBJECT, range=told.range, label="dog")
    assert list(link([told, plain, shot(0, 1)], [])) == [told, plain, shot(0, 1)]


@pytest.mark.parametrize("kind", [Kind.OBJECT, Kind.FACE, Kind.TEXT, "x-logo"])
def test_boxes_of_any_kind_are_linked(kind: str) -> None:
    first, second = (seen(at).model_copy(update={"kind": kind, "track": None}) for at in (0, HALF))
    assert [one.track for one in link([first, second], [])] == [f"linked-{kind}-1"] * 2


def test_unlinked_keeps_the_tracks_of_providers() -> None:
    told, fresh = seen(0, track="their-7"), seen(HALF)
    assert [unlinked(one) for one in link([told, fresh], [])] == [told, fresh]


def test_box_out_of_order_begins_a_track() -> None:
    first, late, next_ = tracks(seen(1), seen(HALF), seen(Fraction(3, 2)))
    assert first == next_ != late


def test_overlap_is_intersection_over_union() -> None:
    assert abs(overlap(box(0.1), box(0.1)) - 1) < 1e-9
    assert overlap(box(0.1), box(0.5)) == 0
    assert abs(overlap(box(0.1), box(0.2)) - 1 / 3) < 1e-9
    nothing = Box(left=0.1, top=0.1, width=0, height=0)
    assert overlap(nothing, nothing) == 0


times = st.integers(0, 40).map(lambda n: Fraction(n, 4))
places = st.sampled_from([0.0, 0.05, 0.1, 0.3, 0.35, 0.7])
markers = st.builds(
    lambda at, left, kind, label: seen(at, left, kind=kind, label=label),
    times,
    places,
    st.sampled_from([Kind.OBJECT, Kind.FACE]),
    st.sampled_from(["dog", "cat", None]),
)
films = st.lists(markers, max_size=60).map(lambda found: sorted(found, key=_start))
cut_lists = st.lists(times, max_size=8).map(sorted)


def _start(marker: Marker) -> Fraction:
    return marker.range.start


@given(films, cut_lists)
def test_link_puts_every_box_in_one_track(film: list[Marker], cuts: list[Fraction]) -> None:
    linker = Linker(cuts)
    linked = list(linker.link(film))
    assert all(marker.track for marker in linked)
    assert linker.tracks == len({marker.track for marker in linked})
    assert Counter(_untracked(linked)) == Counter(_untracked(film))
    assert list(map(_start, linked)) == list(map(_start, film))
    assert list(link(film, cuts)) == linked


@given(films, cut_lists)
def test_track_has_one_label_and_one_box_at_a_time(
    film: list[Marker], cuts: list[Fraction]
) -> None:
    by_track = defaultdict[str | None, list[Marker]](list)
    for marker in link(film, cuts):
        by_track[marker.track].append(marker)
    for track in by_track.values():
        starts = [marker.range.start for marker in track]
        assert len({(marker.kind, marker.label) for marker in track}) == 1
        assert len(set(starts)) == len(starts)
        assert not any(starts[0] < cut <= starts[-1] for cut in cuts)
        ends = [marker.range.end for marker in track]
        pairs = itertools.pairwise(zip(starts, ends, strict=True))
        assert all(after - end <= LONGEST_GAP for (_, end), (after, _) in pairs)


def _untracked(found: list[Marker]) -> list[str]:
    return [marker.model_copy(update={"track": None}).model_dump_json() for marker in found]


def test_100_000_boxes_are_linked_in_flat_memory() -> None:
    looks = [seen(0, place / 12, label=f"label {place}") for place in range(10)]

    def film() -> Iterator[Marker]:
        for moment in range(10_000):
            within = TimeRange(start=Fraction(moment, 2), end=Fraction(moment + 1, 2))
            yield from (look.model_copy(update={"range": within}) for look in looks)

    linked = link(film(), (Fraction(minute * 60) for minute in range(84)))
    for _ in itertools.islice(linked, 90_000):
        pass
    tracemalloc.start()  # it makes all else much slower: what is kept of the last rows tells
    try:
        assert sum(1 for _ in linked) == 10_000
        kept = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert kept < 2 << 20
