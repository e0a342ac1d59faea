"""A vendor of analyses on a loopback port: it accepts, bills and ends jobs over HTTP.

It runs in the test's process, so it outlives killed runs. Its behaviour is scripted by video; it
can limit its running jobs, and it reports ended jobs in a queue of events.
"""

import contextlib
import json
import threading
import time
from collections import Counter, defaultdict
from copy import deepcopy
from dataclasses import dataclass
from fractions import Fraction
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Literal, Self
from urllib.parse import parse_qs, urlsplit

# now: answer with the result. soon: accept a job that has ended at the first poll. later: accept a
# job. fail: accept a job that fails. refuse: 400. deny: 403. busy: 429. full: 409. drop: accept and
# bill the job, but close the connection. hang: accept it, and answer once `answer` is set.
Behaviour = Literal[
    "now", "soon", "later", "fail", "refuse", "deny", "busy", "full", "drop", "hang"
]

_REFUSALS = {"refuse": 400, "deny": 403, "busy": 429, "full": 409}


@dataclass
class Job:
    id: str
    video: str
    duration: Fraction
    state: Literal["running", "succeeded", "failed"] = "running"


class Vendor:
    """The vendor and its books. `default` is its behaviour for videos without a script."""

    def __init__(self, default: Behaviour = "later") -> None:
        self.default: Behaviour = default
        self.behaviour: defaultdict[str, list[Behaviour]] = defaultdict(list)
        self.billed: Counter[str] = Counter()
        """Jobs billed, by video."""
        self.submissions: Counter[str] = Counter()
        """Requests to start a job, by video, however they ended."""
        self.jobs: dict[str, Job] = {}
        self.delay = 0.0
        """Seconds that an answer takes: half before a job is accepted, half after."""
        self.retry_after: float | None = None
        """Seconds in Retry-After while it is busy or full."""
        self.confused = False
        """Whether it answers with the result of another job."""
        self.stops_jobs = False
        """Whether a running job can be stopped."""
        self.cap: int | None = None
        """The limit of running jobs; more are refused (409)."""
        self.most_running = 0
        self.events: dict[str, str] = {}
        """Ended jobs without acknowledgement, by receipt."""
        self.answer = threading.Event()
        self._tokens: dict[str, Job] = {}
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        # The poll interval for shutdown: the default makes tests wait half a second.
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
        """Script the next requests for a video, one after the other; the last one stays."""
        self.behaviour[video] = list(how)

    def finish(self, video: str, state: Literal["succeeded", "failed"] = "succeeded") -> None:
        """End every running job of a video."""
        with self._lock:
            for job in self.jobs.values():
                if job.video == video and job.state == "running":
                    job.state = state
                    self.events[f"receipt-{job.id}"] = job.id

    def take_over(self, books: dict[str, Any]) -> None:
        """Take over the books of an earlier vendor, as plain values."""
        jobs = [Job(**{**job, "duration": Fraction(job["duration"])}) for job in books["jobs"]]
        with self._lock:
            self.jobs |= {job.id: job for job in jobs}
            self._tokens |= {token: self.jobs[job] for token, job in books["tokens"].items()}
            self.billed.update(books["billed"])
            self.submissions.update(books["submissions"])

    def books(self) -> Any:
        """Return a copy of the books, for `reset`."""
        with self._lock:
            return deepcopy((self.jobs, self._tokens, self.billed, self.submissions, self.events))

    def reset(self, books: Any) -> None:
        """Continue from an earlier state of the books."""
        with self._lock:
            self.jobs, self._tokens, self.billed, self.submissions, self.events = deepcopy(books)

    def forget(self, video: str) -> None:
        """Forget every job of a video, as if its results had expired."""
        with self._lock:
            self.jobs = {name: job for name, job in self.jobs.items() if job.video != video}

    def stop(self, job: str) -> bool:
        """Stop a running job. Return whether it was stopped."""
        with self._lock:
            found = self.jobs.get(job)
            if not self.stops_jobs or found is None or found.state != "running":
                return False
            found.state = "failed"
            return True

    def submit(self, body: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
        """Return the status and the answer; None closes the connection."""
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
        """Return the number of running jobs."""
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
                    named = job.id[::-1] if vendor.confused else job.id
                    self._send(200, {"job": named, "pages": pages(job)})

            def _send(self, status: int, answer: dict[str, Any]) -> None:
                body = json.dumps(answer).encode()
                with contextlib.suppress(ConnectionError):  # the requesting run was killed
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
    """Return the result of a job as two raw pages in the vendor's format."""
    middle = job.duration / 2
    ranges = [(Fraction(0), middle), (middle, job.duration)]
    return [
        json.dumps({"from": str(start), "to": str(end), "said": f"part {number} of {job.video}"})
        for number, (start, end) in enumerate(ranges, 1)
    ]
