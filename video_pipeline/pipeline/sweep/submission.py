"""Submit requests of one pool in one round; subclasses in backlog.py choose the units."""

import logging
from abc import ABC, abstractmethod
from collections.abc import Iterator

from video_pipeline.domain.errors import CatalogError, PipelineError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.unit_policy import Step
from video_pipeline.domain.work import Stage, WorkUnit
from video_pipeline.pipeline.admission.gate import Gate
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.unit_run import resume
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.read import object_of
from video_pipeline.plugins.base import Jobs, Plugin
from video_pipeline.plugins.inputs import Inputs, Object

_log = logging.getLogger(__name__)
# The limits of one pool in one round.
MAX_REQUESTS = 100
MAX_SECONDS = 20.0


class Requests(ABC):
    """The requests of one pool in one round."""

    def __init__(self, services: Services, pool: Pool, until: float) -> None:
        """No request is started after `until`, by `services.elapsed`."""
        self._services, self._pool, self._made = services, pool, 0
        self._until = min(until, services.elapsed() + MAX_SECONDS)

    def run(self) -> int:
        """Make the requests, and return how many were made. Raises CatalogError."""
        if self._pool.paused:
            return 0
        for unit in self._in_turn():
            if self._made >= MAX_REQUESTS or self._services.elapsed() > self._until:
                break
            try:
                if not self._process(unit):
                    break
            except CatalogError:
                raise
            except PipelineError as error:
                _log.warning("%s: work unit %s: %s", unit.request.key, unit.id, error)
                self._leave(unit, error)
                break
        return self._made

    @property
    def name(self) -> str:
        return f"requests of {self._pool.name} ({id(self._services.catalog):x})"

    def _leave(self, unit: WorkUnit, error: PipelineError) -> None:
        """Let the run that waits report an error, except a passing one before the request."""
        units = self._services.of(unit.request.key.project).units
        now = units.get(unit.id)
        if now is None or not (error.passes and now.state.stage is Stage.UNSENT):
            units.hand_over(unit.id, self._services.clock())

    @abstractmethod
    def _in_turn(self) -> Iterator[WorkUnit]:
        """Yield the units to process, in turn."""

    @abstractmethod
    def _process(self, unit: WorkUnit) -> bool:
        """Process one unit. Returns False if the pool accepts no more requests now."""

    def submit(self, unit: WorkUnit, plugin: Jobs, media: MediaInfo, leases: Leases) -> bool:
        """Submit the request of a unit held by `leases`. Returns as `_process` does."""
        request, again = unit.request, unit.state.stage is Stage.SENT
        planned = Planned(request.provider, plugin, request, unit.planned)
        driver = resume(self._services, planned, leases, unit)
        if driver.unit.state is not unit.state:  # adopted: the outputs prove its request
            Gate(self._services, plugin, request).refund(driver.unit)
            self.wake_run(driver.unit, plugin)
            return True
        record = self._services.of(request.key.project).videos.get(request.key.video)
        assert record is not None, "its media was read from it"
        given = Inputs(object=object_of(self._services.ingest, record))
        submission = driver.request_once(lambda: plugin.submit(driver.unit, media, given))
        if submission is Step.DEFER:
            return False  # which pauses the pool
        if isinstance(submission, Step):
            self.wake_run(driver.unit, plugin)  # it reports the error
            return True
        driver.submitted()
        self._made += 1
        if submission.job:
            driver.parked_at(submission.job, 0 if again else plugin.poll_seconds)
            return True
        if submission.pages is not None:
            driver.store(submission.pages)
        self.wake_run(driver.unit, plugin)
        return True

    def wake_run(self, unit: WorkUnit, plugin: Plugin) -> None:
        """Release the run that waits for the unit, and keep the slot for it."""
        units = self._services.of(unit.request.key.project).units
        if unit.state.stage is Stage.UNSENT:
            Gate(self._services, plugin, unit.request).admit(unit)
        units.hand_over(unit.id, self._services.clock())


def media_of(services: Services, unit: WorkUnit, plugin: Plugin | None) -> MediaInfo | None:
    """Return the media info if the request needs no run and is as it was planned."""
    request = unit.request
    if not is_fed_objects(plugin):
        return None
    assert plugin is not None
    asked = (request.plugin, request.account, request.region)
    if (plugin.name, plugin.account, plugin.region) != asked:
        return None
    if request.parameters.get("options") != plugin.options_for(request.kinds):
        return None
    record = services.of(request.key.project).videos.get(request.key.video)
    if record is None or record.removed_at or record.sha256 != request.content:
        return None
    return record.media


def is_fed_objects(plugin: Plugin | None) -> bool:
    """Return whether the plugin takes the object's address, so that nothing is downloaded."""
    return isinstance(plugin, Jobs) and isinstance(plugin.capabilities().fed, Object)
