"""Tests of tracks: boxes of any provider are linked between the cuts of the current shots."""

import json
import tracemalloc
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction

import pytest

from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Box, Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.time import TimeRange
from video_pipeline.domain.usage import Meter, MeterSpec
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.backfill.staleness import stale
from video_pipeline.pipeline.policies import Choices, PhaseChoice
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.publishing.tracks import Linked
from video_pipeline.pipeline.services import Services
from video_pipeline.plugins.base import Calls, Progress
from video_pipeline.plugins.capabilities import Capabilities
from video_pipeline.plugins.inputs import File, Inputs
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
PAGES, ROWS = 10, 1000


class Watcher(BaseTemporalPlugin, Calls):
    """Returns boxes of a dog and a cat at intervals, and of a bird with a track of its own."""

    name = "watcher"
    looks = 8

    def capabilities(self) -> Capabilities:
        meter = MeterSpec(meter=Meter.VIDEO_SECONDS, paid=False)
        return Capabilities(fed=File(), replay="free", meter=meter, kinds=(Kind.OBJECT,))

    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        yield json.dumps(self.looks).encode()

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        step = media.duration / json.loads(next(iter(pages)))
        for look in range(self.looks):
            within = TimeRange(start=look * step, end=(look + 1) * step)
            for place, label in enumerate(("dog", "cat", "bird")):
                yield Marker(
                    kind=Kind.OBJECT,
                    range=within,
                    label=label,
                    box=Box(left=place / 3, top=0.1, width=0.2, height=0.2),
                    track="their own" if label == "bird" else None,
                )


@pytest.fixture
def watching(services: Services) -> Services:
    phases = {
        Phase.SHOTS: PhaseChoice(providers=("with-token",)),
        Phase.OBJECTS: PhaseChoice(providers=("watcher",)),
    }
    plugins = {**services.plugins, "watcher": Watcher()}
    return replace(services, plugins=plugins, choices=Choices(phases=phases))


def objects(services: Services, key: VideoKey) -> Outcome:
    return analyse(services, key, [Phase.OBJECTS])[Phase.OBJECTS]


def tracks(services: Services, key: VideoKey) -> dict[tuple[str, str], list[Fraction]]:
    found = defaultdict[tuple[str, str], list[Fraction]](list)
    for marker in services.of(key.project).results.markers(key.video, [Phase.OBJECTS]):
        found[marker.track or "", marker.label or ""].append(marker.range.start)
    return found


def test_each_object_is_one_track_without_shots(watching: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    done = objects(watching, key)
    assert done.result and done.result.counts == {Kind.OBJECT: 24, "tracks": 3}
    assert done.result.provenance and done.result.provenance.inputs == {Phase.SHOTS: ""}
    found = tracks(watching, key)
    assert sorted(label for _, label in found) == ["bird", "cat", "dog"]
    assert [len(starts) for starts in found.values()] == [8, 8, 8]
    assert ("their own", "bird") in found


def test_tracks_end_at_the_cuts_of_the_same_content(
    watching: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    vendor.behave("acme/one", "now")  # its two shots meet in the middle
    shots = analyse(watching, key, [Phase.SHOTS])[Phase.SHOTS]
    done = objects(watching, key)
    assert done.result and done.result.counts == {Kind.OBJECT: 24, "tracks": 5}
    record = watching.of("acme").videos.get("one")
    assert record and record.media
    middle = record.media.duration / 2
    ours = {name: starts for name, starts in tracks(watching, key).items() if name[1] != "bird"}
    assert all(max(starts) < middle or min(starts) >= middle for starts in ours.values())
    assert shots.result and done.result.provenance
    assert done.result.provenance.inputs == {Phase.SHOTS: shots.result.fingerprint}


def test_earlier_boxes_are_relinked_without_request(
    watching: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    early = analyse(watching, key, [Phase.SHOTS, Phase.OBJECTS])
    assert early[Phase.SHOTS].state is PhaseState.PARKED
    assert early[Phase.OBJECTS].result and early[Phase.OBJECTS].result.counts["tracks"] == 3
    vendor.finish("acme/one")
    late = analyse(watching, key, [Phase.SHOTS, Phase.OBJECTS])
    shots, boxes = late[Phase.SHOTS].result, late[Phase.OBJECTS].result
    assert shots and boxes and boxes.provenance
    assert boxes.counts == {Kind.OBJECT: 24, "tracks": 5}
    assert boxes.provenance.inputs == {Phase.SHOTS: shots.fingerprint}
    assert not late[Phase.OBJECTS].reused
    assert len(tracks(watching, key)) == 5
    assert [u.generation for u in watching.of("acme").units.of_video("one")] == [0, 0]
    assert analyse(watching, key, [Phase.OBJECTS])[Phase.OBJECTS].reused


def test_run_of_shots_relinks_earlier_objects(
    watching: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key, other = deliver("acme/one"), deliver("globex/one")
    for mine in (key, other):
        analyse(watching, mine, [Phase.SHOTS, Phase.OBJECTS])
    vendor.finish("acme/one")
    done = analyse(watching, key, [Phase.SHOTS])
    assert done.keys() == {Phase.SHOTS, Phase.OBJECTS}
    boxes = done[Phase.OBJECTS]
    assert boxes.result and boxes.result.counts["tracks"] == 5
    assert (boxes.provider, boxes.state) == ("watcher", PhaseState.DONE)
    assert len(tracks(watching, key)) == 5
    assert len(tracks(watching, other)) == 3
    assert [*stale(watching, "acme")] == []


def test_objects_are_current_if_shots_are_not_configured(
    watching: Services, deliver: Deliver
) -> None:
    key = deliver("acme/one")
    unserved = Choices(phases={Phase.OBJECTS: PhaseChoice(providers=("watcher",))})
    alone = replace(watching, choices=unserved)
    objects(alone, key)
    assert analyse(alone, key, [Phase.SHOTS])[Phase.SHOTS].state is PhaseState.NOT_CONFIGURED
    assert [*stale(alone, "acme")] == []


def test_phase_under_way_is_not_relinked(
    watching: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key = deliver("acme/one")
    objects(watching, key)
    events = watching.of("acme").events
    events.record("one", Phase.OBJECTS, PhaseState.PARKED, watching.clock())
    vendor.behave("acme/one", "now")
    assert analyse(watching, key, [Phase.SHOTS]).keys() == {Phase.SHOTS}


def test_relink_keeps_result_published_meanwhile(
    watching: Services, deliver: Deliver, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = deliver("acme/one")
    objects(watching, key)
    vendor.behave("acme/one", "now")
    newer = Watcher()
    newer.looks = 3
    other = replace(watching, plugins={**watching.plugins, "watcher": newer})
    described, forced = Linked.described, list[Outcome]()

    def overtaken(linked: Linked, result: PhaseResult) -> PhaseResult:
        if not forced and result.phase is Phase.OBJECTS:
            forced.append(Outcome(phase=Phase.OBJECTS, state=PhaseState.RUNNING))
            forced[0] = analyse(other, key, [Phase.OBJECTS], forced_by="run-2")[Phase.OBJECTS]
        return described(linked, result)

    monkeypatch.setattr(Linked, "described", overtaken)
    assert analyse(watching, key, [Phase.SHOTS]).keys() == {Phase.SHOTS}
    assert watching.of("acme").results.get("one", Phase.OBJECTS) == forced[0].result
    assert sum(map(len, tracks(watching, key).values())) == 9


def test_changed_shots_make_tracks_stale_until_relinked(
    watching: Services, deliver: Deliver, vendor: Vendor
) -> None:
    key, other = deliver("acme/one"), deliver("globex/one")
    vendor.default = "now"
    for mine in (key, other):
        analyse(watching, mine, [Phase.SHOTS, Phase.OBJECTS])
    results = watching.of("acme").results
    shots = results.get("one", Phase.SHOTS)
    assert shots is not None
    results.publish("one", shots.model_copy(update={"counts": {Kind.SHOT: 0}}))
    told = [(one.phase, one.reason) for one in stale(watching, "acme")]
    assert told == [(Phase.OBJECTS, "made before shots")]
    assert [*stale(watching, "globex")] == []
    objects(watching, key)
    assert [*stale(watching, "acme")] == []
    assert len(tracks(watching, key)) == 3
    assert len(tracks(watching, other)) == 5


class Crowd(Watcher):
    """Returns ten pages of a thousand rows."""

    def call(self, unit: WorkUnit, inputs: Inputs, progress: Progress) -> Iterable[bytes]:
        for page in range(PAGES):
            yield json.dumps([page, *["row"] * ROWS]).encode()

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        looks = [
            Marker(
                kind=Kind.OBJECT,
                range=media.extent,
                label=f"label {place}",
                box=Box(left=place / 12, top=0.1, width=0.05, height=0.05),
            )
            for place in range(10)
        ]
        for page in pages:
            number, *rows = json.loads(page)
            for look in range(len(rows) // len(looks)):
                start = media.duration * (number * ROWS + look) / (PAGES * ROWS)
                within = TimeRange(start=start, end=start)
                yield from (one.model_copy(update={"range": within}) for one in looks)


def test_long_result_is_published_in_bounded_memory(watching: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    plugins = {**watching.plugins, "watcher": Crowd()}
    kept: list[int] = []

    def watch(step: str) -> None:
        """Measure from when the pages are stored until all is published."""
        if step == "stored":
            tracemalloc.start()
        elif step == "published":
            kept.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()

    done = objects(replace(watching, plugins=plugins, on_step=watch), key)
    assert done.result and done.result.counts == {Kind.OBJECT: PAGES * ROWS, "tracks": 10}
    assert kept[0] < 5 << 20  # all rows at once would take six
