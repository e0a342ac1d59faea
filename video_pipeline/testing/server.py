"""The HTTP server of a double: AWS's JSON protocol, the faults of the line, and its controls.

Controls are below `/_double/`: GET `books` and `faults`; POST `faults`, `settings` and `clock`;
DELETE `faults`.
"""

import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Collection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from botocore.exceptions import BotoCoreError
from botocore.model import OperationNotFoundError

from video_pipeline.testing.faults import (
    GATEWAY_PAGE,
    HANGS,
    MALFORMED,
    REPLY_LOST,
    RESET,
    TRUNCATED,
    Fault,
)
from video_pipeline.testing.service import DEFAULT_ACCOUNT, Call, Refused, Service

_LOOPBACK = "127.0.0.1"
_CONTROLS = "/_double/"
_SIGNED_BY = re.compile(r"Credential=([^/]+)/\d+/([^/]+)/")
_PAGE = b"<html><body><h1>Bad gateway</h1></body></html>"
_BEFORE, _AFTER = (HANGS, GATEWAY_PAGE), (REPLY_LOST, RESET, TRUNCATED, MALFORMED)


class DoubleServer(ThreadingHTTPServer):
    """Serves one service on a free port of loopback, until it is closed."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, service: Service) -> None:
        super().__init__((_LOOPBACK, 0), _Handler)
        self.service = service
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
        self.service.close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: DoubleServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        self._control()

    def do_DELETE(self) -> None:
        self._control()

    def do_POST(self) -> None:
        if self.path.startswith(_CONTROLS):
            return self._control()
        service, body = self.server.service, self._body()
        operation = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        signed = _SIGNED_BY.search(self.headers.get("Authorization", ""))
        key, region = signed.groups() if signed else ("", "us-east-1")
        account = key if re.fullmatch(r"\d{12}", key) else DEFAULT_ACCOUNT
        try:
            call = Call(operation, json.loads(body or b"{}"), account, region)
            service.model.operation(operation)
        except (ValueError, OperationNotFoundError, BotoCoreError) as error:
            return self._refuse(Refused("SerializationException", str(error)))
        self._serve(service, call)

    def _serve(self, service: Service, call: Call) -> None:
        video = service.video(call)
        if fault := _fault(service, call, video, _BEFORE):
            service.calls.note(call.operation, fault.what)
            return self._not_reached(fault)
        try:
            reply = _answered(service, call, video)
        except Refused as refused:
            service.calls.note(call.operation, refused.code)
            return self._refuse(refused)
        fault = _fault(service, call, video, _AFTER)
        service.calls.note(call.operation, fault.what if fault else "taken")
        body = json.dumps(reply).encode()
        if fault:
            return self._spoilt(fault, body)
        self._send(200, body)

    def _not_reached(self, fault: Fault) -> None:
        if fault.what == GATEWAY_PAGE:
            return self._send(200, _PAGE, "text/html")
        self.server.closing.wait(fault.seconds)
        self._reset()

    def _spoilt(self, fault: Fault, body: bytes) -> None:
        if fault.what == TRUNCATED:
            return self._send(200, body[: len(body) // 2])
        if fault.what == MALFORMED:
            return self._send(200, b"{'JobId': " + body[:8])
        if fault.what == RESET:
            self._head(200, len(body), "application/x-amz-json-1.1")
            self.wfile.write(body[: len(body) // 2])
            self.wfile.flush()
        self._reset()

    def _reset(self) -> None:
        """Reset the connection as a dead host does: sent bytes may be lost."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def _control(self) -> None:
        try:
            told = self._controlled(self.path.removeprefix(_CONTROLS), self._body())
        except (ValueError, KeyError) as error:
            return self._send(400, json.dumps({"message": str(error)}).encode())
        self._send(200, json.dumps(told).encode())

    def _controlled(self, name: str, body: bytes) -> Any:
        service, given = self.server.service, json.loads(body or b"{}")
        match self.command, name:
            case "GET", "books":
                return service.books()
            case "GET", "faults":
                return service.faults.told()
            case "POST", "faults":
                service.faults.arm(Fault.model_validate(given))
            case "DELETE", "faults":
                service.faults.clear()
            case "POST", "settings":
                service.configure(given)
            case "POST", "clock":
                service.clock.advance(float(given["advance"]))
            case _:
                raise ValueError(f"there is no {self.command} {self.path}")
        return {}

    def _body(self) -> bytes:
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def _refuse(self, refused: Refused) -> None:
        told = {"__type": refused.code, "Code": refused.code, "Message": refused.message}
        self._send(refused.status, json.dumps(told).encode())

    def _send(self, status: int, body: bytes, kind: str = "application/x-amz-json-1.1") -> None:
        self._head(status, len(body), kind)
        self.wfile.write(body)

    def _head(self, status: int, length: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing: the books count the calls."""


def _fault(service: Service, call: Call, video: str, kinds: Collection[str]) -> Fault | None:
    return service.faults.taken(kinds, call.operation, video, "NextToken" in call.request)


def _answered(service: Service, call: Call, video: str) -> dict[str, Any]:
    if wrong := service.model.request_problems(call.operation, call.request):
        raise Refused(service.invalid, f"{len(wrong)} errors detected: {'; '.join(wrong)}")
    if fault := _fault(service, call, video, service.refusals):
        code, status, message = service.refusals[fault.what]
        raise Refused(code, fault.reason or message, status)
    reply = service.answer(call)
    sample = service.sample(call.operation, reply)
    if wrong := service.model.reply_problems(call.operation, sample):
        raise Refused("DoubleIsWrong", "; ".join(wrong[:9]), 500)
    return reply
