"""A unit that has ended is asked for again: as a retry, or by force, or fetched once more."""

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
from video_pipeline.pipeline.backfill.refetch_unit import fetch_again, look_up_now
from video_pipeline.pipeline.backfill.retry_unit import Again, force, retry, to_pay
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
    """Asks for the shots, and gives the unit as it then stands."""
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
    """What the run that is launched for it does."""
    provider = again.providers.get(Phase.SHOTS, "with-token")
    return run(services, provider, run_id=run_id, forced_by=run_id if again.wish.force else "")


def test_a_failed_one_is_asked_again_and_paid_again(
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
    with pytest.raises(InputError, match="asked again since, and that is settled"):
        retry(services, failed)


def test_a_cancelled_one_and_one_released_from_doubt_are_asked_again(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
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


def test_one_that_was_given_up_is_revived_by_a_retry(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
    failed = asked("fail")
    services.of("acme").events.record("film", Phase.SHOTS, PhaseState.DEAD, services.clock())
    retry(services, failed)
    stands = services.of("acme").results.statuses("film")[Phase.SHOTS]
    assert stands.state is PhaseState.WAITING


def test_a_settled_one_is_asked_again_by_force_only_once_a_run(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
    settled = asked("soon")
    with pytest.raises(InputError, match="jobs force"):
        retry(services, settled)
    again = force(services, settled)
    assert again.wish.force and to_pay(services, settled) == settled.planned
    as_launched(services, again, "r2")
    as_launched(services, again, "r2")
    assert vendor.billed[VIDEO] == 2


def test_one_under_way_is_not_forced(services: Services, asked: Ask) -> None:
    with pytest.raises(InputError, match="it is running"):
        force(services, asked("later"))


def test_what_a_run_would_not_ask_for_is_refused(services: Services, asked: Ask) -> None:
    failed = asked("fail")
    with pytest.raises(InputError, match="names no 'with-token'"):
        retry(replace(services, plugins={}), failed)
    assert retry(replace(services, plugins={}, unavailable=["with-token"]), failed)
    videos = services.of("acme").videos
    videos.set_sha256("film", "another", "e" * 64)
    record = videos.get("film")
    assert record is not None
    newer = record.source.model_copy(update={"version": "2"})
    videos.register(newer, services.clock())
    videos.set_sha256("film", "2", "e" * 64)
    with pytest.raises(InputError, match="another version"):
        retry(services, failed)


def test_pages_that_could_not_be_read_are_fetched_again_for_nothing(
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


def test_one_that_runs_is_looked_up_by_the_next_sweep(services: Services, asked: Ask) -> None:
    running = asked("later")
    assert look_up_now(services, running)
    assert [unit.id for unit in services.of("acme").units.due(services.clock())] == [running.id]


def test_of_a_settled_one_with_a_result_the_pages_alone_are_stored_anew(
    services: Services, asked: Ask
) -> None:
    settled = asked("soon")
    outputs = services.outputs.project("acme")
    RawPages(outputs, KEY, settled.id).store([b"damaged"])
    assert fetch_again(services, settled) is None
    pages = list(RawPages(outputs, KEY, settled.id).read())
    assert len(pages) == 2 and b"part 1" in pages[0]


def test_pages_that_lie_in_no_folder_of_their_own_are_read_as_well(
    services: Services, asked: Ask
) -> None:
    unit, outputs = asked("later"), services.outputs.project("acme")
    manifest = json.dumps({"sha256": [hashlib.sha256(b"one").hexdigest()]}).encode()
    for name, content in {"page-00000": b"one", "manifest.json": manifest}.items():
        with outputs.writer(f"{KEY.raw_prefix}{unit.id}/{name}") as out:
            out.write(content)
    pages = RawPages(outputs, KEY, unit.id)
    assert list(pages.read()) == [b"one"]
    pages.store([b"two"])
    assert list(pages.read()) == [b"two"]
    assert len(list(outputs.listing(f"{KEY.raw_prefix}{unit.id}/"))) == 2


def test_killed_on_the_way_it_leaves_the_pages_that_were_there(
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
    assert list(pages.read()) == before and len(left) == len(before) + 1


@pytest.mark.parametrize("state", ["settled", "unwanted"])
def test_nobody_else_takes_the_unit_however_long_the_fetch_takes(
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
        close(services, KEY, unit.id, "nobody wants it")
    assert taken == [None]


def test_a_result_that_the_vendor_keeps_no_more_names_the_way_on(
    services: Services, asked: Ask, vendor: Vendor
) -> None:
    settled = asked("soon")
    vendor.forget(VIDEO)
    with pytest.raises(ProviderError, match="jobs force"):
        fetch_again(services, settled)
    assert run(services).reused, "what is there stays"


def test_of_one_that_failed_there_is_nothing_to_fetch(services: Services, asked: Ask) -> None:
    failed = asked("fail")
    assert not look_up_now(services, failed)
    with pytest.raises(InputError, match="jobs retry"):
        fetch_again(services, failed)
