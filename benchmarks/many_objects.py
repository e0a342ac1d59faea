"""A bucket of very many objects that takes no room: a server on the loopback interface that makes
up its listing.

It is no object store. It answers ListObjectsV2 (prefix, start-after, continuation, page size) and
the question for versioning with the XML that S3 sends, from a key space that is arithmetic; so real
boto3 asks for real pages and reads them.
"""

import multiprocessing
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, quote, urlsplit

_PAGE = 1000


@dataclass(frozen=True)
class KeySpace:
    """So many videos of so many projects, one object each, in key order."""

    objects: int
    projects: int = 20

    def key(self, number: int) -> str:
        """The key of an object by its place in the order."""
        each = -(-self.objects // self.projects)
        project, video = divmod(number, each)
        return f"projects/project-{project:03}/videos/v{video:07}/film.mp4"

    def first_from(self, text: str) -> int:
        """The place of the first key that is not less."""
        return bisect_left(range(self.objects), text, key=self.key)

    def first_after(self, text: str) -> int:
        """The place of the first key that is greater."""
        return bisect_right(range(self.objects), text, key=self.key)


@contextmanager
def served(space: KeySpace) -> Iterator[str]:
    """The address of a server, in a process of its own, that is ended with the block."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(
        target=_serve, args=(space, theirs), daemon=True
    )
    process.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}"
    finally:
        process.terminate()
        process.join()


def _serve(space: KeySpace, told) -> None:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # One packet an answer: else the two ends wait 40 ms for each other's acknowledgements.
        wbufsize = 1 << 20
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            """A page of the listing, or that the bucket keeps no versions."""
            asked = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
            body = _versioning() if "versioning" in asked else _page(space, asked)
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:
            """Silent."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.send(server.server_address[1])
    server.serve_forever()


def _versioning() -> bytes:
    return b'<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'


def _page(space: KeySpace, asked: dict[str, list[str]]) -> bytes:
    def one(name: str) -> str:
        return asked.get(name, [""])[0]

    prefix = one("prefix")
    first = max(space.first_from(prefix), space.first_after(one("start-after")))
    if one("continuation-token"):
        first = int(one("continuation-token"))
    end = space.first_from(f"{prefix}\U0010ffff") if prefix else space.objects
    last = min(end, first + min(_PAGE, int(one("max-keys") or _PAGE)))
    rows = "".join(map(_row, map(space.key, range(first, last))))
    more = last < end
    token = f"<NextContinuationToken>{last}</NextContinuationToken>" if more else ""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>'
        '<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>many</Name>'
        f"<Prefix>{quote(prefix)}</Prefix><KeyCount>{last - first}</KeyCount>"
        f"<EncodingType>url</EncodingType><MaxKeys>{_PAGE}</MaxKeys>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}{rows}</ListBucketResult>"
    ).encode()


def _row(key: str) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<ETag>&quot;d41d8cd98f00b204e9800998ecf8427e&quot;</ETag><Size>1</Size>"
        "<StorageClass>STANDARD</StorageClass></Contents>"
    )
