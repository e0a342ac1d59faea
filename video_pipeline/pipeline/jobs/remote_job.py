"""A work unit that is a job somewhere else: submitted once, looked up, fetched when it has ended.

A run never waits for it: what is not there yet is parked.
"""

import logging
from collections.abc import Callable
from datetime import timedelta

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import UnitFailure
from video_pipeline.pipeline.jobs.unit_run import Standing, UnitDriver, plugin_broke
from video_pipeline.plugins.base import Jobs, JobStatus, Submission
from video_pipeline.plugins.inputs import Inputs, Object

_log = logging.getLogger(__name__)
_SELDOM_SECONDS = 3600.0
"""The longest time between two tries to fetch a result."""
FETCHED_FOR = timedelta(days=3)
"""For how long after a job's deadline its result is fetched: a weekend, for who must mend a right.
Less than providers keep results; one that keeps them for less says that they are gone."""


def advance(
    driver: UnitDriver,
    plugin: Jobs,
    standing: Standing,
    media: MediaInfo,
    inputs: Callable[[], Inputs],
) -> bool:
    """True: the raw pages are stored. False: the job runs on, or the request waits for its turn,
    and the unit is parked.

    Inputs are made only for a submission. Raises ProviderError for a job that failed, InDoubt
    for one that may or may not be there.
    """
    if standing == "start":
        taken = _submit(driver, plugin, media, inputs)
        if taken is None:
            return False
        driver.submitted()
        if taken.pages is not None:
            driver.store(taken.pages)
            return True
        driver.parked_at(_job(taken, driver), plugin.poll_seconds)
    return _look_up(driver, plugin, driver.unit.job or "")


def _submit(
    driver: UnitDriver, plugin: Jobs, media: MediaInfo, inputs: Callable[[], Inputs]
) -> Submission | None:
    """Hand the request over; None where the provider has no room, so that it comes later."""
    given = inputs()
    if not isinstance(driver.planned.plugin.capabilities().fed, Object) and not driver.admitted():
        return None  # to fetch what is handed over took longer than a slot is kept
    try:
        return driver.request(lambda: plugin.submit(driver.unit, media, given))
    except ProviderError as error:
        if not error.no_room:
            raise
        if driver.fails_alone:
            driver.fail(error)
            raise
        driver.come_later(plugin, error)
        return None


def _job(taken: Submission, driver: UnitDriver) -> str:
    if taken.job:
        return taken.job
    error = ProviderError(
        "the plugin's submission names neither a job nor pages",
        category=FailureCategory.MALFORMED_RESULT,
        where=driver.planned.provider,
        remedy="Run the conformance suite over the plugin.",
    )
    driver.fail(error)
    raise error


def _look_up(driver: UnitDriver, plugin: Jobs, job: str) -> bool:
    known = True
    try:
        status = plugin.poll([job]).get(job)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        _log.warning("%s", plugin_broke(driver, error))
        known, status = False, JobStatus(state="running")  # the sweep asks again
    if status is None:
        told = f"the provider knows no job {job}"
        raise _ended(driver, FailureCategory.RESULT_EXPIRED, told, driver.unit.planned)
    if status.state == "failed":
        why = status.failure or UnitFailure(
            category=FailureCategory.PROVIDER_FAILED, message="the job failed, without a reason"
        )
        raise _ended(driver, why.category, why.message)
    if status.state == "succeeded":
        return _fetch(driver, plugin, job)
    if status.state == "running" and known and driver.is_overdue():
        raise _given_up(driver, plugin, job)
    driver.look_again(plugin.poll_seconds)
    return False


def _fetch(driver: UnitDriver, plugin: Jobs, job: str) -> bool:
    try:
        driver.store(plugin.fetch(job))
    except Exception as broken:
        error = plugin_broke(driver, broken)
        if not isinstance(error, ProviderError):
            raise error from broken
        if error.category.past_mending:
            driver.fail(error, driver.unit.planned)  # it succeeded, and is billed
            raise error from broken
        _fetch_later(driver, plugin, error)
        return False
    return True


def _fetch_later(driver: UnitDriver, plugin: Jobs, error: ProviderError) -> None:
    """The result lies there, and is paid: it is fetched again, ever more seldom, until nobody has
    mended for days what is in the way. Raises ProviderError then."""
    _log.warning("%s", error)
    told = f"the result of job {driver.unit.job} could not be fetched: {error}"
    if driver.is_overdue(by=FETCHED_FOR):
        category = FailureCategory.RESULT_EXPIRED
        raise _ended(driver, category, f"given up: {told}", driver.unit.planned) from error
    pause = plugin.poll_seconds * 2**driver.unit.unfetched
    at_once = f"`video-pipeline jobs fetch {driver.unit.id}` looks again at once"
    driver.fetch_later(
        min(pause, max(plugin.poll_seconds, _SELDOM_SECONDS)),
        f"{told} It is tried again by itself, ever more seldom; {at_once}.",
    )


def _given_up(driver: UnitDriver, plugin: Jobs, job: str) -> ProviderError:
    """The job has had its time: it is stopped where the provider can, and all of it counts."""
    try:
        stopped = plugin.cancel(job)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        _log.warning("%s", plugin_broke(driver, error))
        stopped = False
    told = "it was stopped" if stopped else "its provider has not stopped it"
    hours = plugin.deadline_seconds / 3600
    return _ended(
        driver,
        FailureCategory.PROVIDER_FAILED,
        f"the job still runs {hours:g} hours after its submission, and is given up; {told}",
        driver.unit.planned,
    )


def _ended(
    driver: UnitDriver, category: FailureCategory, message: str, used: tuple[Usage, ...] = ()
) -> ProviderError:
    error = ProviderError(
        message,
        category=category,
        where=f"{driver.planned.provider}, job {driver.unit.job}",
        remedy="Run the phase again, or choose another provider for it in pipeline.yaml.",
    )
    driver.fail(error, used)
    return error
