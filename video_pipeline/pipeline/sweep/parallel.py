"""Asking several providers at once, and waiting for none longer than until a given time."""

import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from video_pipeline.domain.errors import CatalogError

T = TypeVar("T")
_log = logging.getLogger(__name__)


def side_by_side(asks: Mapping[str, Callable[[], T]], until: float) -> dict[str, T]:
    """What came of these, by their names, each done in a thread; `until` by `time.monotonic`.

    One that takes longer is left to itself and left out, and is not begun again under its name
    while it still goes on: a provider that never answers takes one thread. One that fails is told
    in the log and left out. Raises CatalogError where one does.
    """
    done: dict[str, T] = {}
    broken: list[CatalogError] = []

    def run(name: str, ask: Callable[[], T]) -> None:
        try:
            done[name] = ask()
        except CatalogError as error:
            broken.append(error)
        except Exception as error:  # noqa: BLE001 - one plugin must not hold up the others
            _log.warning("%s: %s", name, error)

    at_it = {thread.name for thread in threading.enumerate()}
    threads = [
        threading.Thread(target=run, args=(name, ask), name=name, daemon=True)
        for name, ask in asks.items()
        if name not in at_it
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - time.monotonic()))
    if broken:
        raise broken[0]
    return dict(done)
