"""What is billed: meters, how a provider rounds them, and quantities."""

from collections.abc import Iterable
from enum import StrEnum
from fractions import Fraction
from typing import Literal

from video_pipeline.domain.values import Frozen, Rational


class Meter(StrEnum):
    """What a provider counts."""

    VIDEO_SECONDS = "video_seconds"
    AUDIO_SECONDS = "audio_seconds"
    IMAGES = "images"
    TOKENS_IN = "tokens_in"
    TOKENS_OUT = "tokens_out"
    REQUESTS = "requests"
    GPU_SECONDS = "gpu_seconds"


class MeterSpec(Frozen):
    """How one meter is counted: rounded up to `unit`, at least `minimum`, both in its own unit."""

    meter: Meter
    paid: bool
    unit: Rational = Fraction(1)
    minimum: Rational = Fraction(0)
    source: Literal["reported", "derived"] = "derived"

    def quantity(self, measured: Fraction) -> Fraction:
        """What is billed for a measured amount."""
        return max(-(-measured // self.unit) * self.unit, self.minimum)


class Usage(Frozen):
    """A billed quantity. `measured` says whether the provider reported it or we derived it."""

    meter: Meter
    quantity: Rational
    paid: bool
    measured: Literal["reported", "derived"] = "derived"
    dimension: str = ""
    """What of it is priced by itself, such as one of several analyses of the same seconds; empty
    where the meter alone has a price. Quantities are added within a meter and dimension only."""

    @property
    def counted(self) -> str:
        """The meter and its dimension, as people read it."""
        return f"{self.meter.value} ({self.dimension})" if self.dimension else self.meter.value


def summed(usages: Iterable[Usage]) -> tuple[Usage, ...]:
    """One usage for each meter and dimension, paid and unpaid, reported and derived apart, in a
    fixed order."""
    sums: dict[tuple[str, str, bool, str], Usage] = {}
    for usage in usages:
        kind = (usage.meter.value, usage.dimension, usage.paid, usage.measured)
        before = sums[kind].quantity if kind in sums else Fraction(0)
        sums[kind] = usage.model_copy(update={"quantity": before + usage.quantity})
    return tuple(sums[kind] for kind in sorted(sums))


def times(usages: Iterable[Usage], count: int) -> tuple[Usage, ...]:
    """The same usages so many times."""
    return tuple(one.model_copy(update={"quantity": one.quantity * count}) for one in usages)
