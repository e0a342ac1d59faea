"""Frozen values of stored data: outputs, results, documents, indexes and fields."""

import io
import json
from collections.abc import Callable
from datetime import date, timedelta
from fractions import Fraction
from types import SimpleNamespace
from typing import Any

from PIL import Image
from pydantic import BaseModel

from video_pipeline.catalog.admissions import Admissions
from video_pipeline.catalog.catalog import ProjectCatalog
from video_pipeline.catalog.schema import SCHEMA_VERSION as CATALOG_VERSION
from video_pipeline.catalog.schema import ensure_schema
from video_pipeline.catalog.scoped import DOCUMENT_VERSION, ProjectDatabase
from video_pipeline.domain.errors import FailureCategory
from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.progress import PhaseState, ProgressEvent
from video_pipeline.domain.results.markers import Box, Marker
from video_pipeline.domain.results.timeline import SCHEMA_VERSION as TIMELINE_VERSION
from video_pipeline.domain.results.timeline import PhaseResult, Provenance, Timeline
from video_pipeline.domain.results.tracks import Linker
from video_pipeline.domain.results.transcript import Segment, Transcript, Word
from video_pipeline.domain.slots import Budget, Pool, Slot
from video_pipeline.domain.source import Due, Rejection, Source, VideoRecord
from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.domain.usage import MeterSpec, Usage
from video_pipeline.domain.work import (
    UnitFailure,
    UnitFilter,
    UnitState,
    UnitSum,
    WorkRequest,
    WorkUnit,
    unit_id,
)
from video_pipeline.exports import FORMATS
from video_pipeline.media.reader import Candidate
from video_pipeline.pipeline.analysis import audio
from video_pipeline.pipeline.backfill.staleness import Stale
from video_pipeline.pipeline.jobs.raw_pages import RawPages
from video_pipeline.pipeline.pictures import candidates, publication
from video_pipeline.pipeline.pictures.choice import Stretch
from video_pipeline.pipeline.progress import own_results
from video_pipeline.pipeline.publishing.tracks import TRACKS
from video_pipeline.plugins.base import JobStatus
from video_pipeline.plugins.inputs import Audio
from video_pipeline.providers.local.speech.whisper_pages import (
    Header,
    header_page,
    segment_pages,
    written_segment,
)
from video_pipeline.storage.local.publish import INCOMING
from video_pipeline.wiring import create_plugins
from video_pipeline_tests.doubles.units import FULL
from video_pipeline_tests.frozen.doubles import LATER, NOW, Database, Outputs
from video_pipeline_tests.frozen.samples import (
    CONTENT,
    HERE,
    KEY,
    MEDIA,
    OBJECT_KEY,
    RECORD,
    SOURCE,
    planned,
    settings,
    work_unit,
)

REQUIRED = "(required)"


def outputs() -> dict[str, Any]:
    """Return the key of each output, and counts and fingerprints of the pipeline's own results."""
    published: list[tuple[PhaseResult, list[Any]]] = []
    store = Outputs()
    run = _run(store, published)
    audio.publish(run, None)
    any_file = HERE / "deployment.yaml"
    audio.publish(run, Audio(path=any_file, samples=0))
    pictures = _pictures(run)
    own_results.publish(run, Phase.PICTURES, own_provenance(), outputs=pictures)
    own_results.publish(run, Phase.TIMELINE, own_provenance(), counts={"markers": 1})
    pages = Outputs()
    RawPages(pages, KEY, "unit").store([b"one", b"two"])
    written = [key.split("/") for key in pages.keys]
    manifest = json.loads(pages.store[pages.keys[-1]])
    assert RawPages(pages, KEY, "unit").complete
    return {
        "written": store.keys,
        "formats": [[form.NAME, form.MEDIA_TYPE] for form in FORMATS],
        "results": [
            [result.phase, dict(result.counts), result.outputs, result.fingerprint]
            for result, _ in published
        ],
        "raw pages": ["/".join("(random)" if len(p) == 32 else p for p in key) for key in written],
        "candidates": _lines_of(store.store[f"{KEY.prefix}_candidates"]),
        "index of pictures": json.loads(store.store[f"{KEY.prefix}pictures/index.json"]),
        "manifest": {**manifest, "folder": f"({len(manifest['folder'])} characters)"},
        "unfinished in a folder": INCOMING,
    }


def _pictures(run: Any) -> list[str]:
    """Keep candidates, publish them as pictures, and return their names."""
    jpeg = io.BytesIO()
    Image.new("RGB", (32, 18)).save(jpeg, "JPEG")
    moments = (Fraction(0), Fraction(1001, 30), Fraction(4000))
    with candidates.keeping(run) as keeper:
        for at in moments:
            keeper.add(Candidate(at=at, jpeg=jpeg.getvalue(), begins=at))
    kept = candidates.kept(run)
    assert kept is not None
    found = (Stretch(TimeRange(start=at, end=at + 1), n) for n, at in enumerate(moments))
    return publication.write(run, MEDIA, list(zip(found, kept.candidates, strict=True)))


def _lines_of(packed: bytes) -> list[Any]:
    """Return the lines of JSON between the JPEGs, without the JPEGs' sizes."""
    found, file = list[Any](), io.BytesIO(packed)
    while line := file.readline():
        found.append(facts := json.loads(line))
        file.read(facts.pop("size", 0))
    return found


def _run(store: Outputs, published: list[Any]) -> Any:
    def publish(video: str, result: PhaseResult, rows: Any = (), **_: Any) -> bool:
        published.append((result, list(rows)))
        return True

    project = SimpleNamespace(
        results=SimpleNamespace(publish=publish),
        videos=SimpleNamespace(get=lambda video: RECORD),
    )
    return SimpleNamespace(
        key=KEY, content=CONTENT, catalog=project, outputs=store, clock=lambda: NOW
    )


def own_provenance() -> Provenance:
    inputs = {Phase.SHOTS: "0011223344556677"}
    return own_results.provenance(CONTENT, NOW, LATER, {"an": "option"}, inputs=inputs)


def results() -> dict[str, Any]:
    """Return the documents and fingerprints of results, and the names of tracks."""
    origin = own_provenance()
    bought = origin.model_copy(update={"unit": "a1"})
    several = origin.model_copy(update={"units": ("a1", "b2")})
    made = {
        "without provenance": PhaseResult(phase=Phase.SHOTS, state=PhaseState.FAILED),
        "not configured": _result(PhaseState.NOT_CONFIGURED, origin),
        "skipped": _result(PhaseState.SKIPPED, origin),
        "bought": _result(PhaseState.DONE, bought),
        "several": _result(PhaseState.DONE, several),
    }
    boxes = [
        MARKER.model_copy(update={"range": TimeRange(start=Fraction(n), end=Fraction(n))})
        for n in (1, 2)
    ]
    return {
        "documents": {name: one.model_dump(mode="json") for name, one in made.items()},
        "fingerprints": {name: one.fingerprint for name, one in made.items()},
        "provenance": origin.model_dump(mode="json"),
        "tracks": [one.track for one in Linker([]).link(boxes)],
        "count of tracks": TRACKS,
    }


def _result(state: PhaseState, origin: Provenance) -> PhaseResult:
    counts = {"shot": 3, "technical-cue": 1}
    return PhaseResult(phase=Phase.SHOTS, state=state, provenance=origin, counts=counts)


MARKER = Marker(
    kind="object",
    range=TimeRange(start=Fraction(1001, 30), end=Fraction(40)),
    label="Car",
    confidence=0.5,
    box=Box(left=0, top=0, width=0.5, height=0.5),
)
SEGMENT = Segment(
    text="Hello there.",
    range=TimeRange(start=Fraction(1), end=Fraction(2)),
    words=(Word(text="Hello", range=TimeRange(start=Fraction(1), end=Fraction(3, 2))),),
    speaker="spk_0",
)


def catalogue() -> dict[str, Any]:
    """Return the collections and indexes, and every field as it is written."""
    database: Any = Database()
    ensure_schema(database)
    schema = {"collections": dict(database.made), "indexes": dict(database.indexes)}
    versions = {
        "schema": CATALOG_VERSION,
        "document": DOCUMENT_VERSION,
        "timeline": TIMELINE_VERSION,
    }
    database.writes.clear()
    project = ProjectCatalog(ProjectDatabase(database, "acme"))
    writes = {**_video_writes(project), **_result_writes(project), **_unit_writes(project)}
    writes |= _shared_writes(Admissions(database))
    documents: dict[str, Any] = {}
    for name, write in writes.items():
        database.writes.clear()
        write()
        documents[name] = [[collection, fields] for collection, fields in database.writes]
    return {"versions": versions, **schema, "written": documents}


Writes = dict[str, Callable[[], Any]]


def _video_writes(project: ProjectCatalog) -> Writes:
    videos, arrivals = project.videos, project.arrivals
    due = RECORD.model_copy(update={"due": Due.RUN})
    rejection = Rejection(project="acme", object_key="projects/acme/x", reason="why", at=NOW)
    known: Any = SimpleNamespace(video="trailer", version="v1", object_key=OBJECT_KEY)
    return {
        "register": lambda: videos.register(SOURCE, NOW),
        "set_sha256": lambda: videos.set_sha256("trailer", "v1", CONTENT),
        "set_media": lambda: videos.set_media("trailer", CONTENT, MEDIA),
        "reject": lambda: videos.reject(rejection),
        "miss": lambda: arrivals.miss(known, NOW),
        "found": lambda: arrivals.found(known),
        "remove": lambda: arrivals.remove(known, NOW),
        "done": lambda: arrivals.done(due),
        "archive": lambda: arrivals.archive(due, NOW),
        "restore": lambda: arrivals.restore(due),
    }


def _result_writes(project: ProjectCatalog) -> Writes:
    results, events = project.results, project.events
    made = _result(PhaseState.DONE, own_provenance())
    spoken = made.model_copy(update={"phase": Phase.TRANSCRIPT, "warnings": ("odd",)})
    return {
        "publish markers": lambda: results.publish("trailer", made, [MARKER]),
        "publish segments": lambda: results.publish("trailer", spoken, [SEGMENT]),
        "count_failure": lambda: results.count_failure("trailer", Phase.SHOTS, "c 1", "run"),
        "forget_failures": lambda: results.forget_failures("trailer", Phase.SHOTS),
        "record": lambda: events.record(
            "trailer", Phase.SHOTS, PhaseState.RUNNING, NOW,
            percent=10, provider="cuts", message="m", unit="u", run_id="r",
        ),
    }  # fmt: skip


def _unit_writes(project: ProjectCatalog) -> Writes:
    units = project.units
    _, _, first = planned(create_plugins(settings()))[0]
    request, usage = first.request, first.usage
    name, failure = unit_id(request, 0), UnitFailure(category=FailureCategory.AUTH, message="no")
    unit = work_unit(request, usage)

    def at(state: UnitState) -> Any:
        return unit.model_copy(update={"state": state})

    return {
        "open": lambda: units.open(request, 0, usage, NOW, forced_by="run"),
        "claim": lambda: units.claim(name, "holder", timedelta(seconds=20)),
        "renew": lambda: units.renew(name, "holder", timedelta(seconds=20)),
        "release": lambda: units.release(name, "holder"),
        "queue": lambda: units.queue(name, FULL, "pool", Fraction(30), NOW),
        "hand_over": lambda: units.hand_over(name, NOW),
        "defer": lambda: units.defer(name, FULL),
        "end": lambda: units.end(name, NOW),
        "postpone": lambda: units.postpone(name, LATER),
        "fetch_later": lambda: units.fetch_later(name, LATER, "reason"),
        "set_unwanted": lambda: units.set_unwanted(name, True),
        "begin": lambda: units.begin(at(UnitState.PLANNED), LATER, parked=False),
        "refuse": lambda: units.refuse(at(UnitState.SUBMITTING), LATER),
        "accept": lambda: units.accept(at(UnitState.SUBMITTING), "j", NOW, LATER),
        "fail": lambda: units.finish(
            at(UnitState.RUNNING), UnitState.FAILED, LATER, used=usage, failure=failure
        ),
        "settle": lambda: units.finish(at(UnitState.RUNNING), UnitState.SETTLED, LATER, used=usage),
    }


def _shared_writes(shared: Admissions) -> Writes:
    budget, pool = Budget(project_seconds=60, account_seconds=600), "p/a/r/s"
    day = date(2026, 11, 2)
    return {
        "take": lambda: shared.take(pool, 20, "acme", "unit", timedelta(minutes=10)),
        "pause": lambda: shared.pause(pool, 60),
        "answered": lambda: shared.answered(pool),
        "reserve": lambda: shared.reserve("unit", "acme", "plugin/a", Fraction(3, 2), budget, day),
    }


STORED: dict[str, type[BaseModel]] = {
    "video": VideoRecord, "source": Source, "rejection": Rejection, "media": MediaInfo,
    "video stream": VideoStream, "audio stream": AudioStream, "request": WorkRequest,
    "unit": WorkUnit, "unit failure": UnitFailure, "usage": Usage, "meter": MeterSpec,
    "result": PhaseResult, "provenance": Provenance, "marker": Marker, "box": Box,
    "range": TimeRange, "frame rate": FrameRate, "segment": Segment, "word": Word,
    "transcript": Transcript, "event": ProgressEvent, "timeline": Timeline, "pool": Pool,
    "slot": Slot, "budget": Budget, "unit filter": UnitFilter, "unit sum": UnitSum,
    "video key": VideoKey, "stale": Stale, "job status": JobStatus,
}  # fmt: skip
"""The stored models, by names that stay when classes are renamed."""


def fields() -> dict[str, Any]:
    """Return the fields of each stored model: the default, or that a document must have it."""
    return {
        name: {
            field: REQUIRED if about.is_required() else about.get_default(call_default_factory=True)
            for field, about in sorted(model.model_fields.items())
        }
        for name, model in STORED.items()
    }


SHOT_PAGE = (
    b'{"frames":90,"end":"3003/1000","boundaries":[{"frame":45,"start":"3003/2000","found_by":"cut"},'
    b'{"frame":60,"start":"1001/500","found_by":"dissolve"}]}'
)
"""A raw page as version 1 of the pyscenedetect plugin wrote it."""


def pages() -> dict[str, Any]:
    """Return raw pages as they are stored, and results read from pages of an earlier version."""
    by_name = {name: one for name, _, one in planned(create_plugins(settings()))}
    shots, words = by_name["scenedetect-default"], by_name["whisper-default"]
    word = SimpleNamespace(word=" Hello", start=0.5, end=1.25, probability=0.75)
    segment = SimpleNamespace(text=" Hello", start=0.5, end=1.25, words=[word])
    header = Header(
        start=Fraction(1, 48_000), duration=Fraction(3), language="en", language_confidence=0.5
    )
    written = written_segment(segment, lambda start, end: (start, end))
    spoken = [header_page(header), *segment_pages([written])]
    found: Any = shots.plugin
    heard: Any = words.plugin
    return {
        "shots": list(found.normalise(shots.request, MEDIA, [SHOT_PAGE])),
        "whisper": [json.loads(page) for page in spoken],
        "words": heard.normalise(words.request, MEDIA, spoken),
    }


STORED_GROUPS: dict[str, Callable[[], Any]] = {
    "outputs": outputs,
    "pages": pages,
    "results": results,
    "catalogue": catalogue,
    "fields": fields,
}
