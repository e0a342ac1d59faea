"""A limit on how slowly a response of AWS may arrive.

The timeout of a socket begins again with each byte, so it never ends a response that drips. This
limit holds for the status line, the headers and the body, whether read at once or as a stream.
"""

# pyright: reportMissingTypeStubs=false

import io
import time
from collections.abc import Callable
from functools import cache
from http.client import HTTPResponse
from typing import TYPE_CHECKING, Any

from botocore.awsrequest import (
    AWSHTTPConnection,
    AWSHTTPConnectionPool,
    AWSHTTPSConnection,
    AWSHTTPSConnectionPool,
)

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Each MiB must arrive within so many read timeouts: by default within 5 minutes, as S3 sends blanks
# for several minutes while it completes an upload (API reference, "CompleteMultipartUpload"). A
# range of 8 MiB may take 40 minutes, which a line of 30 kbit/s needs.
READ_TIMEOUTS = 5
STRETCH_BYTES = 1 << 20


def limit_arrival(client: Any, read_timeouts: float = READ_TIMEOUTS) -> None:
    """Limit the responses to a client of botocore, which must not have made a request yet.

    botocore has no public way to choose its connections.
    """
    client._endpoint.http_session._pool_classes_by_scheme.update(_pools(read_timeouts))


class Arriving(io.RawIOBase):
    """The bytes of one response. Only the time spent waiting for bytes counts.

    Raises TimeoutError if a stretch of STRETCH_BYTES takes more than `seconds`.
    """

    def __init__(
        self, raw: io.RawIOBase, seconds: float, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._raw, self._seconds, self._elapsed = raw, seconds, elapsed
        self._waited, self._received = 0.0, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "Buffer", /) -> int | None:
        if self._waited > self._seconds:
            raise TimeoutError(f"{self._received:,} bytes took {self._waited:.0f} s")
        began = self._elapsed()
        count: int | None = self._raw.readinto(buffer)  # type: ignore[attr-defined]
        self._waited += self._elapsed() - began
        self._received += count or 0
        if self._received >= STRETCH_BYTES:
            self._waited, self._received = 0.0, 0
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(HTTPResponse):
    read_timeouts: float

    def __init__(self, sock: Any, *given: Any, **named: Any) -> None:
        super().__init__(sock, *given, **named)
        timeout = sock.gettimeout()
        if timeout is not None:
            arriving = Arriving(self.fp.detach(), self.read_timeouts * timeout)  # type: ignore[attr-defined]
            self.fp = io.BufferedReader(arriving)


@cache
def _pools(timeouts: float) -> dict[str, type[Any]]:
    """Return botocore's pools by scheme, with connections that limit their responses."""

    class Response(_Response):
        read_timeouts = timeouts

    class Connection(AWSHTTPConnection):
        response_class = Response

    class SecureConnection(AWSHTTPSConnection):
        response_class = Response

    class Pool(AWSHTTPConnectionPool):
        ConnectionCls = Connection

    class SecurePool(AWSHTTPSConnectionPool):
        ConnectionCls = SecureConnection

    return {"http": Pool, "https": SecurePool}
