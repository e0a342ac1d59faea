"""A vendor of analyses on a loopback port: takes jobs over HTTP, bills and ends them.

It lives in the process of the test, so that it outlives the runs that are killed. It can be told
to answer at once, to refuse, to be busy, to take a job and drop the line, and to fail; to run only
so many jobs at once; and it tells of ended jobs in a queue of events.
"""

import contextlib
import json
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

Behaviour = Literal[
    "now", "soon", "later", "fail", "refuse", "deny", "busy", "full", "drop", "hang"
]
"""Answer with the result; take a job that has ended at the first look; take a job; take a job
that fails; refuse (400); deny the account (403); be busy once (429), or full (409); take and bill
the job, but drop the line; take it, and answer only when `answer` is set."""

_REFUSALS = {"refuse": 400, "deny": 403, "busy": 429, "full": 409}


@dataclass
class Job:
    id: str
    video: str
    duration: Fraction
    state: Literal["running", "succeeded", "failed"] = "running"


class Vendor:
    """The vendor and its books. `default` is how it behaves where no video is named."""

    def __init__(self, default: Behaviour = "later") -> None:
        self.default: Behaviour = default
        self.behaviour: defaultdict[str, list[Behaviour]] = defaultdict(list)
        self.billed: Counter[str] = Counter()
        """Jobs billed, by video."""
        self.submissions: Counter[str] = Counter()
        """Requests to start a job, by video, however they ended."""
        self.jobs: dict[str, Job] = {}
        self.delay = 0.0
        """Seconds that an answer takes: half before a job is taken, half after."""
        self.retry_after: float | None = None
        """Seconds that it wishes for while it is busy or full."""
        self.stops_jobs = False
        """Whether a running job can be stopped."""
        self.cap: int | None = None
        """How many jobs run at once; more are refused (409)."""
        self.most_running = 0
        self.events: dict[str, str] = {}
        """Ended jobs that nobody has acknowledged, by receipt."""
        self.answer = threading.Event()
        self._tokens: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        # How often it looks whether it is to end: by default tests wait half a second for that.
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.01,), daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.answer.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def behave(self, video: str, *how: Behaviour) -> None:
        """How the next requests for a video go, one after the other; the last one stays."""
        self.behaviour[video] = list(how)

    def finish(self, video: str, state: Literal["succeeded", "failed"] = "succeeded") -> None:
        """End every running job of a video."""
        with self._lock:
            for job in self.jobs.values():
                if job.video == video and job.state == "running":
                    job.state = state
                    self.events[f"receipt-{job.id}"] = job.id

    def take_over(self, books: dict[str, Any]) -> None:
        """Know what an earlier vendor knew of its jobs, as plain values."""
        told = [Job(**{**job, "duration": Fraction(job["duration"])}) for job in books["jobs"]]
        with self._lock:
            self.jobs |= {job.id: job for job in told}
            self._tokens |= {token: self.jobs[job] for token, job in books["tokens"].items()}
            self.billed.update(books["billed"])
            self.submissions.update(books["submissions"])

    def forget(self, video: str) -> None:
        """Lose every job of a video, as a vendor does whose results have expired."""
        with self._lock:
            self.jobs = {name: job for name, job in self.jobs.items() if job.video != video}

    def stop(self, job: str) -> bool:
        """Stop a job that runs; whether it was done."""
        with self._lock:
            found = self.jobs.get(job)
            if not self.stops_jobs or found is None or found.state != "running":
                return False
            found.state = "failed"
            return True

    def submit(self, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        """The status and the answer; None drops the line."""
        video, token = str(body["video"]), body.get("token")
        with self._lock:
            self.submissions[video] += 1
            how = self._next_behaviour(video)
            if how in _REFUSALS:
                return _REFUSALS[how], {"message": f"the vendor said {how}"}
            job = self._tokens.get(token) if token else None
            if job is None:
                if self.cap is not None and self.running >= self.cap:
                    return 409, {"message": f"{self.cap} jobs run already"}
                job = self._new_job(video, Fraction(body["duration"]), how, token)
        if how == "hang":
            self.answer.wait(600)
        if how == "drop":
            return 0, None
        if how == "now":
            return 200, {"pages": pages(job)}
        return 200, {"job": job.id}

    @property
    def running(self) -> int:
        """How many jobs run."""
        return sum(job.state == "running" for job in self.jobs.values())

    def _next_behaviour(self, video: str) -> Behaviour:
        script = self.behaviour[video]
        if not script:
            return self.default
        return script.pop(0) if len(script) > 1 else script[0]

    def _new_job(self, video: str, duration: Fraction, how: Behaviour, token: str | None) -> Job:
        job = Job(f"job-{len(self._tokens) + sum(self.billed.values())}", video, duration)
        ended = {"now": "succeeded", "soon": "succeeded", "fail": "failed"}
        job.state = ended.get(how, "running")  # type: ignore[assignment]
        self.jobs[job.id] = job
        self.billed[video] += 1
        self.most_running = max(self.most_running, self.running)
        if token:
            self._tokens[token] = job
        return job

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        vendor = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                size = int(self.headers["Content-Length"])
                if self.path == "/events":
                    for receipt in json.loads(self.rfile.read(size)):
                        vendor.events.pop(receipt, None)
                    self._send(200, {})
                    return
                if self.path.endswith("/stop"):
                    self.rfile.read(size)
                    self._send(200, {"stopped": vendor.stop(self.path.split("/")[2])})
                    return
                body = json.loads(self.rfile.read(size))
                time.sleep(vendor.delay / 2)
                status, answer = vendor.submit(body)
                time.sleep(vendor.delay / 2)
                if answer is None:
                    self.close_connection = True
                    return
                self._send(status, answer)

            def do_GET(self) -> None:
                address = urlsplit(self.path)
                if address.path == "/events":
                    self._send(200, dict(vendor.events))
                    return
                if address.path == "/jobs":
                    wanted = parse_qs(address.query).get("id", [])
                    found = {j: vendor.jobs[j].state for j in wanted if j in vendor.jobs}
                    self._send(200, found)
                    return
                job = vendor.jobs.get(address.path.removeprefix("/jobs/"))
                if job is None or job.state != "succeeded":
                    self._send(404, {"message": "no such result"})
                else:
                    self._send(200, {"pages": pages(job)})

            def _send(self, status: int, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                with contextlib.suppress(ConnectionError):  # the run that asked was killed
                    self.send_response(status)
                    if status in (409, 429) and vendor.retry_after is not None:
                        self.send_header("Retry-After", f"{vendor.retry_after:g}")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def pages(job: Job) -> list[str]:
    """The result of a job as two raw pages: its halves, in the vendor's own words."""
    middle = job.duration / 2
    halves = [(Fraction(0), middle), (middle, job.duration)]
    return [
        json.dumps({"from": str(start), "to": str(end), "said": f"part {number} of {job.video}"})
        for number, (start, end) in enumerate(halves, 1)
    ]
