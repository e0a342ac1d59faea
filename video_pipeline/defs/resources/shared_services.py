"""The services that the sensors of one process share, which may tick side by side in threads."""

import atexit
import threading
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field

from video_pipeline.domain.errors import CatalogUnavailable
from video_pipeline.pipeline.services import Services

Opening = Callable[[], AbstractContextManager[Services]]


@dataclass
class _Opened:
    configuration: object
    services: Services
    stack: ExitStack
    # Ticks that use them, and one for the holder that offers them to the next tick.
    users: int = field(default=1)


class SharedServices:
    """Holds the services of one configuration open between ticks.

    A tick with another configuration opens new ones. Services are closed when no tick uses them
    and none will.
    """

    def __init__(self) -> None:
        # Held while services are opened: the other ticks wait for them.
        self._lock = threading.Lock()
        self._current: _Opened | None = None

    @contextmanager
    def use(self, configuration: object, opening: Opening) -> Generator[Services]:
        """Yield the services of an equal configuration, opened by `opening` if none are open.

        Services that lost MongoDB are not offered again. Raises what `opening` raises.
        """
        opened, replaced = self._entered(configuration, opening)
        try:
            self._leave(replaced)
            yield opened.services
        except CatalogUnavailable:
            self._retire(opened)
            raise
        finally:
            self._leave(opened)

    def close(self) -> None:
        """Close the services, or let their last user close them."""
        self._retire(self._current)

    def _entered(self, configuration: object, opening: Opening) -> tuple[_Opened, _Opened | None]:
        """Return the services with this user counted, and those that they replaced."""
        with self._lock:
            before = self._current
            if before is None or before.configuration != configuration:
                stack = ExitStack()
                services = stack.enter_context(opening())
                self._current = _Opened(configuration, services, stack)
            opened = self._current
            assert opened is not None
            opened.users += 1
            return opened, before if before is not opened else None

    def _retire(self, opened: _Opened | None) -> None:
        with self._lock:
            if opened is None or self._current is not opened:
                return
            self._current = None
        self._leave(opened)

    def _leave(self, opened: _Opened | None) -> None:
        if opened is None:
            return
        with self._lock:
            opened.users -= 1
            is_last = not opened.users
        if is_last:
            opened.stack.close()


SHARED = SharedServices()
atexit.register(SHARED.close)
