"""The loop over the pages of a listing. It ends, whatever page tokens the service sends."""

from collections.abc import Callable, Hashable, Iterator
from typing import TypeVar

Page = TypeVar("Page")
Token = TypeVar("Token", bound=Hashable)

# 100 million objects or rows, at 1,000 a page. At 0.1 s a page they take three hours.
MOST_PAGES = 100_000


def pages(
    ask: Callable[[Token | None], Page],
    token_of: Callable[[Page], Token | None],
    endless: Callable[[str], Exception],
    most: int = MOST_PAGES,
) -> Iterator[Page]:
    """Yield the page of no token, then of each page's token, until a page has none.

    Raises `endless` of the reason if a token comes a second time, or after `most` pages.
    """
    token: Token | None = None
    seen: set[Token] = set()
    for _ in range(most):
        page = ask(token)
        yield page
        token = token_of(page)
        if not token:
            return
        if token in seen:
            raise endless(f"its pages repeat the token {str(token)[:80]!r}")
        seen.add(token)
    raise endless(f"it has more than {most:,} pages")
