"""A server on loopback that spoils its replies on their way, as servers and lines do."""

import socket
import struct
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from video_pipeline.testing.faults import (
    DRIPS,
    EMPTY,
    GATEWAY_PAGE,
    MALFORMED,
    NULL,
    RESET,
    TRUNCATED,
    Fault,
)

_LOOPBACK = "127.0.0.1"
_JSON = "application/x-amz-json-1.1"
_PAGE = b"<html><body><h1>Bad gateway</h1></body></html>"
_DRIP_SECONDS = 0.05


class LineServer(ThreadingHTTPServer):
    """Serves on a free port of loopback, until it is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__((_LOOPBACK, 0), handler)
        self.closing = threading.Event()

    @property
    def endpoint(self) -> str:
        return f"http://{_LOOPBACK}:{self.server_address[1]}"

    def shutdown_request(self, request: Any) -> None:
        """Close without a shutdown, so that a connection that should be reset is reset."""
        self.close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Report all errors but those of clients that hung up."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)

    def close(self) -> None:
        """Release hanging calls, and end. Do not call this on serve_forever's thread."""
        self.closing.set()
        self.shutdown()
        self.server_close()


class Line(BaseHTTPRequestHandler):
    """Makes the faults of the line in answering a request."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LineServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def body(self) -> bytes:
        """Return the body of the request."""
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def not_reached(self, fault: Fault) -> None:
        """Make one of NOT_REACHED."""
        if fault.what == GATEWAY_PAGE:
            return self.send(200, _PAGE, "text/html")
        self.server.closing.wait(fault.seconds)
        self._reset()

    def spoil(self, fault: Fault, body: bytes) -> None:
        """Send a reply as one of SPOILT leaves it."""
        half = body[: len(body) // 2]
        sent = {TRUNCATED: half, MALFORMED: b"{'JobId': " + body[:8], EMPTY: b"", NULL: b"null"}
        if fault.what in sent:
            return self.send(200, sent[fault.what])
        if fault.what == DRIPS:
            return self._drip(body)
        if fault.what == RESET:
            self._head(200, len(body), _JSON)
            self.wfile.write(half)
            self.wfile.flush()
        self._reset()

    def send(self, status: int, body: bytes, kind: str = _JSON) -> None:
        """Send a whole answer."""
        self._head(status, len(body), kind)
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the books count the calls."""

    def _drip(self, body: bytes) -> None:
        self._head(200, len(body), _JSON)
        for number in range(len(body)):
            self.wfile.write(body[number : number + 1])
            if self.server.closing.wait(_DRIP_SECONDS):
                return

    def _reset(self) -> None:
        """Reset the connection as a dead host does: sent bytes may be lost."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _head(self, status: int, length: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
