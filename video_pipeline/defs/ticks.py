"""What the sensors share: services, a skipped tick without MongoDB, cursors, limits of time."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import dagster as dg
from pydantic import ValidationError

from video_pipeline.defs.resources.deployment import SharedDeployment
from video_pipeline.defs.resources.shared_instance import SharingSensor
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.domain.values import Frozen
from video_pipeline.pipeline.services import Services

Item = TypeVar("Item")
Memory = TypeVar("Memory", bound=Frozen)
Result = dg.SensorResult | dg.SkipReason
Tick = Callable[[dg.SensorEvaluationContext, Services], Result]


def running_sensor(**settings: Any) -> Callable[[Callable[..., Result]], dg.SensorDefinition]:
    """Return a decorator that makes a running sensor, with these settings, of a tick."""

    def make(tick: Callable[..., Result]) -> dg.SensorDefinition:
        return SharingSensor(
            tick.__name__,
            evaluation_fn=tick,
            default_status=dg.DefaultSensorStatus.RUNNING,
            **settings,
        )

    return make


def pipeline_sensor(**settings: Any) -> Callable[[Tick], dg.SensorDefinition]:
    """Return a decorator that makes a running sensor, with these settings, of a tick.

    The tick gets the services of today's pipeline.yaml, or of the last valid one. Then its message
    begins with the problem of the file. Without MongoDB it is skipped.
    """

    def make(tick: Tick) -> dg.SensorDefinition:
        def sensor(
            context: dg.SensorEvaluationContext, pipeline: dg.ResourceParam[SharedDeployment]
        ) -> Result:
            try:
                with pipeline.opened() as services:
                    result = tick(context, services)
            except CatalogUnavailable as error:
                result = dg.SkipReason(str(error))
            return _led_by(str(pipeline.problem), result, context) if pipeline.problem else result

        sensor.__name__ = tick.__name__
        return running_sensor(**settings)(sensor)

    return make


def _led_by(problem: str, result: Result, context: dg.SensorEvaluationContext) -> Result:
    """Return the result with the problem before its message, or in the log beside run requests."""
    context.log.error(problem)
    if isinstance(result, dg.SkipReason):
        return dg.SkipReason(f"{problem}\n{result.skip_message}")
    if result.run_requests:
        return result
    said = result.skip_reason.skip_message if result.skip_reason else ""
    return result._replace(skip_reason=dg.SkipReason(f"{problem}\n{said}".rstrip()))


def remembered(kind: type[Memory], cursor: str | None) -> Memory:
    """Return what the last tick left in its cursor. A cursor of another version is a new one."""
    try:
        return kind.model_validate_json(cursor or "{}")
    except ValidationError:
        return kind()


def within(seconds: float, items: Iterable[Item]) -> Iterator[Item]:
    """Yield items, the first in any case, until the time is up."""
    until = time.monotonic() + seconds
    for item in items:
        yield item
        if time.monotonic() > until:
            return
