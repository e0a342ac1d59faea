"""Tests of changing the region or account of an entry while its jobs are under way."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from pydantic import JsonValue

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.analysis.run import analyse
from video_pipeline.pipeline.backfill.repeat_unit import fetch_again
from video_pipeline.pipeline.jobs.cancel import cancel
from video_pipeline.pipeline.progress.outcome import Outcome
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.sweep.round import make_round
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots
from video_pipeline_tests.doubles.vendor import Vendor

VIDEO = "acme/one"
KEY = VideoKey.parse(VIDEO)
ONE, OTHER = "111122223333", "444455556666"
Deliver = Callable[..., VideoKey]


class PlacedShots(VendorShots):
    """The vendor's shots of an account and region, which do not count in the choice."""

    name = "placed-shots"

    def __init__(self, options: VendorOptions, account: str, region: str) -> None:
        super().__init__(options)
        self._account, self._region = account, region

    @property
    def account(self) -> str:
        return self._account

    @property
    def region(self) -> str:
        return self._region

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        return {}


class Killed(BaseException):
    """Stands for a crash of the process."""


Placed = Callable[..., Services]


@pytest.fixture
def placed(services: Services, deliver: Deliver, vendor: Vendor) -> Placed:
    """Return a function that sets the account and region of the entry `with-token`.

    Each account and region is a vendor of its own, as each knows only its own jobs.
    """
    deliver(VIDEO)

    def placed(
        account: str = ONE,
        region: str = "eu-central-1",
        *,
        url: str = vendor.url,
        slots: int | None = None,
    ) -> Services:
        options = VendorOptions(url=url, slots=slots, timeout_seconds=3)
        plugins = {**services.plugins, "with-token": PlacedShots(options, account, region)}
        return replace(services, plugins=plugins)

    return placed


def shots(services: Services) -> Outcome:
    return analyse(services, KEY, [Phase.SHOTS])[Phase.SHOTS]


def the_unit(services: Services) -> WorkUnit:
    (unit,) = services.of("acme").units.of_video("one")
    return unit


@pytest.mark.parametrize("moved", [(ONE, "us-east-1"), (OTHER, "eu-central-1")])
def test_job_of_old_account_is_kept_and_reported(
    placed: Placed, vendor: Vendor, moved: tuple[str, str]
) -> None:
    unit = shots(placed()).unit or ""
    with Vendor("now") as there:
        away = placed(*moved, url=there.url)
        later = away.clock() + timedelta(days=2)
        assert make_round(away, later).ready == ()
        away.of("acme").units.end(unit, later)
        assert make_round(away, later).ready == (), "no run could consume it"
        failed = shots(away)
        assert failed.state is PhaseState.FAILED
        running = the_unit(away)
        assert f"jobs cancel {running.id}" in failed.message and "Restore region" in failed.message
        assert running.state is UnitState.RUNNING and not there.submissions
    vendor.finish(VIDEO)
    back = placed()
    assert [u.id for u in make_round(back, later + timedelta(days=1)).ready] == [running.id]
    assert shots(back).state is PhaseState.DONE
    assert vendor.billed == {VIDEO: 1}


def test_interrupted_request_is_not_repeated_elsewhere(placed: Placed, vendor: Vendor) -> None:
    def die(step: str) -> None:
        if step == "submitted":
            raise Killed

    with pytest.raises(Killed):
        shots(replace(placed(), on_step=die))
    with Vendor("later") as there:
        away = placed(region="us-east-1", url=there.url)
        make_round(away, away.clock() + timedelta(minutes=5))
        assert shots(away).state is PhaseState.FAILED
        assert the_unit(away).state is UnitState.SUBMITTING and not there.submissions
    assert shots(placed()).state is PhaseState.PARKED
    assert vendor.billed == {VIDEO: 1}


def test_waiting_unit_is_requested_from_new_account_only(placed: Placed, deliver: Deliver) -> None:
    full = placed(slots=1)
    analyse(full, deliver("globex/film"), [Phase.SHOTS])
    assert shots(full).state is PhaseState.PARKED
    assert the_unit(full).state is UnitState.QUEUED
    away = placed(OTHER)
    assert shots(away).state is PhaseState.PARKED
    first, second = away.of("acme").units.of_video("one")
    assert (first.state, first.settled) == (UnitState.CANCELLED, ())
    assert (second.state, second.request.account) == (UnitState.RUNNING, OTHER)


def test_cancelled_unit_of_old_account_allows_new_request(placed: Placed) -> None:
    shots(placed())
    with Vendor("now") as there:
        away = placed(region="us-east-1", url=there.url)
        unit = the_unit(away)
        (told,) = cancel(away, KEY, [unit.id], "cancelled by hand")
        assert told.unit.unwanted
        assert shots(away).state is PhaseState.DONE
        assert there.billed == {VIDEO: 1}


@pytest.mark.parametrize("name", ["default", "profile media"])
def test_named_account_matches_its_later_number(placed: Placed, vendor: Vendor, name: str) -> None:
    shots(placed(name))
    vendor.finish(VIDEO)
    assert shots(placed(ONE)).state is PhaseState.DONE
    assert vendor.billed == {VIDEO: 1}


def test_settled_unit_of_old_account_is_reused_not_refetched(
    placed: Placed, vendor: Vendor
) -> None:
    vendor.behave(VIDEO, "soon")
    shots(placed())
    away = placed(region="us-east-1")
    assert shots(away).reused
    with pytest.raises(ConfigurationError, match="for as long as"):
        fetch_again(away, the_unit(away))
