"""Call several providers in parallel, and wait for none of them beyond a given time."""

import logging
import threading
from collections.abc import Callable, Mapping
from typing import TypeVar

from video_pipeline.domain.errors import CatalogError

T = TypeVar("T")
_log = logging.getLogger(__name__)


def in_parallel(
    calls: Mapping[str, Callable[[], T]], until: float, elapsed: Callable[[], float]
) -> dict[str, T]:
    """Return the results of these calls by name, each made in a thread of its own.

    A call that fails, or has not ended at `until` by `elapsed`, is left out. While it still
    runs, no other is started under its name: an unresponsive provider takes one thread. Raises
    CatalogError if a call does.
    """
    done: dict[str, T] = {}
    broken: list[CatalogError] = []

    def run(name: str, call: Callable[[], T]) -> None:
        try:
            done[name] = call()
        except CatalogError as error:
            broken.append(error)
        except Exception as error:  # noqa: BLE001 - one plugin must not block the others
            _log.warning("%s: %s", name, error)

    running = {thread.name for thread in threading.enumerate()}
    threads = [
        threading.Thread(target=run, args=(name, call), name=name, daemon=True)
        for name, call in calls.items()
        if name not in running
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(max(0.0, until - elapsed()))
    if broken:
        raise broken[0]
    return dict(done)
