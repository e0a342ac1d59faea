"""A server that sends scripted S3 responses: throttled, moved, expired, damaged, dripping.

They follow S3's documentation. The real test servers cannot be made to send them.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal

from video_pipeline_tests.servers.s3_servers import S3Server

# A read timeout that a response which drips never exceeds. It drips for 3 s.
DRIPPING_READ_SECONDS = 0.2
_DRIP_SECONDS = 0.05
_DRIPS = 60


@dataclass(frozen=True)
class Answer:
    """The response to one request. With a `code`, it is an error."""

    status: int = 200
    code: str = ""
    message: str = "as documented"
    inner: str = ""
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    claims: int | None = None
    """Content-Length, if it is to be more than the body: the response then ends early."""
    drips: Literal["", "headers", "body"] = ""
    """What is followed by one byte after another."""

    @property
    def content(self) -> bytes:
        """Return the body of the response to a GET."""
        if not self.code:
            return self.body
        text = f"<Code>{self.code}</Code><Message>{self.message}</Message>{self.inner}"
        return f'<?xml version="1.0" encoding="UTF-8"?><Error>{text}</Error>'.encode()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: "_Server"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append(f"{self.command} {self.headers.get('Range', '')}".strip())
        answers = self.server.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        content = answer.content
        if answer.drips == "headers":
            self._drip(b"HTTP/1.1 200 OK\r\nX-Long: ")
            return
        self.send_response(answer.status)
        for name, value in answer.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(answer.claims or len(content)))
        self.end_headers()
        if answer.drips == "body":
            self._drip(content)
        elif self.command != "HEAD":
            self.wfile.write(content)
        self.close_connection = answer.claims is not None

    def _drip(self, begin: bytes) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.write(begin)
            for _ in range(_DRIPS):
                self.wfile.write(b" ")
                time.sleep(_DRIP_SECONDS)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _answer

    def log_message(self, format: str, *args: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    answers: list[Answer]
    asked: list[str]


@contextmanager
def answering(*answers: Answer) -> Iterator[tuple[S3Server, list[str]]]:
    """Serve these responses in order, the last one for ever. Yields the server and its requests."""
    server = _Server(("127.0.0.1", 0), _Handler)
    server.answers, server.asked = list(answers), []
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield S3Server("answering", f"http://127.0.0.1:{server.server_port}"), server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
