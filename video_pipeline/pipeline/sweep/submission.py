"""Making requests without a run: those of one pool in one round, each under a lease.

Whose request it is and why now is said by the classes of submit.py.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator

from video_pipeline.domain.errors import CatalogError, PipelineError, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.slots import Pool
from video_pipeline.domain.work import UnitState, WorkUnit
from video_pipeline.pipeline.admission import slots
from video_pipeline.pipeline.jobs.lease import Leases
from video_pipeline.pipeline.jobs.planned import Planned
from video_pipeline.pipeline.jobs.unit_run import UnitDriver
from video_pipeline.pipeline.services import Services
from video_pipeline.pipeline.source.read import object_of
from video_pipeline.plugins.base import Jobs, Plugin
from video_pipeline.plugins.inputs import Inputs, Object

_log = logging.getLogger(__name__)
A_ROUND = 100
"""Requests of one pool that one round makes, at most."""
SECONDS_A_ROUND = 20.0
"""For how long a round begins with another one."""


class Requests(ABC):
    """The requests of one pool in one round."""

    def __init__(self, services: Services, pool: Pool, until: float) -> None:
        """None is begun after `until`, by `time.monotonic`."""
        self._services, self._pool, self._made = services, pool, 0
        self._until = min(until, time.monotonic() + SECONDS_A_ROUND)

    def run(self) -> int:
        """Make them; how many were made. Raises CatalogError."""
        if self._pool.paused:
            return 0
        for unit in self._units():
            if self._made >= A_ROUND or time.monotonic() > self._until:
                break
            try:
                if not self._take_up(unit):
                    break
            except CatalogError:
                raise
            except PipelineError as error:
                _log.warning("%s: work unit %s: %s", unit.request.key, unit.id, error)
                self._services.of(unit.request.key.project).units.let_go(
                    unit.id, self._services.clock()
                )  # what is wrong here is told by the run that waits
                break
        return self._made

    @abstractmethod
    def _units(self) -> Iterator[WorkUnit]:
        """Those to be seen to, in turn."""

    @abstractmethod
    def _take_up(self, unit: WorkUnit) -> bool:
        """See to one unit; False where the pool gives nothing more now."""

    def request(self, unit: WorkUnit, plugin: Jobs, media: MediaInfo, leases: Leases) -> bool:
        """Make the request of a unit that `leases` hold; False as for `_take_up`."""
        request, again = unit.request, unit.state is UnitState.SUBMITTING
        planned = Planned(request.provider, plugin, request, unit.planned)
        driver = UnitDriver(self._services, planned, leases, taken=unit)
        record = self._services.of(request.key.project).videos.get(request.key.video)
        assert record is not None, "its media was read from it"
        given = Inputs(object=object_of(self._services, record))
        try:
            taken = driver.request_once(lambda: plugin.submit(driver.unit, media, given))
        except ProviderError as error:
            return self._not_taken(driver, plugin, error)
        driver.submitted()
        self._made += 1
        if taken.job:
            driver.parked_at(taken.job, 0 if again else plugin.poll_seconds)
            return True
        if taken.pages is not None:
            driver.store(taken.pages)
        self.let_go(driver.unit, plugin)
        return True

    def _not_taken(self, driver: UnitDriver, plugin: Jobs, error: ProviderError) -> bool:
        """The pool rests where the provider has no room, or does not answer; else a run tells it,
        and where that has happened often to this unit alone.

        What may have been taken is asked again with its token, what surely was not comes later."""
        unit = driver.unit
        key = unit.request.key
        waits = unit.state in (UnitState.INTENT, UnitState.SUBMITTING)
        told = bool(driver.awaited) and driver.fails_alone
        if not waits or not error.category.retryable or told:
            _log.info("%s: work unit %s: a run tells of this: %s", key, unit.id, error)
            self.let_go(unit, driver.planned.plugin)
            return True
        _log.warning("%s: work unit %s comes later: %s", key, unit.id, error)
        driver.come_later(plugin, error)
        return False

    def let_go(self, unit: WorkUnit, plugin: Plugin) -> None:
        """Let the run go that waits for the unit; the slot is kept for it."""
        units = self._services.of(unit.request.key.project).units
        if unit.state is UnitState.INTENT:
            slots.admit(self._services, unit, plugin)
        units.let_go(unit.id, self._services.clock())


def media_of(services: Services, unit: WorkUnit, plugin: Plugin | None) -> MediaInfo | None:
    """What the source is made of, where the request can be made without a run, as it was
    planned."""
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
    """Whether a plugin's requests can be made without a run: nothing is downloaded for them."""
    return isinstance(plugin, Jobs) and isinstance(plugin.capabilities().fed, Object)
