"""What a double of a service is made of, whatever the service: the server sees no more of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from video_pipeline.testing.calls import CallBook
from video_pipeline.testing.clock import Clock
from video_pipeline.testing.faults import Faults
from video_pipeline.testing.service_model import ServiceModel

DEFAULT_ACCOUNT = "000000000000"


class Refused(Exception):
    """The service says no: the code, the HTTP status and the message are the vendor's."""

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


class Service(Protocol):
    """A service behind the server."""

    model: ServiceModel
    clock: Clock
    faults: Faults
    calls: CallBook
    invalid: str
    """The code of a request that does not fit the model."""
    refusals: Mapping[str, tuple[str, int, str]]
    """Faults that are a refusal: name -> code, HTTP status and message."""

    def video(self, call: Call) -> str:
        """The key of the video that a call is about, as far as it is known."""
        ...

    def answer(self, call: Call) -> dict[str, Any]:
        """The reply to a request that is right. Raises Refused."""
        ...

    def sample(self, operation: str, reply: dict[str, Any]) -> dict[str, Any]:
        """As much of a reply as must be checked to know that all of it is right."""
        ...

    def books(self) -> dict[str, Any]:
        """What was asked, done and billed."""
        ...

    def configure(self, changes: dict[str, Any]) -> None:
        """Change how the service behaves. Raises ValueError."""
        ...

    def close(self) -> None:
        """End what runs in the background."""
        ...
