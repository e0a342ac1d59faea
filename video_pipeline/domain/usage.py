"""Billed quantities: meters, how a provider rounds them, and usage."""

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


# One of each meter, for people.
_NOUNS = {
    Meter.VIDEO_SECONDS: "of video",
    Meter.AUDIO_SECONDS: "of audio",
    Meter.IMAGES: "image",
    Meter.TOKENS_IN: "input token",
    Meter.TOKENS_OUT: "output token",
    Meter.REQUESTS: "request",
    Meter.GPU_SECONDS: "of a GPU",
}
_TIMED = (Meter.VIDEO_SECONDS, Meter.AUDIO_SECONDS, Meter.GPU_SECONDS)
# Seconds from which a quantity is shown in minutes.
_MINUTES_FROM = 120


class MeterSpec(Frozen):
    """How one meter is billed: rounded up to a multiple of `unit`, at least `minimum`."""

    meter: Meter
    paid: bool
    unit: Rational = Fraction(1)
    minimum: Rational = Fraction(0)
    source: Literal["reported", "derived"] = "derived"

    def quantity(self, measured: Fraction) -> Fraction:
        """Return the billed quantity of a measured amount."""
        return max(-(-measured // self.unit) * self.unit, self.minimum)


class Usage(Frozen):
    """A billed quantity. `measured` says whether the provider reported it or we derived it."""

    meter: Meter
    quantity: Rational
    paid: bool
    measured: Literal["reported", "derived"] = "derived"
    # What has a price of its own, such as one of several analyses of the same seconds. Empty if the
    # meter has one price. Quantities of different dimensions are never added.
    dimension: str = ""

    @property
    def counted(self) -> str:
        """Return the meter and its dimension for people."""
        return f"{self.meter.value} ({self.dimension})" if self.dimension else self.meter.value

    @property
    def amount(self) -> str:
        """Return quantity and dimension for people: `26 s of video (shot)`, `1 request`."""
        minutes = self.meter in _TIMED and self.quantity >= _MINUTES_FROM
        number = round(self.quantity / 60 if minutes else self.quantity, 2)
        noun = _NOUNS[self.meter]
        if self.meter in _TIMED:
            noun = f"{'min' if minutes else 's'} {noun}"
        elif number != 1:
            noun += "s"
        of = f" ({self.dimension})" if self.dimension else ""
        return f"{float(number):,.15g} {noun}{of}"


def summed(usages: Iterable[Usage]) -> tuple[Usage, ...]:
    """Return sums in a fixed order, by meter, dimension, `paid` and `measured`."""
    sums: dict[tuple[str, str, bool, str], Usage] = {}
    for usage in usages:
        kind = (usage.meter.value, usage.dimension, usage.paid, usage.measured)
        before = sums[kind].quantity if kind in sums else Fraction(0)
        sums[kind] = usage.model_copy(update={"quantity": before + usage.quantity})
    return tuple(sums[kind] for kind in sorted(sums))


def times(usages: Iterable[Usage], count: int) -> tuple[Usage, ...]:
    """Return the usages multiplied by `count`."""
    return tuple(one.model_copy(update={"quantity": one.quantity * count}) for one in usages)
