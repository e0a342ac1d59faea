"""Faults between the AWS plugins and their services: what each makes of a unit and its phase.

`rows` runs the table, with a real MongoDB, a real S3 and the doubles. Each fault of a start meets a
request of its own. All faults of polling and fetching meet one job, one after another: in the end
it must be settled, and paid once. The SDK's second attempt at what costs nothing is off, so that
each fault is met.
"""

import os
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, Literal, NamedTuple
from unittest.mock import patch

import botocore.session

from video_pipeline.catalog.catalog import Catalog
from video_pipeline.catalog.connection import connect
from video_pipeline.catalog.server.embedded import EmbeddedServer
from video_pipeline.pipeline.jobs.raw_pages import are_stored
from video_pipeline.pipeline.policies import WorkPolicy
from video_pipeline.providers.aws import session
from video_pipeline.testing import Fault
from video_pipeline.testing.proxy import Proxy, proxying
from video_pipeline_tests.doubles.aws.asking_rekognition import asking_rekognition
from video_pipeline_tests.doubles.aws.deployment import ACME, AwsDeployment
from video_pipeline_tests.doubles.delivery import encode
from video_pipeline_tests.providers.aws.transcribe.asking_transcribe import asking_transcribe
from video_pipeline_tests.providers.aws.transcribe.transcribing import speech
from video_pipeline_tests.servers.buckets import made_bucket
from video_pipeline_tests.servers.s3_servers import S3Server, moto

# When the fault is met: as the job is started, polled or fetched, at the second page of its result,
# or as its result is read from S3.
Step = Literal["start", "poll", "fetch", "page", "result"]
Cases = Mapping[tuple[Step, str], str]

_RETRIED = _POLLED_LATER = "running, one job"
_FETCHED_LATER = "unfetched, one job"
_REFUSED = "failed (auth), no job"
_SETTLED = "settled, one job, paid once"

_SPOILT = ("gateway_page", "empty", "null", "truncated", "malformed", "reset", "reply_lost")
_REFUSALS = ("moved", "moved_for_now", "slow_down", "clock_skewed", "credentials_expired")
_WRONG = ("foreign_answer", "status_flips")
_STARTED: Cases = {
    **{("start", what): _RETRIED for what in _SPOILT},
    **{("start", what): _RETRIED for what in ("moved", "moved_for_now", "slow_down")},
    **{("start", what): _REFUSED for what in ("clock_skewed", "credentials_expired")},
    **{("poll", what): _POLLED_LATER for what in (*_SPOILT, *_REFUSALS, *_WRONG)},
    ("poll", "odd_status"): _POLLED_LATER,
    ("poll", "drips"): _POLLED_LATER,
}
OF_REKOGNITION: Cases = {
    **_STARTED,
    **{("page", what): _FETCHED_LATER for what in (*_SPOILT, *_REFUSALS, *_WRONG, "drips")},
    ("fetch", "token_repeated"): _FETCHED_LATER,
}
OF_TRANSCRIBE: Cases = {
    **_STARTED,
    **{("fetch", what): _FETCHED_LATER for what in (*_SPOILT, *_REFUSALS, *_WRONG)},
    **{("result", what): _FETCHED_LATER for what in (*_SPOILT, *_REFUSALS, "drips")},
}


class Row(NamedTuple):
    """One row of the table: a fault, and what a provider's unit becomes by it."""

    fault: str
    provider: str
    outcome: str
    expected: str


@dataclass
class _Bench:
    """A deployment that meets one fault after another."""

    provider: str
    stage: AwsDeployment
    operation: str
    """What the operations after Start and Get are called."""
    renewed: Callable[[int], dict[str, Any]]
    """Return options of the plugin that make its requests new ones."""
    proxy: Proxy
    requests: int = 0
    earlier: int = 0
    """The jobs of earlier requests."""

    def rows(self, cases: Cases) -> list[Row]:
        """Run the cases of one job, then those of starts: a run polls unwanted jobs, too."""
        self._new_request()
        self.stage.run()
        self.stage.double.advance(2 * self.stage.running_seconds)
        self.stage.jobs_end()
        found = [
            self._row(f"{what} at {step}", expected, self._goes_on(step, what))
            for (step, what), expected in cases.items()
            if step != "start"
        ]
        self.stage.run()
        found.append(self._row("none, after all of these", _SETTLED, True))
        return found + [
            self._row(f"{what} at start", expected, self._starts(what))
            for (step, what), expected in cases.items()
            if step == "start"
        ]

    def _starts(self, what: str) -> bool:
        self._new_request()
        self.stage.inject(what, operation=f"Start{self.operation}")
        return self._meets(what)

    def _goes_on(self, step: Step, what: str) -> bool:
        get, ever = f"Get{self.operation}", {"times": None}
        match step:
            case "result":
                self.proxy.inject(Fault(what=what, operation="GET", times=None))
            case "page":
                self.stage.inject(what, operation=get, later_pages=True, **ever)
            case _:
                self.stage.inject(what, operation=get, skip=int(step == "fetch"), **ever)
        return self._meets(what)

    def _meets(self, what: str) -> bool:
        """Run once, and return whether the fault was made."""
        with self._impatient() if what == "drips" else ExitStack():
            self.stage.run()
        armed = [*self.stage.double.faults(), *self.proxy.faults.told()]
        self.stage.double.clear_faults()
        self.proxy.faults.clear()
        return any(one["hits"] for one in armed)

    @contextmanager
    def _impatient(self) -> Generator[None, None, None]:
        """Give up a reply that drips after half a second."""
        patient = self.stage.services
        plugins = {
            name: type(plugin)(plugin.options.model_copy(update={"read_seconds": 0.1}))
            for name, plugin in patient.plugins.items()
        }
        self.stage.services = replace(patient, plugins=plugins)
        yield
        self.stage.services = patient

    def _new_request(self) -> None:
        self.requests += 1
        self.earlier = len(self._jobs())
        (plugin,) = self.stage.services.plugins.values()
        plugin.options = plugin.options.model_copy(update=self.renewed(self.requests))

    def _row(self, fault: str, expected: str, made: bool) -> Row:
        unit, jobs = self.stage.unit(), self._jobs()[self.earlier :]
        category = f" ({unit.failure.category})" if unit.failure else ""
        count = {0: "no job", 1: "one job"}.get(len(jobs), f"{len(jobs)} jobs")
        said = [f"{unit.state.value}{category}", count]
        if not made:
            said.append("the fault was not met")
        if unit.state.final and unit.settled:
            paid = sum(bool(job.get("seconds") or job.get("milliseconds")) for job in jobs)
            said.append("paid once" if paid == 1 else f"paid {paid} times")
        elif are_stored(self.stage.services.outputs.project(ACME.project), unit):
            said.append("a part of its result counts as whole")
        return Row(fault, self.provider, ", ".join(said), expected)

    def _jobs(self) -> list[dict[str, Any]]:
        return self.stage.double.books()["jobs"]


def rows() -> list[Row]:
    """Run the table on servers of its own."""
    with ExitStack() as stack:
        # Each session of botocore reads the models of AWS again, which takes longer than a case.
        loader = cache(botocore.session.create_loader)
        stack.enter_context(patch.object(botocore.session, "create_loader", loader))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="faults-")))
        uri = stack.enter_context(EmbeddedServer(folder / "mongo"))
        server = stack.enter_context(moto(folder))
        catalog = connect(uri, "faults")
        stack.callback(catalog.close)
        return rows_at(catalog, server, folder)


def rows_at(catalog: Catalog, server: S3Server, folder: Path) -> list[Row]:
    """Run the table with this catalogue and S3."""
    film = encode(folder / "film.mp4")
    with ExitStack() as stack:
        proxy = stack.enter_context(proxying(server.endpoint))
        address = {"AWS_ENDPOINT_URL_S3": proxy.endpoint}
        stack.enter_context(patch.dict(os.environ, address))
        stack.enter_context(patch.object(session, "_ATTEMPTS", 1))
        made = asking_transcribe(speech(server), catalog, folder, film)
        words = stack.enter_context(made)
        words.double.configure(running_seconds=words.running_seconds)
        words.services = replace(words.services, policy=WorkPolicy(backoff_seconds=0.01))
        bench = _Bench("aws-transcribe", words, "TranscriptionJob", _vocabulary, proxy)
        found = bench.rows(OF_TRANSCRIBE)
        shots = stack.enter_context(asking_rekognition(words.services, made_bucket(server), film))
        rows = {"duration": "2", "frames_per_second": "25", "rows": 25}
        shots.double.configure(otherwise=rows, page_rows=10)
        bench = _Bench("aws-rekognition", shots, "SegmentDetection", _confidence, proxy)
        return found + bench.rows(OF_REKOGNITION)


def _vocabulary(number: int) -> dict[str, Any]:
    return {"languages": ("en",), "vocabularies": {"en": f"v{number}"}}


def _confidence(number: int) -> dict[str, Any]:
    return {"shot_confidence": 50.0 + number / 10}
