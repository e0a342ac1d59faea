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


def summed(usages: Iterable[Usage]) -> tuple[Usage, ...]:
    """One usage for each meter, by whether it is paid and who measured it."""
    sums: dict[tuple[Meter, bool, Literal["reported", "derived"]], Fraction] = {}
    for one in usages:
        by = (one.meter, one.paid, one.measured)
        sums[by] = sums.get(by, Fraction(0)) + one.quantity
    return tuple(
        Usage(meter=meter, quantity=quantity, paid=paid, measured=measured)
        for (meter, paid, measured), quantity in sums.items()
    )
