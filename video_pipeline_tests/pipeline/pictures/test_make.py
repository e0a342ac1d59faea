"""The phase `pictures`: one a shot, from kept candidates, and made again for other shots."""

import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import ANALYSIS, Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.results.timeline import PhaseResult
from video_pipeline.domain.staleness import outdated
from video_pipeline.domain.time import TimeRange
from video_pipeline.media.child_reader import ChildMediaReader
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.pictures import make
from video_pipeline.pipeline.pictures.publication import read_index
from video_pipeline.pipeline.pictures.sheets import Index
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.run_video import run_video
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.video_run import VideoRun
from video_pipeline_tests.doubles.delivery import draw, encode
from video_pipeline_tests.doubles.vendor import Vendor

Deliver = Callable[..., VideoKey]
ONE_KEYFRAME = Path(__file__).with_name("one_keyframe.mp4")
RNG = np.random.default_rng(7)
DETAIL = RNG.integers(0, 255, (18, 32, 3), np.uint8).repeat(5, 0).repeat(5, 1)


def decodes(services: Services, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return a list that grows with each decode."""
    seen, decode = list[int](), ChildMediaReader.decode

    def decoding(*given: Any, **named: Any) -> Iterator[Any]:
        seen.append(1)
        yield from decode(*given, **named)

    monkeypatch.setattr(ChildMediaReader, "decode", decoding)
    return seen


def publish_shots(
    services: Services, key: VideoKey, *frames: int, state: PhaseState = PhaseState.DONE
) -> None:
    """Publish shots between these frames at 25 a second."""
    run = run_of(services, key)
    origin = own_results.provenance(run.content, run.clock(), run.clock())
    moments = [Fraction(frame, 25) for frame in frames]
    shots = [
        Marker(kind=Kind.SHOT, range=TimeRange(start=start, end=end))
        for start, end in pairwise(moments)
        if start < end
    ]
    counts = {"shot": len(shots)}
    result = PhaseResult(phase=Phase.SHOTS, state=state, provenance=origin, counts=counts)
    run.catalog.results.publish(key.video, result, shots)


def run_of(services: Services, key: VideoKey) -> VideoRun:
    run = VideoRun.of(services, key)
    return run.with_content(run.record().sha256 or "")


def pictures(services: Services, key: VideoKey) -> Outcome:
    return run_video(services, key, phases=[Phase.PICTURES])[Phase.PICTURES]


def index(services: Services, key: VideoKey) -> Index:
    found = read_index(run_of(services, key))
    assert found is not None
    return found


def names(services: Services, key: VideoKey) -> set[str]:
    found = services.outputs.project(key.project).listing(key.prefix)
    return {stored.key.removeprefix(key.prefix) for stored in found}


def blurred(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    small = Image.fromarray(picture).resize((16, 9), Image.Resampling.BOX)
    return np.asarray(small.resize((160, 90), Image.Resampling.BICUBIC))


def test_one_keyframe_and_two_shots_give_two_pictures(services: Services, deliver: Deliver) -> None:
    key = deliver("acme/one", ONE_KEYFRAME)
    media = run_of(services, key).record().media
    assert media and media.video
    last = int(media.video.duration * 25)
    publish_shots(services, key, 0, last // 2, last)
    made = pictures(services, key)
    assert made.state is PhaseState.DONE and made.result and made.result.counts == {"pictures": 2}
    found = index(services, key).pictures
    assert [picture.shot for picture in found] == [0, 1]
    assert all(picture.start <= picture.at < picture.end for picture in found)
    folder = f"{key.prefix}pictures/"
    assert [name.removeprefix(folder) for name in made.result.outputs] == [
        *("sprite.jpg", "sprite.vtt", "index.json"),
        *(picture.name for picture in found),
    ]
    with services.outputs.project("acme").open(f"{folder}{found[0].name}") as stored:
        assert Image.open(io.BytesIO(stored.read())).width == 320


def test_pictures_avoid_black_blurred_and_mixed_frames(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    """A shot of black, blur and detail, a dissolve, and a shot of detail."""
    black, other = np.zeros((90, 160, 3), np.uint8), DETAIL[::-1].copy()
    mixed = [(DETAIL * (1 - n / 25) + other * (n / 25)).astype(np.uint8) for n in range(25)]
    film = [*[black] * 26, *[blurred(DETAIL)] * 26, *[DETAIL] * 26, *mixed, *[other] * 26]
    key = deliver("acme/one", draw(tmp_path / "a.mp4", film))
    publish_shots(services, key, 0, 90, len(film))
    assert pictures(services, key).state is PhaseState.DONE
    first, second = (picture.at * 25 for picture in index(services, key).pictures)
    assert 52 <= first < 78 and second >= 103


def test_analysis_keeps_candidates_for_a_later_process(
    services: Services, deliver: Deliver, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.default = "later"
    key, other = deliver("acme/one"), deliver("globex/one")
    seen = decodes(services, monkeypatch)
    assert analyse(services, key, ANALYSIS)[Phase.SHOTS].state is PhaseState.PARKED
    assert len(seen) == 1 and "_candidates" in names(services, key)
    waiting = pictures(services, key)
    assert waiting.state is PhaseState.PARKED and "waits for shots: parked" in waiting.message
    vendor.finish("acme/one")
    assert analyse(services, key, ANALYSIS)[Phase.SHOTS].state is PhaseState.DONE
    source = run_of(services, key).record().source.object_key
    (services.ingest._root / source).unlink()  # type: ignore[attr-defined]
    assert pictures(services, key).state is PhaseState.DONE
    assert len(seen) == 1 and "_candidates" not in names(services, key)
    assert names(services, other) == set()


def test_candidates_of_another_content_are_not_used(
    services: Services, deliver: Deliver, vendor: Vendor, tmp_path: Path
) -> None:
    vendor.default = "later"
    key = deliver("acme/one")
    analyse(services, key, ANALYSIS)
    deliver("acme/one", encode(tmp_path / "newer.mp4", seconds=3))
    publish_shots(services, key, 0, 75)
    assert pictures(services, key).state is PhaseState.DONE
    (picture,) = index(services, key).pictures
    assert (picture.end, index(services, key).content) == (3, run_of(services, key).content)


def test_overlapping_shots_have_a_picture_each(services: Services, deliver: Deliver) -> None:
    key = deliver("acme/one")
    publish_shots(services, key, 0, 50, 0, 25)
    assert pictures(services, key).state is PhaseState.DONE
    assert sorted(str(picture.shot) for picture in index(services, key).pictures) == ["0", "1"]


def test_shot_without_candidate_is_decoded_again(
    services: Services, deliver: Deliver, vendor: Vendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendor.default = "later"
    key = deliver("acme/one")
    seen = decodes(services, monkeypatch)
    analyse(services, key, ANALYSIS)
    publish_shots(services, key, 0, 5, 6, 50)
    pictures(services, key)
    assert len(seen) == 2
    assert [picture.at * 25 for picture in index(services, key).pictures][1] == 5


@pytest.mark.parametrize("state", [PhaseState.NOT_CONFIGURED, PhaseState.SKIPPED])
def test_video_without_shots_has_pictures_of_changes(
    services: Services, deliver: Deliver, state: PhaseState
) -> None:
    key = deliver("acme/one")
    publish_shots(services, key, state=state)
    assert pictures(services, key).state is PhaseState.DONE
    found = [(p.start, p.end, p.shot) for p in index(services, key).pictures]
    assert found == [(0, 1, None), (1, 2, None)]


def test_failed_shots_leave_pictures_over_time(
    services: Services, deliver: Deliver, vendor: Vendor
) -> None:
    vendor.default = "fail"
    key = deliver("acme/one")
    assert pictures(services, key).state is PhaseState.WAITING
    states = [analyse(services, key, [Phase.SHOTS])[Phase.SHOTS].state for _ in range(2)]
    assert states[-1].ended_badly
    assert pictures(services, key).state is PhaseState.DONE
    assert len(index(services, key).pictures) == 2
    publish_shots(services, key, 0, 50)
    assert not pictures(services, key).reused
    assert [picture.shot for picture in index(services, key).pictures] == [0]


def test_changed_shots_make_pictures_stale(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    key = deliver("acme/one")
    publish_shots(services, key, 0, 25, 50)
    assert not pictures(services, key).reused
    assert pictures(services, key).reused
    before = names(services, key)
    publish_shots(services, key, 0, 50)
    (standing,) = services.of("acme").standings.videos()
    assert outdated(Phase.PICTURES, standing.made) == "made before shots"
    assert not pictures(services, key).reused
    (standing,) = services.of("acme").standings.videos()
    assert outdated(Phase.PICTURES, standing.made) == ""
    assert len(names(services, key)) == len(before) - 1


def test_files_of_thumbnails_are_deleted(services: Services, deliver: Deliver) -> None:
    keys = [deliver("acme/one"), deliver("globex/one")]
    for key in keys:
        with services.outputs.project(key.project).writer(f"{key.prefix}thumbnails/0.jpg") as out:
            out.write(b"old")
    publish_shots(services, keys[0], 0, 50)
    pictures(services, keys[0])
    assert not any(name.startswith("thumbnails/") for name in names(services, keys[0]))
    assert names(services, keys[1]) == {"thumbnails/0.jpg"}


def test_video_without_pictures_is_done_with_a_warning(
    services: Services, deliver: Deliver, tmp_path: Path
) -> None:
    key = deliver("acme/deaf", encode(tmp_path / "sound.mp4", video=False))
    publish_shots(services, key)
    made = pictures(services, key)
    assert made.state is PhaseState.DONE
    assert made.result and "no video stream" in made.result.warnings[0]


@dataclass
class Dying:
    """Outputs of a process that dies before it writes a file of this name."""

    inner: Any
    name: str

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def project(self, project: str) -> "Dying":
        return Dying(self.inner.project(project), self.name)

    def writer(self, key: str, *given: Any) -> AbstractContextManager[Any]:
        if key.endswith(self.name):
            raise KeyboardInterrupt
        return self.inner.writer(key, *given)


@pytest.mark.parametrize(("name", "again"), [("sprite.vtt", 0), ("_candidates", 1)])
def test_killed_process_repeats_only_what_is_missing(
    services: Services,
    deliver: Deliver,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    again: int,
) -> None:
    key = deliver("acme/one")
    publish_shots(services, key, 0, 25, 50)
    dying = replace(services, outputs=Dying(services.outputs, name))
    with pytest.raises(KeyboardInterrupt):
        pictures(dying, key)
    seen = decodes(services, monkeypatch)
    assert pictures(services, key).state is PhaseState.DONE
    assert len(seen) == again
    assert len(index(services, key).pictures) == 2


def test_more_shots_than_pictures_are_told(
    services: Services, deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "MOST_PICTURES", 1)
    key = deliver("acme/one")
    publish_shots(services, key, 0, 25, 50)
    made = pictures(services, key)
    told = "of 2 shots only the 1 longest have a picture"
    assert made.result and made.result.warnings == (told,)
