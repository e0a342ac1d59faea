"""The script `run` without a package index, so with a simulated environment."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "run"


@pytest.fixture
def programs(tmp_path: Path) -> Path:
    """A folder with the programs that every POSIX system has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "cat", "cksum", "dirname", "mkdir", "rm"):
        (folder / name).symlink_to(str(shutil.which(name)))
    return folder


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout, as far as the script sees one, with a blank in its path."""
    folder = tmp_path / "a check out"
    folder.mkdir()
    for name in ("run", "requirements.lock", "pyproject.toml"):
        shutil.copy(RUN.parent / name, folder / name)
    return folder


def call(checkout: Path, programs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(checkout / "run"), *arguments],
        env={"PATH": str(programs)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_run_without_arguments_lists_the_commands(checkout: Path, programs: Path) -> None:
    ended = call(checkout, programs)
    assert ended.returncode == 0
    for command in ("demo", "try FILE", "up", "test", "scenario NAME", "doctor"):
        assert command in ended.stdout


def test_run_without_python_names_the_remedy(checkout: Path, programs: Path) -> None:
    ended = call(checkout, programs, "doctor")
    assert ended.returncode == 1
    assert "Python 3.11 or newer is needed; found: none" in ended.stderr


def test_run_reports_a_python_that_is_too_old(checkout: Path, programs: Path) -> None:
    old = programs / "python3"
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.9.2 || exit 1\n')
    old.chmod(0o755)
    ended = call(checkout, programs, "doctor")
    assert ended.returncode == 1
    assert "found: Python 3.9.2" in ended.stderr


def test_run_reports_a_missing_venv_module(checkout: Path, programs: Path) -> None:
    new = programs / "python3"
    new.write_text('#!/bin/sh\n[ "$1" = -m ] && exit 1 || exit 0\n')
    new.chmod(0o755)
    ended = call(checkout, programs, "doctor")
    assert ended.returncode == 1
    assert "apt install python3-venv" in ended.stderr
    assert not (checkout / ".venv" / "made-from").exists()


def test_run_reuses_the_environment_from_any_folder(checkout: Path, programs: Path) -> None:
    python = programs / "python3"
    python.write_text(
        "#!/bin/sh\n"
        f'if [ "$2" = venv ]; then mkdir -p "$4/bin"; cp "{programs}/python3" "$4/bin/python"\n'
        f'printf \'#!/bin/sh\\necho "$@" in $PWD\\n\' >"$4/bin/video-pipeline"\n'
        'chmod +x "$4/bin/video-pipeline"; fi\n'
        f'echo "$@" >>"{programs}/calls"\n'
    )
    python.chmod(0o755)
    for name in ("cp", "chmod"):
        (programs / name).symlink_to(str(shutil.which(name)))
    first, second = call(checkout, programs, "status", "a b"), call(checkout, programs, "up")
    assert (first.stdout, second.stdout) == ("status a b in /\n", "up in /\n")
    made = (programs / "calls").read_text()
    assert made.count("-m venv") == 1
    assert made.count("--require-hashes") == 1


def test_ci_script_passes_its_arguments_on(tmp_path: Path) -> None:
    folder = tmp_path / "checkout"
    (folder / ".ci").mkdir(parents=True)
    shutil.copy(RUN.parent / ".ci" / "run", folder / ".ci" / "run")
    (folder / "run").write_text('#!/bin/sh\necho "$@" media=$VIDEO_PIPELINE_TEST_MEDIA\n')
    (folder / "run").chmod(0o755)
    media = tmp_path / "shared" / "media"
    media.mkdir(parents=True)
    environment = {"PATH": os.environ["PATH"]}
    said = subprocess.run(
        [str(folder / ".ci" / "run"), "-x"], env=environment, capture_output=True, text=True
    )
    assert said.stdout == f"test -x media={media}\n"
