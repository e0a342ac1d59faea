"""A proxy before a real server, such as one of S3, that makes the faults of the line."""

import http.client
import threading
from collections.abc import Generator
from contextlib import contextmanager
from urllib.parse import unquote, urlsplit

from video_pipeline.testing.faults import NOT_REACHED, REFUSED, SPOILT, Fault, Faults
from video_pipeline.testing.line import Line, LineServer

_PATIENCE_SECONDS = 30
# Of one connection only, or made anew.
_OWN = {"connection", "transfer-encoding", "content-length", "expect", "date", "server"}


class Proxy(LineServer):
    """Passes requests on. A fault's `operation` is the HTTP method, its `video` the path."""

    def __init__(self, upstream: str) -> None:
        super().__init__(_Handler)
        self.upstream = urlsplit(upstream).netloc
        self.faults = Faults(())

    def inject(self, fault: Fault) -> None:
        """Make a fault. Raises ValueError for an unknown one."""
        self.faults.arm(fault)


@contextmanager
def proxying(upstream: str) -> Generator[Proxy, None, None]:
    """Run a proxy before a server, on a thread, until the block ends."""
    proxy = Proxy(upstream)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.close()
        thread.join()


class _Handler(Line):
    server: Proxy  # pyright: ignore[reportIncompatibleVariableOverride]

    def _pass_on(self) -> None:
        asked, path = self.body(), unquote(urlsplit(self.path).path).lstrip("/")
        faults = self.server.faults
        if fault := faults.taken(NOT_REACHED, self.command, path):
            return self.not_reached(fault)
        if fault := faults.taken(REFUSED, self.command, path):
            return self._refuse(fault)
        line = http.client.HTTPConnection(self.server.upstream, timeout=_PATIENCE_SECONDS)
        headers = {name: self.headers[name] for name in self.headers if name.lower() not in _OWN}
        line.request(self.command, self.path, asked, headers)
        answer = line.getresponse()
        body = answer.read()
        if fault := faults.taken(SPOILT, self.command, path):
            return self.spoil(fault, body)
        self._forward(answer, body)
        line.close()

    def _forward(self, answer: http.client.HTTPResponse, body: bytes) -> None:
        length = answer.headers.get("Content-Length") if self.command == "HEAD" else str(len(body))
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in _OWN:
                self.send_header(name, value)
        self.send_header("Content-Length", length or "0")
        self.end_headers()
        self.wfile.write(body)

    def _refuse(self, fault: Fault) -> None:
        """Refuse as S3 does."""
        code, status, message = REFUSED[fault.what]
        told = f"<Error><Code>{code}</Code><Message>{fault.reason or message}</Message></Error>"
        self.send(status, told.encode(), "application/xml")

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = _pass_on
