"""Make the home that test_upgrade.py unpacks, by the code of an earlier commit.

    git worktree add /some/where a306670
    python -m video_pipeline_tests.upgrade.make_old_home /some/where

The home, the catalogue and the vendor's books go into one archive. It contains no path of this
machine.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from video_pipeline_tests.scenarios.support.clips import short_clip
from video_pipeline_tests.upgrade.home import ARCHIVE, CONFIGURATION, expose

_PROGRAM = Path(__file__).with_name("program_of_a306670.txt")
_KEYS = (
    *(f"acme/{name}" for name in ("held", "queued", "died", "settled", "failed", "cancelled")),
    *(f"acme/{name}" for name in ("unwanted", "forced", "unfetched", "its-turn", "untaken")),
    "acme/waits",
    *(f"globex/{name}" for name in ("held", "released", "queued", "died")),
    "doubt/video",
)
_KEPT = ("dagster/history", "dagster/schedules", "state/ingest", "state/outputs", "written.json")
# Whole seconds: the archive stores no fractions, and a file's time is part of its version.
_MADE_AT = 1_795_000_000


def make(checkout: Path, archive: Path) -> None:
    """Run the old program with the checkout's code, and pack the files it wrote."""
    with tempfile.TemporaryDirectory(prefix="old-home-") as name:
        folder = Path(name)
        _put_videos(folder / "state" / "ingest")
        (folder / "pipeline.yaml").write_text(CONFIGURATION)
        (folder / "dagster").mkdir()
        shutil.copy(checkout / "dagster.yaml", folder / "dagster")
        program = _installed(folder / "program")
        subprocess.run(
            [sys.executable, str(program), str(folder)],
            check=True,
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join([str(checkout), str(program.parent)]),
                "VIDEO_PIPELINE_CONFIG": str(folder / "pipeline.yaml"),
                "VIDEO_PIPELINE_HOME": str(folder / "state"),
            },
        )
        names = _here(folder, checkout)
        _scrub(folder, names)
        _check(folder, names)
        with tarfile.open(archive, "w:xz", preset=9) as packed:
            for kept in _KEPT:
                packed.add(folder / kept, kept, filter=_without_owner)


def _installed(folder: Path) -> Path:
    """Copy the old program into this folder, install its plugins beside it, and return its path."""
    folder.mkdir()
    program = folder / "old_program.py"
    shutil.copy(_PROGRAM, program)
    expose(folder, shots=f"{program.stem}:Shots", speech=f"{program.stem}:Speech")
    return program


def _put_videos(ingest: Path) -> None:
    for key in _KEYS:
        project, video = key.split("/")
        clip = ingest / "projects" / project / "videos" / video / "clip.mp4"
        clip.parent.mkdir(parents=True)
        short_clip(clip, 1)
        os.utime(clip, (_MADE_AT, _MADE_AT))


def _here(folder: Path, checkout: Path) -> dict[str, str]:
    """Return the paths of this machine, each with its replacement in the archive."""
    python = Path(sys.executable)
    return {
        str(folder): "/old-home",
        str(checkout): "/checkout",
        sys.prefix: "/venv",
        str(python.parent.parent): "/venv",
        sys.base_prefix: "/python",
    }


def _scrub(folder: Path, names: dict[str, str]) -> None:
    """Replace the paths of this machine in Dagster's databases."""
    for file in (folder / "dagster").rglob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            _scrub_database(database, names)
            database.execute("PRAGMA journal_mode = DELETE")
            database.execute("VACUUM")


def _scrub_database(database: sqlite3.Connection, names: dict[str, str]) -> None:
    tables = database.execute("SELECT name FROM sqlite_schema WHERE type = 'table'").fetchall()
    for (table,) in tables:
        for _, column, kind, *_ in database.execute(f'PRAGMA table_info("{table}")').fetchall():
            for name, instead in names.items() if "CHAR" in kind or kind == "TEXT" else ():
                database.execute(
                    f'UPDATE "{table}" SET "{column}" = replace("{column}", ?1, ?2)'
                    f' WHERE instr("{column}", ?1)',
                    (name, instead),
                )
    database.commit()


def _check(folder: Path, names: Iterable[str]) -> None:
    """Raise ValueError if a kept file contains a path of this machine."""
    for kept in _KEPT:
        for file in [folder / kept, *(folder / kept).rglob("*")]:
            told = file.read_bytes() if file.is_file() else b""
            found = [name for name in names if name.encode() in told]
            if found:
                raise ValueError(f"{file} names {found}")


def _without_owner(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


if __name__ == "__main__":
    make(Path(sys.argv[1]).absolute(), ARCHIVE)
