"""The checks of `doctor`. Each yields findings and leaves nothing behind."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from importlib.metadata import PackageNotFoundError, distribution, requires
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

import psutil
from packaging.requirements import Requirement
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from video_pipeline.catalog.connection import connect
from video_pipeline.cli.doctor.finding import Finding
from video_pipeline.cli.server.dagster_home import running_url
from video_pipeline.cli.server.ports import port_to_use
from video_pipeline.dagster_api.health import loaded_resources
from video_pipeline.domain.errors import ConfigurationError, PipelineError
from video_pipeline.domain.naming.identity import project_id_for
from video_pipeline.plugins import registry
from video_pipeline.settings import Place, ProviderEntry, Settings
from video_pipeline.settings.entries import plugin_of
from video_pipeline.settings.problems import nearest
from video_pipeline.storage.store import IngestStore, OutputStore
from video_pipeline.wiring import aws_clients, catalog_server, open_stores

_LEAST_BYTES, _ENOUGH_BYTES = 500 << 20, 5 << 30
_HELD_LIMIT = {"key": "video_pipeline/held", "value": "waiting", "limit": 0}
# A project and an object that only doctor uses.
_PROBE, _PROBE_FOLDER = "doctor", "projects/doctor"
_WEB = ("dagster", "dagster_webserver", "dagster_graphql")
EXTRAS = {
    "ui": "Dagster's web interface",
    "shots": "shot detection",
    "speech": "speech recognition, with its models",
    "embedded": "the embedded MongoDB",
    "samples": "more videos for the demo",
}

Check = Callable[[Settings], Iterator[Finding]]


def checked(check: Check, subject: str, settings: Settings) -> list[Finding]:
    """Return the findings of a check. An error of the check is a finding too."""
    try:
        return list(check(settings))
    except PipelineError as error:
        where = f" ({error.where})" if error.where else ""
        return [Finding(subject, "missing", f"{error.what}{where}", error.remedy)]
    except OSError as error:
        remedy = "Check that it exists, and that you may read and write it."
        return [Finding(subject, "missing", str(error), remedy)]


def python() -> Finding:
    """Check the interpreter and the libraries of the web interface."""
    version = ".".join(map(str, sys.version_info[:3]))
    absent = [name for name in _WEB if find_spec(name) is None]
    if absent:
        remedy = "Run: pip install 'video-pipeline[ui]'"
        return Finding("python", "missing", f"not installed: {', '.join(absent)}", remedy)
    return Finding("python", "ok", version)


def extras() -> Iterator[Finding]:
    """Check that the libraries of each extra are installed, if it has any for this machine."""
    for extra, purpose in EXTRAS.items():
        needed = _needed(extra)
        if not needed:
            continue
        absent = [name for name in needed if not _is_installed(name)]
        if absent:
            found = f"not installed: {', '.join(absent)}"
            remedy = f"For {purpose}, run: pip install 'video-pipeline[{extra}]'"
            yield Finding(f"extra {extra}", "warning", found, remedy)
        else:
            yield Finding(f"extra {extra}", "ok", purpose)


def _needed(extra: str) -> list[str]:
    """Return the distributions that an extra adds on this machine."""
    try:
        written = map(Requirement, requires("video-pipeline") or ())
    except PackageNotFoundError:
        return []
    return [
        one.name
        for one in written
        if one.marker and "extra" in str(one.marker) and one.marker.evaluate({"extra": extra})
    ]


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def state_folder(settings: Settings) -> Iterator[Finding]:
    """Check that the state folder is writable and its disk has free space."""
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=home):
            pass
    except OSError as error:
        remedy = "Make it writable for this user, or set VIDEO_PIPELINE_HOME to another folder."
        yield Finding("state folder", "missing", f"{home}: {error.strerror}", remedy)
        return
    yield Finding("state folder", "ok", str(home))
    yield _free_space("disk", home, "set VIDEO_PIPELINE_HOME to a larger disk")


def _free_space(subject: str, folder: Path, otherwise: str) -> Finding:
    free = shutil.disk_usage(folder).free
    level = "missing" if free < _LEAST_BYTES else "warning" if free < _ENOUGH_BYTES else "ok"
    remedy = "" if level == "ok" else f"Free some space, or {otherwise}."
    return Finding(subject, level, f"{free / (1 << 30):.1f} GiB free", remedy)


def stores(settings: Settings) -> Iterator[Finding]:
    """Check that videos can be read and results written."""
    storage = settings.storage
    clients = aws_clients(settings).for_ticks() if storage.has_buckets else None
    ingest, outputs = open_stores(settings, clients)
    yield _store_finding("ingest", storage.ingest, lambda: _read_one(ingest))
    yield _store_finding("outputs", storage.outputs, lambda: _write_one(outputs))
    if storage.outputs.bucket is None:
        folder = storage.outputs.folder
        with suppress(OSError):
            # It stays if a project of this name has objects in it.
            (folder / _PROBE_FOLDER).rmdir()
        yield _free_space("outputs disk", folder, "name a larger disk in storage.outputs")


def _store_finding(subject: str, place: Place, check: Callable[[], None]) -> Finding:
    name = f"s3://{place.bucket}" if place.bucket else str(place.folder)
    try:
        check()
    except PipelineError as error:
        return Finding(subject, "missing", f"{name}: {error.what}", error.remedy)
    return Finding(subject, "ok", name)


def _read_one(ingest: IngestStore) -> None:
    """List the first object, and read one byte of it if it is a file of a project."""
    first = next(iter(ingest.listing()), None)
    place = ingest.layout.place_of(first.key) if first else None
    if first is None or place is None or first.form != "file" or first.key.endswith("/"):
        return
    store = ingest.project(project_id_for(place.project))
    with store.open(first.key, first.version) as reader:
        reader.read(1)


def _write_one(outputs: OutputStore) -> None:
    """Write, read and delete an object, which is deleted after a failure too."""
    store, key = outputs.project(_PROBE), f"{_PROBE_FOLDER}/written-by-doctor"
    try:
        with store.writer(key) as target:
            target.write(_PROBE.encode())
        with store.open(key) as reader:
            reader.read()
        next(iter(store.listing(f"{_PROBE_FOLDER}/")), None)
    except PipelineError:
        with suppress(PipelineError):
            store.delete(key)
        raise
    store.delete(key)


def catalogue(settings: Settings) -> Iterator[Finding]:
    """Check that the catalogue server answers. The embedded one is started if necessary."""
    name = settings.catalog.database
    with catalog_server(settings) as uri, closing(connect(uri, name)) as catalog:
        projects = catalog.projects()
    kind = "configured server" if settings.catalog.uri else "embedded MongoDB"
    yield Finding("catalogue", "ok", f"{kind}, {len(projects)} projects")
    yield from _named_projects(settings, projects)


def _named_projects(settings: Settings, arrived: list[str]) -> Iterator[Finding]:
    """Check that videos have arrived of the projects in pipeline.yaml, once any have arrived."""
    for project, name in settings.projects.items() if arrived else ():
        subject = f"project {name}"
        its_id = "" if project == name else f"; its id is {project}"
        if project in arrived:
            yield Finding(subject, "ok", f"named in pipeline.yaml{its_id}")
        else:
            found = f"named in pipeline.yaml, but no video of it has arrived{its_id}"
            remedy = f"If its name is wrong, correct it. {nearest(name, arrived)}"
            yield Finding(subject, "warning", found, remedy)


def providers(settings: Settings) -> Iterator[Finding]:
    """Check the variables, libraries and models of each provider."""
    for name, entry in settings.providers.items():
        subject = f"provider {name}"
        if entry.missing:
            unset = ", ".join(entry.missing)
            remedy = f"Set {unset}. Until then this provider is not used."
            yield Finding(subject, "warning", f"not set: {unset}", remedy)
        elif entry.absent:
            remedy = f"Run: {plugin_of(entry).install or 'pip install ' + ' '.join(entry.absent)}"
            found = f"not installed: {', '.join(entry.absent)}; this provider is not used"
            yield Finding(subject, "warning", found, remedy)
        else:
            yield _provider(subject, entry)


def _provider(subject: str, entry: ProviderEntry) -> Finding:
    try:
        plugin = registry.create(entry.plugin, entry.values)
        plugin.check()
    except PipelineError as error:
        return Finding(subject, "missing", error.what, error.remedy)
    except Exception as error:  # noqa: BLE001 - a plugin of another author may raise anything
        found = f"the plugin {entry.plugin} crashed: {type(error).__name__}: {error}"
        remedy = "Report it to the plugin's author, or remove the entry from pipeline.yaml."
        return Finding(subject, "missing", found, remedy)
    return Finding(subject, "ok", " ".join(filter(None, (entry.plugin, plugin.model))))


def run_queue(settings: Settings) -> Iterator[Finding]:
    """Check that dagster.yaml keeps held runs in the queue."""
    file = settings.project_file("dagster.yaml")
    settings.project_file("workspace.yaml")
    try:
        written = YAML(typ="safe", pure=True).load(file.read_text("utf-8"))
    except (YAMLError, UnicodeDecodeError) as error:
        remedy = "Correct it, or copy dagster.yaml from the checkout."
        reason = str(error).splitlines()[-1].strip()
        yield Finding("run queue", "missing", f"{file} is not YAML: {reason}", remedy)
        return
    if _HELD_LIMIT not in list(_limits(written)):
        remedy = "Copy the entry video_pipeline/held from the dagster.yaml of the checkout."
        found = f"{file}: no tag limit for held runs, so they would start at once"
        yield Finding("run queue", "missing", found, remedy)
    else:
        yield Finding("run queue", "ok", str(file))


def _limits(written: object) -> Iterator[object]:
    """Yield every tag limit, wherever the file has them."""
    if isinstance(written, dict):
        for key, value in written.items():
            if key == "tag_concurrency_limits" and isinstance(value, list):
                yield from value
            yield from _limits(value)


def definitions(settings: Settings) -> Iterator[Finding]:
    """Check that the running Dagster has loaded every provider."""
    url = running_url(settings)
    loaded = loaded_resources(url) if url else None
    if loaded is None:
        return
    new = [name for name in settings.providers if not _resource_keys(name) & loaded]
    if new:
        remedy = f"Reload the definitions at {url}/deployment/locations"
        found = f"not loaded by Dagster yet: {', '.join(new)}"
        yield Finding("definitions", "warning", found, remedy)
    else:
        yield Finding("definitions", "ok", f"{url} has loaded every provider")


def _resource_keys(name: str) -> set[str]:
    """Return the names that the resource of a provider may have."""
    key = re.sub(r"\W", "_", name, flags=re.ASCII)
    return {key, f"_{key}"}


def port(number: int) -> Finding:
    """Check that a port is free."""
    try:
        port_to_use(number)
    except ConfigurationError as error:
        return Finding("port", "missing", error.what, error.remedy)
    return Finding("port", "ok", f"{number} is free")


def daemons(settings: Settings) -> Iterator[Finding]:
    """Warn when several processes on this machine are daemons of this Dagster home."""
    home = str(settings.dagster_home)
    pids = sorted(process.pid for process in psutil.process_iter() if _is_daemon(process, home))
    if len(pids) > 1:
        found = f"{len(pids)} daemons run in {home}: processes {', '.join(map(str, pids))}"
        remedy = "Stop all but one. They check jobs twice, though nothing is paid twice."
        yield Finding("daemon", "warning", found, remedy)
    elif pids:
        yield Finding("daemon", "ok", f"process {pids[0]}")


def _is_daemon(process: psutil.Process, home: str) -> bool:
    try:
        words = process.cmdline()
        named = any("dagster-daemon" in word or "dagster._daemon" in word for word in words)
        return named and "run" in words and process.environ().get("DAGSTER_HOME") == home
    except psutil.Error:  # it has ended, or belongs to another user
        return False


# The checks that need a valid pipeline.yaml, in order.
OF_SETTINGS: dict[str, Check] = {
    "state folder": state_folder,
    "stores": stores,
    "catalogue": catalogue,
    "providers": providers,
    "run queue": run_queue,
    "definitions": definitions,
    "daemon": daemons,
}
