"""Usage: rounded up as a provider does, exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.usage import Meter, MeterSpec, Usage, summed, times

amounts = st.fractions(min_value=0, max_value=10**6, max_denominator=90000)
units = st.fractions(min_value=Fraction(1, 1000), max_value=600, max_denominator=1000)


def _seconds(unit: Fraction, minimum: Fraction = Fraction(0)) -> MeterSpec:
    return MeterSpec(meter=Meter.VIDEO_SECONDS, paid=True, unit=unit, minimum=minimum)


@pytest.mark.parametrize(
    ("measured", "unit", "minimum", "billed", "why"),
    [
        ("0", "1", "0", "0", "nothing costs nothing"),
        ("0", "1", "15", "15", "unless there is a minimum"),
        ("1001/1000", "1", "0", "2", "a begun second is a second"),
        ("60", "60", "0", "60", "a full minute is one"),
        ("60001/1000", "60", "0", "120", "a millisecond more is two"),
        ("14", "1", "15", "15", "the minimum"),
        ("16", "1", "15", "16", "beyond it"),
        ("1/3", "1/10", "0", "2/5", "tenths, exactly"),
    ],
)
def test_a_quantity_is_rounded_up(
    measured: str, unit: str, minimum: str, billed: str, why: str
) -> None:
    meter = _seconds(Fraction(unit), Fraction(minimum))
    assert meter.quantity(Fraction(measured)) == Fraction(billed)


@given(amounts, units)
def test_billed_is_the_least_whole_number_of_units_that_covers(
    measured: Fraction, unit: Fraction
) -> None:
    billed = _seconds(unit).quantity(measured)
    assert billed % unit == 0
    assert measured <= billed < measured + unit


@given(amounts, amounts, units, amounts)
def test_more_is_never_billed_as_less(
    one: Fraction, other: Fraction, unit: Fraction, minimum: Fraction
) -> None:
    meter = _seconds(unit, minimum)
    less, more = sorted([one, other])
    assert minimum <= meter.quantity(less) <= meter.quantity(more)


@given(amounts)
def test_a_quantity_is_written_and_read_back_exactly(amount: Fraction) -> None:
    usage = Usage(meter=Meter.VIDEO_SECONDS, quantity=amount, paid=True)
    assert Usage.model_validate_json(usage.model_dump_json()) == usage


def test_separately_priced_usage_has_its_own_meter() -> None:
    usage = Usage(
        meter=Meter.VIDEO_SECONDS, quantity=Fraction(60), paid=True, dimension="technical-cue"
    )
    assert usage.counted == "video_seconds (technical-cue)"
    assert usage.model_copy(update={"dimension": ""}).counted == "video_seconds"
    assert Usage.model_validate_json(usage.model_dump_json()) == usage


def test_usages_are_added_by_meter_and_paid_and_unpaid_apart() -> None:
    def used(meter: Meter, quantity: str, paid: bool = True) -> Usage:
        return Usage(meter=meter, quantity=Fraction(quantity), paid=paid)

    audio, video, free = (
        used(Meter.AUDIO_SECONDS, "1/3"),
        used(Meter.VIDEO_SECONDS, "10"),
        used(Meter.VIDEO_SECONDS, "7", paid=False),
    )
    found = summed([video, audio, free, *times([video, audio], 2)])
    assert found == (used(Meter.AUDIO_SECONDS, "1"), free, used(Meter.VIDEO_SECONDS, "30"))
    assert summed([]) == ()


@pytest.mark.parametrize(
    ("meter", "quantity", "dimension", "amount"),
    [
        (Meter.VIDEO_SECONDS, "26", "", "26 s of video"),
        (Meter.VIDEO_SECONDS, "119", "shot", "119 s of video (shot)"),
        (Meter.AUDIO_SECONDS, "150", "", "2.5 min of audio"),
        (Meter.AUDIO_SECONDS, "1/3", "", "0.33 s of audio"),
        (Meter.GPU_SECONDS, "3", "", "3 s of a GPU"),
        (Meter.REQUESTS, "1", "", "1 request"),
        (Meter.IMAGES, "0", "", "0 images"),
        (Meter.TOKENS_IN, "1200000", "", "1,200,000 input tokens"),
    ],
)
def test_amount_is_in_plain_words(meter: Meter, quantity: str, dimension: str, amount: str) -> None:
    usage = Usage(meter=meter, quantity=Fraction(quantity), paid=True, dimension=dimension)
    assert usage.amount == amount
