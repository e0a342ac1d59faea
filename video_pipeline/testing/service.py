"""The base of every double: what the server asks of a service."""

import threading
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from video_pipeline.testing.clock import Clock
from video_pipeline.testing.faults import Faults
from video_pipeline.testing.service_model import ServiceModel

DEFAULT_ACCOUNT = "000000000000"


class Refused(Exception):
    """The service refuses: the code, the HTTP status and the message are the vendor's."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


@dataclass(frozen=True)
class Call:
    """A request that has arrived. An access key of twelve digits is the account, as in moto."""

    operation: str
    request: dict[str, Any]
    account: str = DEFAULT_ACCOUNT
    region: str = "us-east-1"


class CallBook:
    """Calls counted by operation and outcome; safe between threads."""

    def __init__(self) -> None:
        self._counted: dict[str, dict[str, int]] = {}
        self._lock = threading.Lock()

    def note(self, operation: str, outcome: str) -> None:
        """Count a call: `taken`, or the code or fault that it ended with."""
        with self._lock:
            of_operation = self._counted.setdefault(operation, {})
            of_operation[outcome] = of_operation.get(outcome, 0) + 1

    def told(self) -> dict[str, dict[str, int]]:
        """Return how many there were, by operation and outcome."""
        with self._lock:
            return {operation: dict(counted) for operation, counted in self._counted.items()}


class Service(ABC):
    """A service behind the server: derive a double from it. It needs `answer` and `books`."""

    invalid: ClassVar[str] = "ValidationException"
    """The code of a request that does not fit the model."""
    refusals: ClassVar[Mapping[str, tuple[str, int, str]]] = {}
    """Faults that are a refusal: name -> code, HTTP status and message."""

    def __init__(self, name: str, faults: Collection[str] = (), clock: Clock | None = None) -> None:
        """`name` is botocore's, such as `rekognition`; `faults` are those of its own jobs."""
        self.model = ServiceModel(name)
        self.clock = clock or Clock()
        self.faults = Faults({*self.refusals, *faults})
        self.calls = CallBook()

    @abstractmethod
    def answer(self, call: Call) -> dict[str, Any]:
        """Return the reply to a request that fits the model. Raises Refused."""

    @abstractmethod
    def books(self) -> dict[str, Any]:
        """Return what was asked, done and billed."""

    def video(self, call: Call) -> str:
        """Return the key of the video that a call is about, as far as it is known."""
        return ""

    def sample(self, operation: str, reply: dict[str, Any]) -> dict[str, Any]:
        """Return as much of a reply as must be checked to know that all of it is right."""
        return reply

    def configure(self, changes: dict[str, Any]) -> None:
        """Change how the service behaves. Raises ValueError."""
        raise ValueError("this double has no settings")

    def close(self) -> None:  # noqa: B027 (most doubles run nothing)
        """End what runs in the background."""
