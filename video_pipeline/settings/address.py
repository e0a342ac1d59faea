"""Where the servers are that we use, without letting a password into pipeline.yaml."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pydantic import SecretStr

from video_pipeline.settings.document import Document
from video_pipeline.settings.form import CatalogForm, Reference
from video_pipeline.settings.model import CatalogAddress
from video_pipeline.settings.problems import Problem, raise_for

VARIABLE = "MONGODB_URI"
_KEYS = ("catalog", "uri")


def read_address(
    document: Document, form: CatalogForm, environ: Mapping[str, str]
) -> CatalogAddress:
    """The address from the environment, else from the file. Raises ConfigurationError."""
    uri = environ.get(VARIABLE) or _written(document, form.uri, environ)
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
        remedy = f"Put it into the variable {VARIABLE}, or write {{env: NAME}}."
        problem = Problem(keys=_KEYS, what="the address holds a password", remedy=remedy)
        raise_for(document, [problem])
    return uri
