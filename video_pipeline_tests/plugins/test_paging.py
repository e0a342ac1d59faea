"""Tests of the loop over pages."""

from itertools import count

import pytest

from video_pipeline.plugins.paging import pages


class EndlessError(Exception):
    pass


def test_pages_are_asked_for_by_token_until_one_has_none() -> None:
    following = {None: "a", "a": "b", "b": None}
    asked: list[str | None] = []

    def ask(token: str | None) -> str | None:
        asked.append(token)
        return following[token]

    assert list(pages(ask, lambda page: page, EndlessError)) == ["a", "b", None]
    assert asked == [None, "a", "b"]


@pytest.mark.parametrize("circle", [["a"], ["a", "b", "c"]], ids=["same", "circle"])
def test_repeated_token_raises_after_its_page(circle: list[str]) -> None:
    numbers = count()
    listed = pages(lambda _: next(numbers), lambda n: circle[n % len(circle)], EndlessError)
    assert [next(listed) for _ in range(len(circle) + 1)] == list(range(len(circle) + 1))
    with pytest.raises(EndlessError, match="repeat the token 'a'"):
        next(listed)


def test_new_tokens_without_end_raise_after_most_pages() -> None:
    numbers = count(1)
    listed = pages(lambda _: next(numbers), lambda n: n, EndlessError, most=1000)
    with pytest.raises(EndlessError, match="more than 1,000 pages"):
        list(listed)
    assert next(numbers) == 1001


def test_last_page_at_the_bound_is_an_end() -> None:
    numbers = count(1)
    listed = pages(lambda _: next(numbers), lambda n: n if n < 3 else None, EndlessError, most=3)
    assert list(listed) == [1, 2, 3]
