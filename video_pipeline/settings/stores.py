"""Where objects lie and how buckets are reached, from pipeline.yaml and the environment."""

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
_A_BUCKET_TELLS = Problem(
    keys=("storage", "ingest", "notifications"),
    what="only a bucket tells of its objects",
    remedy=f"Name one under storage.ingest.bucket or in {INGEST_BUCKET}, or remove this.",
)
_TOGETHER = "videos may not arrive in the {} where results are published, {}: removals delete there"
_APART = f"Name another under storage.outputs, or in {OUTPUT_BUCKET}."


def read_storage(
    document: Document, form: StorageForm, home: Path, environ: Mapping[str, str]
) -> Storage:
    """The stores, the environment before the file. Raises ConfigurationError."""

    def place(written: PlaceForm, variable: str, default: str) -> Place:
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
    ingest, told = place(form.ingest, INGEST_BUCKET, "ingest"), form.ingest.notifications
    if told and not ingest.bucket:
        raise_for(document, [_A_BUCKET_TELLS])
    outputs = place(form.outputs, OUTPUT_BUCKET, "outputs")
    if together := _together(ingest, outputs):
        raise_for(document, [together])
    return Storage(
        ingest=ingest,
        notifications=Notifications(**dict(told)) if told else None,
        outputs=outputs,
        layout=_layout(document, form.ingest.layout),
        s3=S3Options.model_validate({**plain, **secrets}),
        s3_variables=variables,
        scratch_bytes=form.scratch_bytes,
    )


def read_address(
    document: Document, form: CatalogForm, environ: Mapping[str, str]
) -> CatalogAddress:
    """The address from the environment, else from the file. Raises ConfigurationError."""
    uri = environ.get(MONGODB) or _written(document, form.uri, environ)
    return CatalogAddress(uri=SecretStr(uri) if uri else None, database=form.database)


def read_webserver(
    document: Document,
    written: str | Reference | None,
    variable: str | None,
    environ: Mapping[str, str],
) -> str | None:
    """The webserver's address: the variable's, else the file's. Raises ConfigurationError."""
    in_file = environ.get(written.env) if isinstance(written, Reference) else written
    url = variable or in_file or None
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.password:
        problem = Problem(
            keys=("webserver",),
            what="this is no address of a webserver" if not parts.password else "it has a password",
            remedy="Write it as http://HOST:PORT; who may launch runs is the network's to say.",
        )
        raise_for(document, [problem])
    return url.rstrip("/")


def _written(
    document: Document, uri: str | Reference | None, environ: Mapping[str, str]
) -> str | None:
    if isinstance(uri, Reference):
        return environ.get(uri.env) or None
    if uri and urlsplit(uri).password:
        remedy = f"Put it into the variable {MONGODB}, or write {{env: NAME}}."
        problem = Problem(
            keys=("catalog", "uri"), what="the address holds a password", remedy=remedy
        )
        raise_for(document, [problem])
    return uri


def _together(ingest: Place, outputs: Place) -> Problem | None:
    """Keys of both sides begin alike, so that neither may lie in the other."""
    keys = ("storage", "outputs")
    if ingest.bucket or outputs.bucket:
        if ingest.bucket != outputs.bucket:
            return None
        what = _TOGETHER.format("bucket", repr(ingest.bucket))
        return Problem(keys=keys, what=what, remedy=_APART)
    one, other = ingest.folder.resolve(), outputs.folder.resolve()
    if not (one.is_relative_to(other) or other.is_relative_to(one)):
        return None
    what = _TOGETHER.format("folder", f"or above or below it, {str(outputs.folder)!r}")
    return Problem(keys=keys, what=what, remedy=_APART)


def _layout(document: Document, pattern: str) -> Layout:
    try:
        return Layout(pattern=pattern)
    except ValidationError as error:
        what = error.errors()[0]["msg"].removeprefix("Value error, ")
        remedy = "Write one such as `(?P<project>[^/]+)/(?P<video>[^/]+)/[^/]+`."
        raise_for(document, [Problem(keys=_LAYOUT, what=what, remedy=remedy)])
        raise
