"""Computes every frozen value by the code under test.

`python -m video_pipeline_tests.frozen.record_values` writes values.json anew. To do so after a
value has changed needs a migration of what is stored: see test_frozen_values.py.
"""

import dataclasses
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

from pydantic import BaseModel

from video_pipeline.aws.versions import version_of
from video_pipeline.catalog.admissions import MongoAdmissions
from video_pipeline.catalog.ledger import UnitFilter, UnitSum
from video_pipeline.catalog.mongo import MongoProject
from video_pipeline.catalog.schema import SCHEMA_VERSION as CATALOG_VERSION
from video_pipeline.catalog.schema import ensure_schema
from video_pipeline.catalog.scoped import DOCUMENT_VERSION, ProjectDatabase
from video_pipeline.catalog.shared import Budget, Pool, Slot
from video_pipeline.domain.admission import account_name, paid_seconds
from video_pipeline.domain.errors import FailureCategory, IdentityError
from video_pipeline.domain.identity import VideoKey, project_id_for, video_id_for
from video_pipeline.domain.layout import BESIDE, LAYOUT, UNFINISHED, Layout
from video_pipeline.domain.markers import Box, Kind, Marker, phase_of
from video_pipeline.domain.media import AudioStream, MediaInfo, VideoStream
from video_pipeline.domain.phases import ANALYSIS, MADE_FROM, ROAD, SERVED, Phase, step_name
from video_pipeline.domain.progress import PhaseState, ProgressEvent
from video_pipeline.domain.source import Due, Rejection, Removal, Source, VideoRecord
from video_pipeline.domain.time import FrameRate, TimeRange
from video_pipeline.domain.timeline import SCHEMA_VERSION as TIMELINE_VERSION
from video_pipeline.domain.timeline import PhaseResult, Provenance, Timeline
from video_pipeline.domain.tracks import Linker
from video_pipeline.domain.transcript import Segment, Transcript, Word
from video_pipeline.domain.usage import Meter, MeterSpec, Usage
from video_pipeline.domain.work import (
    MOVES,
    UnitFailure,
    UnitState,
    WorkRequest,
    WorkUnit,
    choice_hash,
    unit_id,
)
from video_pipeline.exports import FORMATS
from video_pipeline.media.reader import Thumbnail
from video_pipeline.pipeline import own, sound
from video_pipeline.pipeline.admission import crowded, pool_of
from video_pipeline.pipeline.assign import Assigner, Planned, Subject, choice_of
from video_pipeline.pipeline.budget import used_up
from video_pipeline.pipeline.choices import PhaseChoice
from video_pipeline.pipeline.giving_up import against
from video_pipeline.pipeline.limits import Limits
from video_pipeline.pipeline.linked import TRACKS
from video_pipeline.pipeline.raw import RawPages
from video_pipeline.pipeline.select import Only
from video_pipeline.pipeline.services import ArrivalPolicy, WorkPolicy
from video_pipeline.pipeline.stale import Stale
from video_pipeline.pipeline.thumbnails import ThumbnailWriter
from video_pipeline.plugins import registry
from video_pipeline.plugins.base import Jobs, JobStatus, Plugin
from video_pipeline.plugins.capabilities import Replay
from video_pipeline.plugins.inputs import Audio, ObjectRef
from video_pipeline.providers.aws_rekognition.calls import Calls
from video_pipeline.providers.aws_rekognition.names import jobs_of
from video_pipeline.providers.aws_rekognition.plugin import RekognitionPlugin
from video_pipeline.providers.aws_rekognition.source import pinned
from video_pipeline.providers.aws_transcribe.objects import There
from video_pipeline.providers.aws_transcribe.plugin import TranscribePlugin
from video_pipeline.providers.aws_transcribe.request import job_request
from video_pipeline.providers.models import known as known_models
from video_pipeline.settings import Settings, load_settings
from video_pipeline.settings.address import VARIABLE as MONGODB
from video_pipeline.settings.form import PipelineForm
from video_pipeline.settings.load import CONFIG, HOME, MODELS, WEBSERVER
from video_pipeline.settings.stores import INGEST_BUCKET, OUTPUT_BUCKET
from video_pipeline.storage.publish import INCOMING
from video_pipeline.storage.s3_ingest import S3Ingest
from video_pipeline.wiring import create_plugins
from video_pipeline_tests.frozen.dagster_values import DAGSTER_GROUPS
from video_pipeline_tests.frozen.doubles import LATER, NOW, Aws, Database, Outputs

HERE = Path(__file__).parent
VALUES = HERE / "values.json"
GENERATIONS = range(3)

KEY = VideoKey(project="acme", video="trailer")
FOREIGN = VideoKey(project="big-acme", video=video_id_for("Straße über Köln.mp4"))
CONTENT = "5a" * 32
MEDIA = MediaInfo(
    container="mp4",
    size=1_000_000,
    sha256=CONTENT,
    duration=Fraction(1001, 10),
    video=VideoStream(
        codec="h264",
        width=1280,
        height=720,
        frame_rate=FrameRate(per_second=Fraction(30_000, 1001)),
        time_base=Fraction(1, 30_000),
        duration=Fraction(1001, 10),
        frames=3000,
    ),
    audio=AudioStream(codec="aac", sample_rate=48_000, channels=2, duration=Fraction(100)),
)
OBJECT_KEY = "projects/acme/videos/trailer/trailer.mp4"
SOURCE = Source(key=KEY, object_key=OBJECT_KEY, name="trailer", version="v1", size=1_000_000)
RECORD = VideoRecord(source=SOURCE, arrived_at=NOW, sha256=CONTENT, media=MEDIA)
NAMES = (
    "plain", "Trailer.mp4", "Straße", "Strasse", "STRASSE", "Über Köln", "naïve café", "日本語",
    "🎬", "a film 🎬 of mine", "two  spaces", " led", "a...b", "a|b", "a,b", "a*b", "[a]", 'q"q',
    "a/b", "ﬁlm", "Å", "A\u030a", "ÆØ", "İstanbul", "x" * 64, "x" * 129, "é" * 129, "-", "_", ".",
    "ACME", "Acme Inc.", "acme_inc", "2026", "ẞ", "Größe-1", "tab\there",
)  # fmt: skip


def settings() -> Settings:
    """The deployment of deployment.yaml, whatever this machine's environment says."""
    return load_settings(HERE / "deployment.yaml", {})


def _planned(plugins: Mapping[str, Plugin]) -> list[tuple[str, str | None, Planned]]:
    """Every request that the product would make of each entry, by its own planner."""
    found: list[tuple[str, str | None, Planned]] = []
    uri = S3Ingest(None, "deliveries").project(KEY.project).uri(OBJECT_KEY)
    for name, plugin in plugins.items():
        kinds = plugin.capabilities().kinds
        phases = list(dict.fromkeys(map(phase_of, kinds))) or [Phase.TRANSCRIPT]
        wished = (
            [None] if kinds or name in ("whisper-tiny", "transcribe-redacted") else [None, "de"]
        )
        for language in wished:
            planner = Assigner(KEY, CONTENT, Subject(MEDIA, language, uri))
            found += [(name, language, one) for one in planner.plan(name, plugin, phases)]
    planner = Assigner(FOREIGN, "ab" * 32, Subject(MEDIA, "en", ""))
    for name in ("scenedetect-default", "whisper-default"):
        phase = Phase.SHOTS if name.startswith("scene") else Phase.TRANSCRIPT
        found += [(name, "en", one) for one in planner.plan(name, plugins[name], [phase])]
    return found


def requests() -> list[dict[str, Any]]:
    """Work requests in canonical form, with what is made of each."""
    return [
        {
            "request": one.request.model_dump(mode="json"),
            "digest": one.request.digest,
            "units": [unit_id(one.request, generation) for generation in GENERATIONS],
            "choice": {p: choice_of(one.plugin, p, language) for p in one.request.phases},
            "options": one.plugin.options.model_dump(mode="json"),
            "planned": [usage.model_dump(mode="json") for usage in one.usage],
            "pool": pool_of(one.plugin, one.request),
            "account": account_name(one.request),
            "paid seconds": str(paid_seconds(one.usage)),
        }
        for _, language, one in _planned(create_plugins(settings()))
    ]


def choices() -> dict[str, Any]:
    """Hashes of choices: what tells which results are stale, and which phases are given up."""
    plugins, chosen = create_plugins(settings()), settings().choices
    services: Any = SimpleNamespace(plugins=plugins, choices=chosen)
    orders = {phase: chosen.of("acme", phase).providers for phase in SERVED}
    return {
        "of the pipeline itself": [own.PROVIDER, own.VERSION, own.CHOICE],
        "with other text": choice_hash("ß 1", "m", {"b": ["ü", 1, 0.5, None], "a": True}),
        "by entry": {
            name: {
                f"{phase}, {language}": choice_of(plugin, phase, language)
                for phase in SERVED
                for language in (None, "de")
            }
            for name, plugin in plugins.items()
        },
        "failures are counted against": {
            phase: against(services, "acme", phase, (*order, "unknown"), CONTENT)
            for phase, order in orders.items()
        },
    }


def plugins() -> dict[str, Any]:
    """What plugins are called, and each option with its default."""
    installed = {g: registry.names(g) for g in (registry.TEMPORAL, registry.TRANSCRIPTION)}
    classes = {name: registry.declared(name) for names in installed.values() for name in names}
    return {
        "groups": {group: list(names) for group, names in installed.items()},
        "declared": {
            name: {
                "name": plugin.name,
                "version": plugin.version,
                "operation": plugin.operation,
                "options": _options(plugin.Options),
            }
            for name, plugin in classes.items()
        },
        "by entry": {
            name: {
                "kinds": list(plugin.capabilities().kinds),
                "replay": plugin.capabilities().replay,
                "meter": plugin.capabilities().meter.model_dump(mode="json"),
                "model": plugin.model,
                "account": plugin.account,
                "region": plugin.region,
                "slots": _slots(plugin),
            }
            for name, plugin in create_plugins(settings()).items()
        },
        "models": {name: model.revision for name, model in known_models().items()},
    }


def _options(options: type[BaseModel]) -> dict[str, Any]:
    return {
        name: {
            "default": "(required)"
            if field.is_required()
            else _plain(field.get_default(call_default_factory=True)),
            "in the request": not field.exclude,
        }
        for name, field in sorted(options.model_fields.items())
    }


def _slots(plugin: Plugin) -> Any:
    slots = plugin.slots(plugin.operation) if isinstance(plugin, Jobs) else None
    return slots.model_dump() if slots else None


def aws() -> dict[str, Any]:
    """What AWS is told: tokens, tags, job names, outputs; and what is read back from it."""
    started: dict[str, Any] = {}
    transcribed: dict[str, Any] = {}
    uri = f"s3://deliveries/{OBJECT_KEY}"
    for name, language, one in _planned(create_plugins(settings())):
        unit, plugin = _unit(one.request, one.usage), one.plugin
        label = f"{name}, {one.request.operation}, {language}"
        if isinstance(plugin, RekognitionPlugin):
            for version in ("v1", "etag:e1:1000000"):
                session: Any = Aws(plugin.region)
                job = Calls(plugin.options, session).start(unit, ObjectRef(uri, version))
                started[f"{label}, {version}"] = [job, *session.asked]
        elif isinstance(plugin, TranscribePlugin):
            there = There(uri, "v1", "e1", NOW)
            transcribed[label] = job_request(plugin.options, unit, MEDIA, there)
    tag = {"JobTag": "acme/trailer/1/etag:e1", "Video": {"S3Object": {"Bucket": "b", "Name": "k"}}}
    told = {"JobId": "5a", "Status": "SUCCEEDED"}
    return {
        "rekognition": started,
        "transcribe": transcribed,
        "pinned by a tag": dataclasses.asdict(pinned(tag) or Fraction),  # type: ignore[arg-type]
        "jobs of a message": {
            api: list(jobs_of({**told, "API": api}))
            for api in ("StartLabelDetection", "LABEL_DETECTION", "StartContentModeration", "")
        },
        "versions": [
            version_of("3sL4k", '"e1"', 5), version_of("null", '"e1"', 5), version_of(None, "e1", 0)
        ],
    }  # fmt: skip


def _unit(request: WorkRequest, planned: tuple[Usage, ...]) -> WorkUnit:
    return WorkUnit(
        id=unit_id(request, 0),
        request=request,
        generation=0,
        state=UnitState.SUBMITTING,
        planned=planned,
        created_at=NOW,
        updated_at=NOW,
    )


def names() -> dict[str, Any]:
    """Identifiers made from names as they are found in a store, and places in a store."""
    videos = {name: video_id_for(name) for name in NAMES}
    rule = Layout(pattern=r"in/(?P<project>[^/]+)/(?P<video>[^/]+)\.[^/.]+")
    keys = (OBJECT_KEY, "projects/a/b", "projects/Ä b/videos/ß/x/y.mp4", "in/a/b.mp4", "x")
    return {
        "projects": {name: project_id_for(name) for name in NAMES},
        "videos": videos,
        "partition keys": {
            name: [str(key), str(VideoKey.parse(str(key))) == str(key), key.prefix, key.raw_prefix]
            for name, video in videos.items()
            for key in [VideoKey(project=project_id_for(name), video=video)]
        },
        "refused partition keys": [
            text for text in ("a...b", "a/b...c", "A/b", "a/", "/b", "a/b c", "a/b|c", "a/b/c", "a")
            if _is_refused(text)
        ],
        "layout": LAYOUT,
        "places": {
            key: [
                [*layout.place_of(key)] if layout.place_of(key) else None, [*layout.group_of(key)]
            ]
            for layout in (Layout(), rule)
            for key in keys
        },
        "below": [Layout().below, rule.below],
        "beside a video": sorted(BESIDE),
        "unfinished": sorted(UNFINISHED),
    }  # fmt: skip


def _is_refused(text: str) -> bool:
    try:
        VideoKey.parse(text)
    except IdentityError:
        return True
    return False


def outputs() -> dict[str, Any]:
    """The key of every output, and the counts and fingerprints of the pipeline's own results."""
    published: list[tuple[PhaseResult, list[Any]]] = []
    store = Outputs()
    services = _services(store, published)
    sound.publish(services, KEY, MEDIA, None)
    any_file = HERE / "deployment.yaml"
    sound.publish(services, KEY, MEDIA, Audio(path=any_file, samples=0))
    writer = ThumbnailWriter(services, KEY)
    for at in (Fraction(0), Fraction(1001, 30), Fraction(4000)):
        writer.write(Thumbnail(at=at, jpeg=b""))
    writer.finish(CONTENT)
    own.publish(services, KEY, Phase.TIMELINE, _own_provenance(), counts={"markers": 1})
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
        "manifest": {**manifest, "folder": f"({len(manifest['folder'])} characters)"},
        "unfinished in a folder": INCOMING,
    }


def _services(store: Outputs, published: list[Any]) -> Any:
    def publish(video: str, result: PhaseResult, rows: Any = (), **_: Any) -> bool:
        published.append((result, list(rows)))
        return True

    project = SimpleNamespace(
        results=SimpleNamespace(publish=publish),
        videos=SimpleNamespace(get=lambda video: RECORD),
    )
    return SimpleNamespace(of=lambda _: project, outputs=store, clock=lambda: NOW)


def _own_provenance() -> Provenance:
    inputs = {Phase.SHOTS: "0011223344556677"}
    return own.provenance(CONTENT, NOW, LATER, {"an": "option"}, inputs=inputs)


def results() -> dict[str, Any]:
    """Fingerprints of results, and tracks as they are named."""
    origin = _own_provenance()
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
    """Collections, indexes, and every field as it is written."""
    database: Any = Database()
    ensure_schema(database)
    schema = {"collections": dict(database.made), "indexes": dict(database.indexes)}
    versions = {
        "schema": CATALOG_VERSION,
        "document": DOCUMENT_VERSION,
        "timeline": TIMELINE_VERSION,
    }
    database.writes.clear()
    project = MongoProject(ProjectDatabase(database, "acme"))
    writes = {**_video_writes(project), **_result_writes(project), **_unit_writes(project)}
    writes |= _shared_writes(MongoAdmissions(database))
    documents: dict[str, Any] = {}
    for name, write in writes.items():
        database.writes.clear()
        write()
        documents[name] = [[collection, fields] for collection, fields in database.writes]
    return {"versions": versions, **schema, "written": documents}


Writes = dict[str, Callable[[], Any]]


def _video_writes(project: MongoProject) -> Writes:
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


def _result_writes(project: MongoProject) -> Writes:
    results, events = project.results, project.events
    made = _result(PhaseState.DONE, _own_provenance())
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


def _unit_writes(project: MongoProject) -> Writes:
    units = project.units
    _, _, planned = _planned(create_plugins(settings()))[0]
    request, usage = planned.request, planned.usage
    name, failure = unit_id(request, 0), UnitFailure(category=FailureCategory.AUTH, message="no")
    unit = _unit(request, usage)

    def move(state: UnitState, to: UnitState, **changes: Any) -> Callable[[], Any]:
        return lambda: units.move(unit.model_copy(update={"state": state}), to, LATER, **changes)

    return {
        "open": lambda: units.open(request, 0, usage, NOW, forced_by="run"),
        "claim": lambda: units.claim(name, "holder", timedelta(seconds=20)),
        "renew": lambda: units.renew(name, "holder", timedelta(seconds=20)),
        "release": lambda: units.release(name, "holder"),
        "wait": lambda: units.wait(name, "reason", "pool", Fraction(30)),
        "let_go": lambda: units.let_go(name, NOW),
        "put_off": lambda: units.put_off(name, LATER, "reason"),
        "mark_ready": lambda: units.mark_ready(name, NOW),
        "postpone": lambda: units.postpone(name, LATER, "reason"),
        "set_unwanted": lambda: units.set_unwanted(name, True),
        "submit": move(UnitState.INTENT, UnitState.SUBMITTING, attempts=1, waiting=""),
        "run": move(
            UnitState.SUBMITTING, UnitState.RUNNING, job="j", submitted_at=NOW, poll_at=LATER
        ),
        "fail": move(UnitState.RUNNING, UnitState.FAILED, failure=failure, settled=usage),
        "settle": move(UnitState.RUNNING, UnitState.SETTLED, settled=usage, ready=False),
    }


def _shared_writes(shared: MongoAdmissions) -> Writes:
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
"""By names of our own: classes may be renamed."""


def fields() -> dict[str, Any]:
    """The fields of each stored value, and whether a document must have them."""
    return {
        name: {
            field: "(required)"
            if about.is_required()
            else _plain(about.get_default(call_default_factory=True))
            for field, about in sorted(model.model_fields.items())
        }
        for name, model in STORED.items()
    }


STORED_ENUMS: dict[str, type[Enum]] = {
    "phase": Phase, "phase state": PhaseState, "unit state": UnitState,
    "failure": FailureCategory, "due": Due, "removal": Removal, "kind": Kind, "meter": Meter,
    "only": Only,
}  # fmt: skip


def enums() -> dict[str, Any]:
    """Values that stand for states and kinds, and what follows from them."""
    policies = {"work": WorkPolicy, "arrivals": ArrivalPolicy, "limits": Limits}
    return {
        **{name: [one.value for one in enum] for name, enum in STORED_ENUMS.items()},
        "replay": list(get_args(Replay)),
        "moves": {before: sorted(after) for before, after in MOVES.items()},
        "phases of kinds": {kind: phase_of(kind) for kind in (*Kind, "x-our-own")},
        "hangs on": {phase: list(needs) for phase, needs in ROAD.items()},
        "made from": {phase: list(used) for phase, used in MADE_FROM.items()},
        "analysis": list(ANALYSIS),
        "served": list(SERVED),
        "steps": {phase: step_name(phase) for phase in Phase},
        "categories": {
            one: [one.retryable, one.of_the_request, one.past_mending, one.allows_fallback]
            for one in FailureCategory
        },
        "policies": {
            name: model().model_dump(mode="json")  # type: ignore[call-arg]
            for name, model in policies.items()
        },
    }


def configuration() -> dict[str, Any]:
    """Keys of pipeline.yaml, variables, and where a deployment keeps its state."""
    schema = PipelineForm.model_json_schema()
    sections = {"PipelineForm": schema, **schema["$defs"]}
    found = settings()
    variables = (CONFIG, HOME, MODELS, WEBSERVER, MONGODB, INGEST_BUCKET, OUTPUT_BUCKET)
    below = {"dagster": found.dagster_home, "logs": found.logs, "scratch": found.scratch}
    stores = {"ingest": found.storage.ingest.folder, "outputs": found.storage.outputs.folder}
    return {
        "keys": sorted({key for one in sections.values() for key in one.get("properties", {})}),
        "a phase": sorted(PhaseChoice.model_fields),
        "variables": list(variables),
        "state folder": str(found.home.relative_to(HERE)),
        "below it": {n: str(p.relative_to(found.home)) for n, p in {**below, **stores}.items()},
        "database": found.catalog.database,
    }


def waiting() -> dict[str, Any]:
    """Why units wait: MongoDB looks for rows by how these texts begin."""
    plugins = create_plugins(settings())
    services: Any = SimpleNamespace(plugins=plugins, limits=Limits(), clock=lambda: NOW)
    found: dict[str, Any] = {}
    for name in ("rekognition-shots", "scenedetect-default"):
        request = next(one.request for n, _, one in _planned(plugins) if n == name)
        found[name] = [crowded(plugins[name], request)]
        for whose in ("project", "account"):
            found[name] += [used_up(services, request, whose, ever=e) for e in (True, False)]
    return found


GROUPS: dict[str, Callable[[], Any]] = {
    "requests": requests,
    "choices": choices,
    "plugins": plugins,
    "aws": aws,
    "names": names,
    "outputs": outputs,
    "results": results,
    "catalogue": catalogue,
    "fields": fields,
    "enums": enums,
    "configuration": configuration,
    "waiting": waiting,
    **DAGSTER_GROUPS,
}
"""Each group by its name in values.json, with what computes it."""


def _plain(value: Any) -> Any:
    """A value as JSON has it; fractions and times as text, sets in order."""
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json"))
    if isinstance(value, Enum):
        return _plain(value.value)
    if isinstance(value, Mapping):
        return {str(_plain(key)): _plain(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return sorted(map(_plain, value))
    if isinstance(value, (list, tuple)):
        return list(map(_plain, value))
    if isinstance(value, datetime):
        return value.isoformat()
    return value if isinstance(value, (str, int, float, bool, type(None))) else str(value)


def compute(group: str) -> Any:
    """One group of values, as JSON has it."""
    return _plain(GROUPS[group]())


def main() -> None:
    """Write values.json."""
    values = {group: compute(group) for group in GROUPS}
    text = json.dumps(values, indent=1, ensure_ascii=True, sort_keys=True)
    VALUES.write_text(text + "\n")
    print(f"{VALUES}: {len(values)} groups")


if __name__ == "__main__":
    main()
