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
    """One usage for each meter and dimension, by whether it is paid and who measured it."""
    sums: dict[tuple[object, ...], Usage] = {}
    for one in usages:
        by = (one.meter, one.dimension, one.paid, one.measured)
        known = sums.get(by)
        quantity = one.quantity + (known.quantity if known else 0)
        sums[by] = one.model_copy(update={"quantity": quantity})
    return tuple(sums.values())
