"""Region or account of an entry are changed while its jobs are under way."""

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
from video_pipeline.pipeline.backfill.refetch_unit import fetch_again
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
    """The vendor's shots, by an account in a region; neither says anything about the result."""

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
    """The process ends here."""


Placed = Callable[..., Services]


@pytest.fixture
def placed(services: Services, deliver: Deliver, vendor: Vendor) -> Placed:
    """The deployment with the entry `with-token` at a place. A vendor knows only the jobs that were
    made at its own: another place is another vendor."""
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
def test_a_job_that_runs_elsewhere_is_kept_and_told_of_and_not_paid_again(
    placed: Placed, vendor: Vendor, moved: tuple[str, str]
) -> None:
    unit = shots(placed()).unit or ""
    with Vendor("now") as there:
        away = placed(*moved, url=there.url)
        later = away.clock() + timedelta(days=2)
        assert make_round(away, later).ready == ()
        away.of("acme").units.mark_ready(unit, later)
        assert make_round(away, later).ready == (), "no run could consume it"
        failed = shots(away)
        assert failed.state is PhaseState.FAILED
        running = the_unit(away)
        assert f"jobs cancel {running.id}" in failed.message and "Set region" in failed.message
        assert running.state is UnitState.RUNNING and not there.submissions
    vendor.finish(VIDEO)
    back = placed()
    assert [u.id for u in make_round(back, later + timedelta(days=1)).ready] == [running.id]
    assert shots(back).state is PhaseState.DONE
    assert vendor.billed == {VIDEO: 1}


def test_a_request_that_a_process_left_behind_elsewhere_is_not_made_again_here(
    placed: Placed, vendor: Vendor
) -> None:
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


def test_what_was_not_asked_for_yet_is_asked_for_under_the_new_place_alone(
    placed: Placed, deliver: Deliver
) -> None:
    full = placed(slots=1)
    analyse(full, deliver("globex/film"), [Phase.SHOTS])
    assert shots(full).state is PhaseState.PARKED
    assert the_unit(full).state is UnitState.INTENT
    away = placed(OTHER)
    assert shots(away).state is PhaseState.PARKED
    first, second = away.of("acme").units.of_video("one")
    assert (first.state, first.settled) == (UnitState.CANCELLED, ())
    assert (second.state, second.request.account) == (UnitState.RUNNING, OTHER)


def test_a_cancelled_one_no_longer_stands_in_the_way(placed: Placed) -> None:
    shots(placed())
    with Vendor("now") as there:
        away = placed(region="us-east-1", url=there.url)
        unit = the_unit(away)
        (told,) = cancel(away, KEY, [unit.id], "cancelled by hand")
        assert told.unit.unwanted
        assert shots(away).state is PhaseState.DONE
        assert there.billed == {VIDEO: 1}


@pytest.mark.parametrize("name", ["default", "profile media"])
def test_an_account_whose_number_is_told_later_is_the_same(
    placed: Placed, vendor: Vendor, name: str
) -> None:
    shots(placed(name))
    vendor.finish(VIDEO)
    assert shots(placed(ONE)).state is PhaseState.DONE
    assert vendor.billed == {VIDEO: 1}


def test_what_was_settled_elsewhere_is_good_here_but_is_fetched_there(
    placed: Placed, vendor: Vendor
) -> None:
    vendor.behave(VIDEO, "soon")
    shots(placed())
    away = placed(region="us-east-1")
    assert shots(away).reused
    with pytest.raises(ConfigurationError, match="for as long as"):
        fetch_again(away, the_unit(away))
