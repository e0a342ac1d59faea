"""What the sensors share: their services, a skipped tick without MongoDB, and a limit of time."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import dagster as dg

from video_pipeline.defs.resources.deployment import SharedDeployment
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.pipeline.services import Services

Item = TypeVar("Item")
Result = dg.SensorResult | dg.SkipReason
Tick = Callable[[dg.SensorEvaluationContext, Services], Result]


def pipeline_sensor(**settings: Any) -> Callable[[Tick], dg.SensorDefinition]:
    """Return a decorator that makes a running sensor, with these settings, of a tick.

    The tick gets the services of today's pipeline.yaml. Without MongoDB it is skipped.
    """

    def make(tick: Tick) -> dg.SensorDefinition:
        @dg.sensor(name=tick.__name__, default_status=dg.DefaultSensorStatus.RUNNING, **settings)
        def sensor(
            context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[SharedDeployment]
        ) -> Result:
            try:
                with pipeline.opened() as services:
                    return tick(context, services)
            except CatalogUnavailable as error:
                return dg.SkipReason(str(error))

        return sensor

    return make


def within(seconds: float, items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, the first in any case, until the time is up."""
    until = time.monotonic() + seconds
    for item in items:
        yield item
        if time.monotonic() > until:
            return
