"""The last pipeline.yaml that was valid: Dagster's processes use it while the file is broken.

The state folder keeps its text as written, so it holds no value of a variable. Its relative paths
start at the folder of pipeline.yaml.
"""

import hashlib
import logging
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings.document import document_of, read_document
from video_pipeline.settings.load import DEFAULT_HOME, HOME, file_of, settings_of
from video_pipeline.settings.model import Settings

_log = logging.getLogger(__name__)
# A broken file may be no YAML, but its line `home:` can still be read.
_HOME_LINE = re.compile(r"""^home:\s*["']?(.+?)["']?\s*(\s#.*)?$""", re.MULTILINE)
# The state folder of each file that this process has loaded.
_homes: dict[Path, Path] = {}


class Running(NamedTuple):
    """The settings that Dagster's processes use, and the text that they were read from."""

    settings: Settings
    text: str
    problem: ConfigurationError | None = None
    """Why pipeline.yaml itself is not used, and what is used instead."""


def load_running(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Running:
    """Read pipeline.yaml as `load_settings` does, or its last good text if it is invalid.

    Raises the file's ConfigurationError if there is no good text.
    """
    environ = os.environ if environ is None else environ
    file = file_of(path, environ)
    try:
        document = read_document(file)
        running = Running(settings_of(document, environ), document.text)
    except ConfigurationError as error:
        last = _last_good(file, environ, error)
        if last is None:
            raise
        return last
    _homes[file] = running.settings.home
    return running


def load_and_keep(path: Path, environ: Mapping[str, str] | None = None) -> Running:
    """Do the same, and keep a valid text for the time when the file is broken."""
    running = load_running(path, environ)
    if not running.problem:
        copy = _copy_of(running.settings.file, running.settings.home)
        try:
            _keep(running.text, copy)
        except OSError as error:
            _log.warning("%s: this copy of pipeline.yaml cannot be written: %s", copy, error)
    return running


def _last_good(file: Path, environ: Mapping[str, str], error: ConfigurationError) -> Running | None:
    copy = _copy_of(file, _home_of(file, environ))
    try:
        text = copy.read_text("utf-8")
        settings = settings_of(document_of(file, text), environ)
    except (OSError, UnicodeDecodeError, ConfigurationError):
        return None
    remedy = f"{error.remedy} Until then, Dagster uses its last valid version: {copy}"
    return Running(settings, text, ConfigurationError(error.what, where=error.where, remedy=remedy))


def _home_of(file: Path, environ: Mapping[str, str]) -> Path:
    """Return the state folder, as far as it is known without a valid file."""
    if not environ.get(HOME) and file in _homes:
        return _homes[file]
    try:
        found = _HOME_LINE.search(file.read_text("utf-8", errors="replace"))
    except OSError:
        found = None
    written = environ.get(HOME) or (found and found[1]) or DEFAULT_HOME
    return (file.parent / Path(written).expanduser()).absolute()


def _copy_of(file: Path, home: Path) -> Path:
    """Return the path of a file's copy. Several files may share a state folder."""
    name = hashlib.sha256(str(file).encode()).hexdigest()[:12]
    return home / "last-good" / f"{file.stem}-{name}.yaml"


def _keep(text: str, copy: Path) -> None:
    """Write the text, atomically and only if it differs. Raises OSError."""
    if copy.is_file() and copy.read_bytes() == text.encode():
        return
    copy.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=copy.parent) as folder:
        written = Path(folder) / copy.name
        written.write_bytes(text.encode())
        written.replace(copy)
