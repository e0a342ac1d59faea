"""Services shared by ticks in threads: opened once, closed after the last tick that uses them."""

import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import cast

import pytest

from video_pipeline.defs.resources.shared_services import SharedServices
from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.pipeline.services import Services

LOST = CatalogUnavailable("MongoDB does not answer", remedy="Start it.")


class Opener:
    """Opens stand-ins of services, and records which were opened and closed."""

    def __init__(self) -> None:
        self.opened: list[Services] = []
        self.closed: list[Services] = []

    @contextmanager
    def __call__(self) -> Generator[Services]:
        made = cast("Services", object())
        self.opened.append(made)
        yield made
        self.closed.append(made)


@pytest.fixture
def shared() -> SharedServices:
    return SharedServices()


@pytest.fixture
def opener() -> Opener:
    return Opener()


def test_ticks_in_threads_open_services_once(shared: SharedServices, opener: Opener) -> None:
    together = threading.Barrier(8, timeout=30)

    def tick(_: int) -> Services:
        together.wait()
        with shared.use("one", opener) as services:
            together.wait()
            return services

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(tick, range(8))) == set(opener.opened)
    assert (len(opener.opened), opener.closed) == (1, [])


def test_renewed_configuration_closes_after_last_tick(
    shared: SharedServices, opener: Opener
) -> None:
    with shared.use("one", opener) as old:
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(_tick, shared, "two", opener).result(30) is not old
        assert opener.closed == []
    assert opener.closed == [old]
    with shared.use("two", opener) as services:
        assert services is opener.opened[1]


def test_lost_catalogue_amid_another_tick(shared: SharedServices, opener: Opener) -> None:
    with shared.use("one", opener) as old:
        with ThreadPoolExecutor(1) as pool, pytest.raises(CatalogUnavailable):
            pool.submit(_tick, shared, "one", opener, LOST).result(30)
        assert opener.closed == []
        with shared.use("one", opener) as new:
            assert new is not old
    assert opener.closed == [old]


def test_close_amid_a_tick_waits_for_its_end(shared: SharedServices, opener: Opener) -> None:
    with shared.use("one", opener) as services:
        shared.close()
        assert opener.closed == []
    assert opener.closed == [services]
    shared.close()
    assert opener.closed == [services]


def test_failed_opening_is_tried_again(shared: SharedServices, opener: Opener) -> None:
    @contextmanager
    def failing() -> Generator[Services]:
        raise LOST
        yield  # pyright: ignore

    with shared.use("one", opener) as services:
        pass
    with pytest.raises(CatalogUnavailable), shared.use("two", failing):
        pass
    with shared.use("one", opener) as same:
        assert same is services
    with shared.use("two", opener) as opened:
        assert opened is opener.opened[1]


def _tick(
    shared: SharedServices, configuration: str, opener: Opener, error: Exception | None = None
) -> Services:
    with shared.use(configuration, opener) as services:
        if error:
            raise error
        return services
