"""Reads the stores and server addresses from pipeline.yaml and the environment."""

from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr, ValidationError

from video_pipeline.domain.naming.layout import Layout
from video_pipeline.settings.document import Document
from video_pipeline.settings.form import CatalogForm, PlaceForm, Reference, S3Form, StorageForm
from video_pipeline.settings.model import CatalogAddress, Notifications, Place, Storage
from video_pipeline.settings.problems import Problem, raise_for
from video_pipeline.storage.s3.options import S3Options

MONGODB = "MONGODB_URI"
INGEST_BUCKET = "S3_BUCKET"
OUTPUT_BUCKET = "S3_OUTPUT_BUCKET"
_LAYOUT = ("storage", "ingest", "layout")
_NOTIFICATIONS_NEED_BUCKET = Problem(
    keys=("storage", "ingest", "notifications"),
    what="notifications need an ingest bucket",
    remedy=f"Set storage.ingest.bucket or {INGEST_BUCKET}, or remove the notifications.",
)
_SHARED = "ingest and outputs share the {} {}, and removals delete outputs"
_SEPARATE = f"Choose another one in storage.outputs or {OUTPUT_BUCKET}."


def read_storage(
    document: Document, form: StorageForm, home: Path, environ: Mapping[str, str]
) -> Storage:
    """Read the stores. The environment overrides the file. Raises ConfigurationError."""

    def store(written: PlaceForm, variable: str, default: str) -> Place:
        named = written.folder and document.file.parent / Path(written.folder).expanduser()
        folder = named.absolute() if named else home / default
        return Place(folder=folder, bucket=environ.get(variable) or written.bucket)

    variables = {
        name: reference.env
        for name in S3Form.model_fields
        if isinstance(reference := getattr(form.s3, name), Reference)
    }
    secrets = {name: environ.get(variable) or None for name, variable in variables.items()}
    plain = form.s3.model_dump(exclude=set(variables))
    ingest, queue = store(form.ingest, INGEST_BUCKET, "ingest"), form.ingest.notifications
    if queue and not ingest.bucket:
        raise_for(document, [_NOTIFICATIONS_NEED_BUCKET])
    outputs = store(form.outputs, OUTPUT_BUCKET, "outputs")
    if shared := _shared(ingest, outputs):
        raise_for(document, [shared])
    return Storage(
        ingest=ingest,
        notifications=Notifications(**dict(queue)) if queue else None,
        outputs=outputs,
        layout=_layout(document, form.ingest.layout),
        s3=S3Options.model_validate({**plain, **secrets}),
        s3_variables=variables,
        scratch_bytes=form.scratch_bytes,
    )


def read_address(
    document: Document, form: CatalogForm, environ: Mapping[str, str]
) -> CatalogAddress:
    """Read the catalogue's address. MONGODB_URI overrides the file. Raises ConfigurationError."""
    uri, written = environ.get(MONGODB), form.uri
    if not uri and isinstance(written, Reference):
        uri = environ.get(written.env)
    elif not uri and isinstance(written, str):
        uri = written
        if urlsplit(uri).password:
            what = "the address holds a password"
            remedy = f"Put the address into {MONGODB}, or into a variable: {{env: NAME}}."
            raise_for(document, [Problem(keys=("catalog", "uri"), what=what, remedy=remedy)])
    return CatalogAddress(uri=SecretStr(uri) if uri else None, database=form.database)


def read_webserver(
    document: Document,
    written: str | Reference | None,
    variable: str | None,
    environ: Mapping[str, str],
) -> str | None:
    """Read the webserver's address. `variable` overrides the file. Raises ConfigurationError."""
    in_file = environ.get(written.env) if isinstance(written, Reference) else written
    url = variable or in_file or None
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
        problem = Problem(
            keys=("webserver",),
            what="the address holds a password" if parts.password else "this is no web address",
            remedy="Write it as http://HOST:PORT. Restrict access to it in the network.",
        )
        raise_for(document, [problem])
    return url.rstrip("/")


def _shared(ingest: Place, outputs: Place) -> Problem | None:
    """Return a problem if one store lies in the other: their keys begin alike."""
    keys = ("storage", "outputs")
    if ingest.bucket or outputs.bucket:
        if ingest.bucket != outputs.bucket:
            return None
        what = _SHARED.format("bucket", repr(ingest.bucket))
        return Problem(keys=keys, what=what, remedy=_SEPARATE)
    one, other = ingest.folder.resolve(), outputs.folder.resolve()
    if not (one.is_relative_to(other) or other.is_relative_to(one)):
        return None
    what = _SHARED.format("folder", f"{str(outputs.folder)!r} or a part of it")
    return Problem(keys=keys, what=what, remedy=_SEPARATE)


def _layout(document: Document, pattern: str) -> Layout:
    try:
        return Layout(pattern=pattern)
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        remedy = "Write a pattern such as `(?P<project>[^/]+)/(?P<video>[^/]+)/[^/]+`."
        raise_for(document, [Problem(keys=_LAYOUT, what=what, remedy=remedy)])
        raise
