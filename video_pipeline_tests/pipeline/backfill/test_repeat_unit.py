"""An ended unit is retried, forced, or fetched again."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from video_pipeline.domain.errors import InputError, ProviderError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.backfill.repeat_unit import (
    Again,
    fetch_again,
    force,
    look_up_now,
    retry,
    to_pay,
)
from video_pipeline.pipeline.backfill.selection import Only
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.jobs.close import close, release_doubt
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.job_plugin import VendorShots
from video_pipeline_tests.doubles.vendor import Behaviour, Vendor

VIDEO = "acme/film"
KEY = VideoKey.parse(VIDEO)
Ask = Callable[..., WorkUnit]


@pytest.fixture
def asked(services: Services, deliver: Callable[..., VideoKey], vendor: Vendor) -> Ask:
    """Return a function that requests the shots and returns their unit."""
    deliver(VIDEO)

    def asked(how: Behaviour, provider: str = "with-token") -> WorkUnit:
        vendor.behave(VIDEO, how)
        run(services, provider)
        return latest(services)

    return asked


def run(services: Services, provider: str = "with-token", **more: str) -> Outcome:
    asked = {Phase.SHOTS: (provider,)}
    return analyse(services, KEY, [Phase.SHOTS], providers=asked, **more)[Phase.SHOTS]


def latest(services: Services) -> WorkUnit:
    return services.of("acme").units.of_video("film")[-1]


def as_launched(services: Services, again: Again, run_id: str) -> Outcome:
    """Run the shots as the launched run would."""
    provider = again.providers.get(Phase.SHOTS, "with-token")
    return run(services, provider, run_id=run_id, forced_by=run_id if again.wish.force else "")


def test_retry_failed_unit_requests_and_pays_again(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
    failed = asked("fail")
    assert failed.state is UnitState.FAILED
    again = retry(services, failed)
    assert (again.wish.only, again.wish.force) == (Only.FAILED, False)
    assert again.picked.key == KEY and again.picked.asked == {Phase.SHOTS}
    assert again.picked.phases >= {Phase.SHOTS, Phase.SCENES, Phase.TIMELINE}
    vendor.behave(VIDEO, "soon")
    assert as_launched(services, again, "r2").state is PhaseState.DONE
    assert vendor.billed[VIDEO] == 2
    with pytest.raises(InputError, match="repeated since, and the newer unit is settled"):
        retry(services, failed)


def test_retry_cancelled_and_released_units(services: Services, asked: Ask, vendor: Vendor) -> None:
    vendor.stops_jobs = True
    running = asked("later")
    cancel(services, KEY, [running.id], "cancelled by hand")
    assert retry(services, latest(services)).wish.only is Only.MISSING
    doubtful = asked("drop", "without-token")
    assert doubtful.state is UnitState.IN_DOUBT
    with pytest.raises(InputError, match="jobs release"):
        retry(services, doubtful)
    released = release_doubt(services, doubtful)
    again = retry(services, released)
    assert again.providers == {Phase.SHOTS: "without-token"}, "pipeline.yaml asks another first"
    with pytest.raises(InputError, match="not in doubt"):
        release_doubt(services, released)


def test_retry_revives_dead_phase(services: Services, asked: Ask, vendor: Vendor) -> None:
    failed = asked("fail")
    services.of("acme").events.record("film", Phase.SHOTS, PhaseState.DEAD, services.clock())
    retry(services, failed)
    stands = services.of("acme").results.statuses("film")[Phase.SHOTS]
    assert stands.state is PhaseState.WAITING


def test_force_settled_unit_pays_once_a_run(services: Services, asked: Ask, vendor: Vendor) -> None:
    settled = asked("soon")
    with pytest.raises(InputError, match="jobs force"):
        retry(services, settled)
    again = force(services, settled)
    assert again.wish.force and to_pay(services.of("acme").units, settled) == settled.planned
    as_launched(services, again, "r2")
    as_launched(services, again, "r2")
    assert vendor.billed[VIDEO] == 2


def test_force_running_unit_is_refused(services: Services, asked: Ask) -> None:
    with pytest.raises(InputError, match="it is running"):
        force(services, asked("later"))


def test_retry_outdated_unit_is_refused(services: Services, asked: Ask) -> None:
    failed = asked("fail")
    with pytest.raises(InputError, match="no longer names 'with-token'"):
        retry(replace(services, plugins={}), failed)
    assert retry(replace(services, plugins={}, unavailable=["with-token"]), failed)
    videos = services.of("acme").videos
    videos.set_sha256("film", "another", "e" * 64)
    record = videos.get("film")
    assert record is not None
    newer = record.source.model_copy(update={"version": "2"})
    videos.register(newer, services.clock())
    videos.set_sha256("film", "2", "e" * 64)
    with pytest.raises(InputError, match="a newer source version"):
        retry(services, failed)


def test_fetch_again_replaces_unreadable_pages_for_free(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
    running = asked("later")
    vendor.finish(VIDEO)
    outputs = services.outputs.project("acme")
    RawPages(outputs, KEY, running.id).store([b"cut off in transit"])
    assert run(services).state is PhaseState.FAILED
    settled = latest(services)
    assert settled.state is UnitState.SETTLED
    again = fetch_again(services, settled)
    assert again is not None and again.picked.asked == {Phase.SHOTS}
    assert as_launched(services, again, "r2").state is PhaseState.DONE
    assert vendor.billed[VIDEO] == 1


def test_look_up_now_makes_running_unit_due(services: Services, asked: Ask) -> None:
    running = asked("later")
    assert look_up_now(services, running)
    assert [unit.id for unit in services.of("acme").units.due(services.clock())] == [running.id]


def test_fetch_again_needs_no_run_for_a_published_unit(services: Services, asked: Ask) -> None:
    settled = asked("soon")
    outputs = services.outputs.project("acme")
    RawPages(outputs, KEY, settled.id).store([b"damaged"])
    assert fetch_again(services, settled) is None
    pages = list(RawPages(outputs, KEY, settled.id).read())
    assert len(pages) == 2 and b"part 1" in pages[0]


def test_raw_pages_without_own_folder_are_read(services: Services, asked: Ask) -> None:
    unit, outputs = asked("later"), services.outputs.project("acme")
    manifest = json.dumps({"sha256": [hashlib.sha256(b"one").hexdigest()]}).encode()
    for name, content in {"page-00000": b"one", "manifest.json": manifest}.items():
        with outputs.writer(f"{KEY.raw_prefix}{unit.id}/{name}") as out:
            out.write(content)
    pages = RawPages(outputs, KEY, unit.id)
    assert list(pages.read()) == [b"one"]
    pages.store([b"two"])
    assert list(pages.read()) == [b"two"]
    left = len(list(outputs.listing(f"{KEY.raw_prefix}{unit.id}/")))
    assert left == len(("the page", "its manifest", "the request"))


def test_killed_fetch_keeps_earlier_pages(
    services: Services, asked: Ask, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends here."""

    def cut_off(*_: object) -> Iterator[bytes]:
        yield b"page 1 of another fetch"
        raise Killed

    settled = asked("soon")
    outputs = services.outputs.project("acme")
    pages = RawPages(outputs, KEY, settled.id)
    before = list(pages.read())
    with monkeypatch.context() as broken, pytest.raises(Killed):
        broken.setattr(VendorShots, "fetch", cut_off)
        fetch_again(services, settled)
    assert list(pages.read()) == before
    fetch_again(services, settled)
    left = list(outputs.listing(f"{KEY.raw_prefix}{settled.id}/"))
    others = ("the manifest", "the request")
    assert list(pages.read()) == before and len(left) == len(before) + len(others)


@pytest.mark.parametrize("state", ["settled", "unwanted"])
def test_slow_fetch_keeps_its_lease(
    services: Services, asked: Ask, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, state: str
) -> None:
    unit = asked("soon" if state == "settled" else "later")
    vendor.finish(VIDEO)
    taken: list[WorkUnit | None] = []

    def slow(*_: object) -> Iterator[bytes]:
        time.sleep(1.5 * services.policy.lease_seconds)
        taken.append(services.of("acme").units.claim(unit.id, "another", timedelta(seconds=1)))
        yield b"{}"

    monkeypatch.setattr(VendorShots, "fetch", slow)
    if state == "settled":
        fetch_again(services, unit)
    else:
        close(services, KEY, unit.id, "no longer needed")
    assert taken == [None]


def test_fetch_again_of_expired_result_names_force(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
    settled = asked("soon")
    vendor.forget(VIDEO)
    with pytest.raises(ProviderError, match="jobs force"):
        fetch_again(services, settled)
    assert run(services).reused, "the stored result is kept"


def test_fetch_again_of_failed_unit_is_refused(services: Services, asked: Ask) -> None:
    failed = asked("fail")
    assert not look_up_now(services, failed)
    with pytest.raises(InputError, match="jobs retry"):
        fetch_again(services, failed)
