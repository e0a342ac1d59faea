"""What the installed Dagster does, and what the package uses of it beyond its public names."""

import re
from pathlib import Path

import dagster as dg

import video_pipeline

# The status in 1.13.27: its definition, its place in the event log, and two checks of runs that
# have it. None of them suspends a run.
_KNOWN = {
    "_core/events/__init__.py",
    "_core/event_api.py",
    "_core/storage/dagster_run.py",
    "_daemon/monitoring/run_monitoring.py",
}
_PRIVATE_IMPORT = re.compile(r"^\s*(?:from|import) dagster\._")


def test_dagster_suspends_no_runs() -> None:
    package = Path(dg.__file__).parent
    sources = {
        path.relative_to(package).as_posix(): path.read_text() for path in package.rglob("*.py")
    }
    users = {
        name
        for name, text in sources.items()
        if re.search(r"(?<!def )\bjob_suspended\(", text)
        or ("SUSPENDED" in text and name not in _KNOWN)
    }
    assert not users, (
        f"Dagster {dg.__version__} uses the status SUSPENDED in {sorted(users)}. Held runs may "
        "become suspended runs: see video_pipeline/defs/parked/held_runs.py. If they can not, add "
        "the files to _KNOWN."
    )
    assert sources.keys() >= _KNOWN, "the status has moved: search for SUSPENDED again"


def test_private_imports_say_why() -> None:
    package = Path(video_pipeline.__file__).parent
    unexplained = list[str]()
    for path in sorted(package.rglob("*.py")):
        comment = ""
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if line.lstrip().startswith("#"):
                comment += line
            elif not _PRIVATE_IMPORT.match(line):
                comment = ""
            elif not re.search(r"dagster \d+\.\d+\.\d+.* Ends when ", comment):
                unexplained.append(f"{path.relative_to(package)}:{number}")
    assert not unexplained, (
        "Write above a private import of Dagster what it is for, the version it was verified with, "
        "and when it ends."
    )
