"""What `doctor` says of the optional parts: which of them are installed whole."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution, requires

from packaging.requirements import Requirement

from video_pipeline.cli.doctor.finding import Finding

EXTRAS = {
    "ui": "Dagster's web interface",
    "shots": "finding shots",
    "speech": "finding words, and its models",
    "embedded": "a MongoDB to try with",
    "samples": "more videos for the demo",
}


def extras() -> Iterator[Finding]:
    """A finding for each extra that lacks a library here."""
    for extra, purpose in EXTRAS.items():
        absent = [name for name in _needed(extra) if not _is_installed(name)]
        if absent:
            remedy = f"For {purpose}, run: pip install 'video-pipeline[{extra}]'"
            yield Finding(f"extra {extra}", "warning", f"absent: {', '.join(absent)}", remedy)
        else:
            yield Finding(f"extra {extra}", "ok", purpose)


def _needed(extra: str) -> list[str]:
    """The distributions that an extra adds on this machine."""
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
