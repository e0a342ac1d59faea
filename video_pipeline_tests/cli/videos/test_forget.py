"""`forget`: only what is left of an unregistered video is deleted."""

import pytest

from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.services import Services, now_utc

GONE, NEIGHBOUR = VideoKey.parse("acme/nosuch"), VideoKey.parse("acme/nosuch2")
ELSEWHERE = VideoKey.parse("globex/nosuch")


@pytest.fixture(autouse=True)
def leftovers(services: Services) -> None:
    """Rows, an output and a raw page of three videos, of which none is registered."""
    for key in (GONE, NEIGHBOUR, ELSEWHERE):
        services.of(key.project).events.record(
            key.video, Phase.SOURCE_VIDEO, PhaseState.FAILED, now_utc()
        )
        for name in (f"{key.prefix}timeline.json", f"{key.raw_prefix}unit/0"):
            with services.outputs.project(key.project).writer(name) as out:
                out.write(b"left")


def left_of(services: Services, key: VideoKey) -> tuple[int, int, int]:
    """Return the number of rows, events and files of a video."""
    catalog, outputs = services.of(key.project), services.outputs.project(key.project)
    events = [one for one in catalog.events.after(0) if one.key == key]
    files = [*outputs.listing(key.prefix), *outputs.listing(key.raw_prefix)]
    return len(catalog.results.statuses(key.video)), len(events), len(files)


def test_forget_deletes_rows_and_files_of_one_video(call, services: Services) -> None:
    told = call("forget", "acme/nosuch", "--yes")
    assert told.exit_code == 0
    assert "phases 1, outputs 1, raw pages 1" in told.stdout
    assert "partition acme/nosuch" in told.stdout
    assert left_of(services, GONE) == (0, 0, 0)
    assert left_of(services, NEIGHBOUR) == left_of(services, ELSEWHERE) == (1, 1, 2)
    assert services.of("acme").events.last() == 2, "numbers are not used again"
    assert "Nothing is left" in call("forget", "acme/nosuch").stdout


def test_forget_asks_before_it_deletes(call, services: Services) -> None:
    assert call("forget", "acme/nosuch", input="n\n").exit_code == 1
    assert left_of(services, GONE) == (1, 1, 2)


def test_forget_refuses_a_registered_video(call, services: Services) -> None:
    object_key = f"{GONE.prefix}a.mp4"
    source = Source(key=GONE, object_key=object_key, name="nosuch", version="1", size=5)
    services.of("acme").videos.register(source, now_utc())
    told = call("forget", "acme/nosuch", "--yes")
    assert told.exit_code == 1
    assert "is registered" in told.stderr and object_key in told.stderr
    assert left_of(services, GONE) == (1, 1, 2)
