"""Errors: each says what, where and what to do, also after a journey between processes."""

import copy
import pickle

import pytest

from video_pipeline.domain import errors
from video_pipeline.domain.errors import FailureCategory, PipelineError, ProviderError

ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, PipelineError)
]
OF_PROVIDERS = [error for error in ALL if issubclass(error, ProviderError)]
PLAIN = [error for error in ALL if error not in OF_PROVIDERS]


@pytest.mark.parametrize("error", PLAIN)
def test_a_message_says_what_where_and_the_remedy(error: type[PipelineError]) -> None:
    told = str(error("it broke", where="acme/intro", remedy="Mend it."))
    assert told == "acme/intro: it broke. Mend it."
    assert str(error("it broke", remedy="Mend it.")) == "it broke. Mend it."


def test_place_of_an_error_is_printable() -> None:
    told = str(PipelineError("it broke", where="a\n\x1b[31m/\udcff é", remedy="Mend it."))
    assert told == "a\\n\\x1b[31m/\\xff é: it broke. Mend it."


@pytest.mark.parametrize("error", PLAIN)
@pytest.mark.parametrize("journey", [lambda one: pickle.loads(pickle.dumps(one)), copy.copy])
def test_an_error_survives_a_journey(error: type[PipelineError], journey: object) -> None:
    assert callable(journey)
    sent = error("it broke", where="acme/intro", remedy="Mend it.")
    sent.add_note("while testing")
    came = journey(sent)
    assert type(came) is error
    assert (str(came), came.what, came.where, came.remedy) == (
        *(str(sent), "it broke", "acme/intro", "Mend it."),
    )
    assert came.__notes__ == ["while testing"]


@pytest.mark.parametrize("error", OF_PROVIDERS)
def test_a_provider_s_error_keeps_what_decides_on_a_retry(error: type[ProviderError]) -> None:
    sent = error(
        "slow down",
        category=FailureCategory.THROTTLED,
        remedy="Wait.",
        where="vendor",
        accepted=False,
        retry_after=2.5,
    )
    came = pickle.loads(pickle.dumps(sent))
    assert type(came) is error
    assert (came.category, came.accepted, came.retry_after) == ("throttled", False, 2.5)
    assert str(came) == str(sent)


def test_request_counts_as_accepted_by_default() -> None:
    error = ProviderError("no answer", category=FailureCategory.TRANSIENT, remedy="Wait.")
    assert error.accepted and error.retry_after is None


def test_the_tree_in_the_docstring_has_every_error() -> None:
    assert errors.__doc__
    assert all(error.__name__ in errors.__doc__ for error in ALL)
