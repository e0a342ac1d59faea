"""Where the catalogue's server is, without letting a password into pipeline.yaml."""

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
