"""Advance a unit that is a job at a provider; while the job runs, the unit is parked."""

import logging
from collections.abc import Callable
from datetime import timedelta

from video_pipeline.domain.errors import FailureCategory, PipelineError, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.unit_policy import FetchStep, Found, JobStep, after_fetch, after_poll
from video_pipeline.domain.usage import Usage
from video_pipeline.domain.work import UnitFailure
from video_pipeline.pipeline.jobs.unit_run import UnitDriver, plugin_broke
from video_pipeline.plugins.base import Jobs, Submission
from video_pipeline.plugins.inputs import Inputs, Object

_log = logging.getLogger(__name__)
# The longest interval between two tries to fetch a result.
_MAX_INTERVAL_SECONDS = 3600.0
# How long after a job's deadline fetching its result is retried: over a weekend, so that a missing
# permission can be granted. Providers keep results for longer, or report them as expired.
FETCH_RETRIED_FOR = timedelta(days=3)


def advance(
    driver: UnitDriver,
    plugin: Jobs,
    found: Found,
    media: MediaInfo,
    inputs: Callable[[], Inputs],
) -> bool:
    """Return True once the raw pages are stored, and False if the unit is parked.

    It is parked while its job runs or its request waits in the backlog. Inputs are made only for a
    submission. Raises ProviderError if the job failed, InDoubt if it may or may not exist.
    """
    if found is not Found.POLL:
        submission = _submit(driver, plugin, media, inputs)
        if submission is None:
            return False
        driver.submitted()
        if submission.pages is not None:
            driver.store(submission.pages)
            return True
        driver.parked_at(_job(submission, driver), plugin.poll_seconds)
    return _poll(driver, plugin, driver.unit.job or "")


def _submit(
    driver: UnitDriver, plugin: Jobs, media: MediaInfo, inputs: Callable[[], Inputs]
) -> Submission | None:
    """Submit the request. Returns None if the unit is deferred."""
    given = inputs()
    if not isinstance(driver.planned.plugin.capabilities().fed, Object) and not driver.admitted():
        return None  # the download of the input took longer than a slot is kept
    return driver.request(lambda: plugin.submit(driver.unit, media, given))


def _job(submission: Submission, driver: UnitDriver) -> str:
    if submission.job:
        return submission.job
    error = ProviderError(
        "the plugin's submission contains neither a job nor pages",
        category=FailureCategory.MALFORMED_RESULT,
        where=driver.planned.provider,
        remedy="Fix the plugin; its conformance suite shows this error.",
    )
    driver.fail(error)
    raise error


def _poll(driver: UnitDriver, plugin: Jobs, job: str) -> bool:
    try:
        status = plugin.poll([job]).get(job)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        _log.warning("%s", plugin_broke(driver.planned.provider, error))
        driver.poll_later(plugin.poll_seconds)
        return False
    step = after_poll(status.state if status else None, overdue=driver.is_overdue())
    if step is JobStep.FETCH:
        return _fetch(driver, plugin, job)
    if step is JobStep.WAIT:
        driver.poll_later(plugin.poll_seconds, status.note if status else "")
        return False
    if step is JobStep.STOP:
        raise _expired(driver, plugin, job)
    if step is JobStep.LOSE:
        message = f"the provider knows no job {job}"
        raise _failed(driver, FailureCategory.RESULT_EXPIRED, message, driver.unit.planned)
    why = status.failure if status else None
    why = why or UnitFailure(
        category=FailureCategory.PROVIDER_FAILED, message="the job failed, without a reason"
    )
    raise _failed(driver, why.category, why.message)


def _fetch(driver: UnitDriver, plugin: Jobs, job: str) -> bool:
    try:
        driver.store(plugin.fetch(job))
    except Exception as broken:
        error = plugin_broke(driver.planned.provider, broken)
        step = after_fetch(error, too_late=driver.is_overdue(by=FETCH_RETRIED_FOR))
        if step is FetchStep.LATER:
            _fetch_later(driver, plugin, error)
            return False
        if step is FetchStep.GIVE_UP:
            category = FailureCategory.RESULT_EXPIRED
            message = f"given up: the result of job {job} could not be fetched: {error}"
            raise _failed(driver, category, message, driver.unit.planned) from error
        if step is FetchStep.LOSE:
            driver.fail(error, driver.unit.planned)
        raise error from broken
    return True


def _fetch_later(driver: UnitDriver, plugin: Jobs, error: PipelineError) -> None:
    """Retry fetching a billed result, at growing intervals, until days after the deadline."""
    _log.warning("the result of job %s could not be fetched: %s", driver.unit.job, error)
    pause = plugin.poll_seconds * 2**driver.unit.fetch_failures
    driver.fetch_later(min(pause, max(plugin.poll_seconds, _MAX_INTERVAL_SECONDS)), str(error))


def _expired(driver: UnitDriver, plugin: Jobs, job: str) -> ProviderError:
    """Stop a job past its deadline if the provider can; its planned usage counts."""
    try:
        stopped = plugin.cancel(job)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        _log.warning("%s", plugin_broke(driver.planned.provider, error))
        stopped = False
    end = "it was stopped" if stopped else "its provider has not stopped it"
    hours = plugin.deadline_seconds / 3600
    return _failed(
        driver,
        FailureCategory.PROVIDER_FAILED,
        f"the job still runs {hours:g} hours after its submission, its deadline; {end}",
        driver.unit.planned,
    )


def _failed(
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
