"""A work unit that is a job somewhere else: submitted once, looked up, fetched when it has ended.

A run never waits for it: what is not there yet is parked.
"""

import logging
from collections.abc import Callable

from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.work import UnitFailure
from video_pipeline.pipeline.drive import Standing, UnitDriver, plugin_broke
from video_pipeline.plugins.base import Jobs, JobStatus, Submission
from video_pipeline.plugins.inputs import Inputs

_log = logging.getLogger(__name__)
_PAST_MENDING = (FailureCategory.RESULT_EXPIRED, FailureCategory.INPUT_REJECTED)
"""The result is gone, or it is that of another content: to fetch it again gives no other."""


def advance(
    driver: UnitDriver,
    plugin: Jobs,
    standing: Standing,
    media: MediaInfo,
    inputs: Callable[[], Inputs],
) -> bool:
    """True: the raw pages are stored. False: the job runs on, and the unit is parked.

    Inputs are made only for a submission. Raises ProviderError for a job that failed, InDoubt
    for one that may or may not be there.
    """
    if standing == "start":
        given = inputs()
        taken = driver.request(lambda: plugin.submit(driver.unit, media, given))
        driver.submitted()
        if taken.pages is not None:
            driver.store(taken.pages)
            return True
        driver.parked_at(_job(taken, driver), plugin.poll_seconds)
    return _look_up(driver, plugin, driver.unit.job or "")


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
    try:
        status = plugin.poll([job]).get(job)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        _log.warning("%s", plugin_broke(driver, error))
        status = JobStatus(state="running")  # as far as we know; the sweep asks again
    if status is None:
        raise _ended(driver, FailureCategory.RESULT_EXPIRED, f"the provider knows no job {job}")
    if status.state == "failed":
        why = status.failure or UnitFailure(
            category=FailureCategory.PROVIDER_FAILED, message="the job failed, without a reason"
        )
        raise _ended(driver, why.category, why.message)
    if status.state == "succeeded" and _fetch(driver, plugin, job):
        return True
    driver.look_again(plugin.poll_seconds)
    return False


def _fetch(driver: UnitDriver, plugin: Jobs, job: str) -> bool:
    try:
        driver.store(plugin.fetch(job))
    except Exception as broken:
        error = plugin_broke(driver, broken)
        if not isinstance(error, ProviderError):
            raise error from broken
        if error.category in _PAST_MENDING:
            driver.fail(error, driver.unit.planned)  # it succeeded, and is billed
            raise error from broken
        _log.warning("%s", error)
        return False  # the result lies there, and is paid: it is fetched again later
    return True


def _ended(driver: UnitDriver, category: FailureCategory, message: str) -> ProviderError:
    error = ProviderError(
        message,
        category=category,
        where=f"{driver.planned.provider}, job {driver.unit.job}",
        remedy="Run the phase again, or choose another provider for it in pipeline.yaml.",
    )
    driver.fail(error)
    return error
