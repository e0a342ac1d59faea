"""The last valid pipeline.yaml: where it is kept, and when it is used."""

from pathlib import Path

import pytest

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.settings import load_and_keep, load_running, load_settings

PROVIDERS = "providers: {cuts: {plugin: pyscenedetect, options: {threshold: {env: A_VARIABLE}}}}\n"
BROKEN = [
    pytest.param(b"phases: [", "line 1: the file is not YAML", id="no YAML"),
    pytest.param(b"phases: {shotz: cuts}", "Did you mean 'shots'?", id="unknown key"),
    pytest.param(b"phases: {shots: cats}", "unknown provider 'cats'", id="unknown provider"),
    pytest.param(b"\xff\xfe", "not UTF-8", id="no text"),
    pytest.param(b"", "no mapping", id="empty, as while it is saved"),
    pytest.param(None, "cannot be read", id="deleted"),
]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "pipeline.yaml"


def damage(file: Path, written: bytes | None) -> None:
    if written is None:
        file.unlink()
    else:
        file.write_bytes(written)


@pytest.mark.parametrize(("written", "told"), BROKEN)
@pytest.mark.parametrize("home", ["", "home: 'st ate'  # not here\n"])
def test_broken_file_is_replaced_by_last_good(
    file: Path, written: bytes | None, told: str, home: str
) -> None:
    file.write_text(home + PROVIDERS + "storage: {outputs: {folder: out}}\n")
    good = load_and_keep(file, {"A_VARIABLE": "4.5"}).settings
    assert good.storage.outputs.folder == file.parent / "out"
    damage(file, written)
    running = load_running(file, {"A_VARIABLE": "4.5"})
    assert running.settings == good
    assert str(running.problem).startswith(f"{file}") and told in str(running.problem)
    with pytest.raises(ConfigurationError):
        load_settings(file, {})


def test_another_process_finds_the_home_in_a_broken_file(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(f'{PROVIDERS}home: "st ate" # here\n')
    good = load_and_keep(file, {}).settings
    assert good.home == file.parent / "st ate"
    monkeypatch.setattr("video_pipeline.settings.last_good._homes", {})
    file.write_text(file.read_text() + "phases: [")
    assert load_running(file, {}).settings == good


def test_copy_holds_names_of_variables_only(file: Path, tmp_path: Path) -> None:
    file.write_text(PROVIDERS)
    load_and_keep(file, {"A_VARIABLE": "4.5", "VIDEO_PIPELINE_HOME": "state"})
    (copy,) = (tmp_path / "state" / "last-good").iterdir()
    assert copy.read_text() == PROVIDERS


def test_copy_is_written_only_when_it_differs(file: Path, tmp_path: Path) -> None:
    def kept() -> tuple[str, int]:
        (copy,) = (tmp_path / ".video-pipeline" / "last-good").iterdir()
        return copy.read_text(), copy.stat().st_ino

    file.write_text(PROVIDERS)
    load_and_keep(file, {})
    before = kept()
    load_and_keep(file, {})
    assert kept() == before
    file.write_text("phases: [")
    load_and_keep(file, {})
    assert kept() == before
    file.write_text("{}")
    load_and_keep(file, {})
    assert kept()[0] == "{}"


def test_last_good_of_another_file_is_not_used(file: Path, tmp_path: Path) -> None:
    environ = {"VIDEO_PIPELINE_HOME": str(tmp_path / "state")}
    file.write_text(PROVIDERS)
    load_and_keep(file, environ)
    other = tmp_path / "other" / "pipeline.yaml"
    other.parent.mkdir()
    other.write_text("phases: [")
    with pytest.raises(ConfigurationError, match="not YAML"):
        load_running(other, environ)


def test_unwritable_state_folder_is_only_logged(
    file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("{}")
    assert not load_and_keep(file, {"VIDEO_PIPELINE_HOME": "/proc/self/state"}).problem
    assert "cannot be written" in caplog.text
