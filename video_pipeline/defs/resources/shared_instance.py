"""One Dagster instance for all ticks of a process.

Dagster opens its records anew for each tick, and reads all its scripts of migrations to do so:
three fifths of the CPU time of a code server at rest (dagster 1.13.27).
"""

import threading
from typing import Any, Self

import dagster as dg

# Verified with dagster 1.13.27, which exports no name for the address of its records. Ends when it
# keeps the records open between ticks.
from dagster._core.instance.ref import InstanceRef


class SharedInstance:
    """Opens the records of one Dagster home once, for threads that tick side by side."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dg.DagsterInstance | None = None

    def of(self, ref: InstanceRef) -> dg.DagsterInstance:
        """Return the instance of these records, opened at the first call."""
        with self._lock:
            if self._open is None or self._open.get_ref() != ref:
                self._open = dg.DagsterInstance.from_ref(ref)
            return self._open


class SharingSensor(dg.SensorDefinition):
    """A sensor whose ticks use the shared instance."""

    def evaluate_tick(self, context: dg.SensorEvaluationContext) -> Any:
        """Run one tick."""
        if context.instance_ref is not None:
            # Dagster has no public way to give a context its instance.
            context._instance = SHARED.of(context.instance_ref)  # pyright: ignore[reportPrivateUsage]
        return super().evaluate_tick(context)

    def with_attributes(self, **changed: Any) -> Self:
        """Return a changed copy of the same kind, where Dagster's own would be a plain sensor."""
        copy: Any = super().with_attributes(**changed)
        copy.__class__ = type(self)
        return copy


SHARED = SharedInstance()
