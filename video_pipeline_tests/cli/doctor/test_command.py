"""`doctor`: what is reported as missing, with which remedy."""

import json
import socket
from pathlib import Path
from types import SimpleNamespace

import pytest

from video_pipeline.cli.doctor import checks
from video_pipeline.domain.naming.identity import VideoKey, project_id_for
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.services import Services, now_utc
from video_pipeline.providers.local.shots.pyscenedetect import PySceneDetectPlugin
from video_pipeline.settings import load_and_keep


def test_doctor_reports_ok_when_nothing_is_missing(call) -> None:
    ended = call("doctor")
    assert ended.exit_code == 0, ended.output
    for subject in ("python", "configuration", "disk", "catalogue", "provider cuts", "run queue"):
        assert subject in ended.output
    assert "missing" not in ended.output


def test_unset_variable_is_only_a_warning(call, config: Path) -> None:
    options = "{plugin: pyscenedetect, options: {threshold: {env: NO_SUCH_VARIABLE}}}"
    config.write_text(config.read_text().replace("providers:", f"providers:\n  other: {options}"))
    ended = call("doctor")
    assert ended.exit_code == 0, ended.output
    assert "NO_SUCH_VARIABLE" in ended.output and "warning" in ended.output


def test_invalid_configuration_is_reported_with_its_key(call, config: Path) -> None:
    config.write_text(config.read_text().replace("shots:", "shotz:"))
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 1
    assert "shotz" in ended.output and "Did you mean 'shots'?" in ended.output


def test_broken_file_is_missing_and_last_good_checked(call, config: Path) -> None:
    load_and_keep(config)
    config.write_text("providers: [")
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 1
    assert "line 1: the file is not YAML" in ended.output
    assert "Until then, Dagster uses its last valid version" in ended.output
    assert "provider cuts" in ended.output
    assert call("status").exit_code == 1, "a person is there to mend it"


def test_project_without_videos_is_a_warning_with_its_id(
    call, config: Path, services: Services
) -> None:
    written = config.read_text()
    config.write_text(written + "projects: {acme: {}, acmee: {}, Grüße AG: {}}\n")
    assert "acmee" not in call("doctor", env={"COLUMNS": "300"}).output, "nothing has arrived yet"
    for project in ("acme", project_id_for("Grüße AG")):
        key = VideoKey(project=project, video="one")
        source = Source(key=key, object_key=key.prefix + "v", name="one", version="1", size=5)
        services.of(project).videos.register(source, now_utc())
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 0, ended.output
    rows = {line.split("\t")[0]: line for line in ended.output.splitlines()}
    assert "ok" in rows["project acme"] and "its id" not in rows["project acme"]
    assert f"its id is {project_id_for('Grüße AG')}" in rows["project Grüße AG"]
    assert "warning" in rows["project acmee"] and "Did you mean 'acme'?" in rows["project acmee"]


def test_unreachable_catalogue_is_missing(
    call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = str(tmp_path / "no.sock").replace("/", "%2F")
    monkeypatch.setenv("MONGODB_URI", f"mongodb://{path}/?serverSelectionTimeoutMS=100")
    ended = call("doctor")
    assert ended.exit_code == 1
    assert "catalogue" in ended.output and "missing" in ended.output


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (b"run_coordinator: {}\n", "no tag limit for held runs"),
        (
            b"run_coordinator:\n  config:\n    tag_concurrency_limits:\n",
            "no tag limit for held runs",
        ),
        (b"", "no tag limit for held runs"),
        (b"run_coordinator: [\n", "is not YAML"),
        (b"\xff\xfe", "is not YAML"),
    ],
)
def test_run_queue_without_limit_for_held_runs_is_missing(
    call, config: Path, written: bytes, told: str
) -> None:
    (config.parent / "dagster.yaml").write_bytes(written)
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 1
    assert told in ended.output


@pytest.mark.parametrize("left", ["", "{", "[]", json.dumps({"url": "http://127.0.0.1:1"})])
def test_leftovers_of_an_ended_deployment_are_ignored(call, tmp_path: Path, left: str) -> None:
    (tmp_path / "home" / "dagster").mkdir(parents=True)
    (tmp_path / "home" / "dagster" / "in-use").write_text(left)
    ended = call("doctor")
    assert ended.exit_code == 0, ended.output


def test_missing_library_of_an_extra_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_is_installed", lambda name: name != "faster-whisper")
    found = {one.subject: one for one in checks.extras()}
    assert found["extra speech"].level == "warning"
    assert "faster-whisper" in found["extra speech"].detail
    assert "video-pipeline[speech]" in found["extra speech"].remedy
    assert found["extra shots"].level == "ok"


def test_missing_library_of_a_provider_is_a_warning(call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PySceneDetectPlugin, "libraries", ("no_such_library",))
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 0, ended.output
    assert "not installed: no_such_library" in ended.output
    assert "pip install" in ended.output


def test_unwritable_outputs_are_missing(call, config: Path, tmp_path: Path) -> None:
    # Not even root may write there.
    config.write_text(config.read_text() + "storage: {outputs: {folder: /proc/self}}\n")
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 1
    assert "outputs" in ended.output and "/proc/self" in ended.output


def test_little_space_for_outputs_is_reported(
    call, config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(config.read_text() + "storage: {outputs: {folder: small}}\n")

    def disk_usage(folder: Path) -> SimpleNamespace:
        return SimpleNamespace(free=1 << 20 if folder == tmp_path / "small" else 1 << 40)

    monkeypatch.setattr(checks.shutil, "disk_usage", disk_usage)
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 1
    (row,) = (line for line in ended.output.splitlines() if "outputs disk" in line)
    assert "missing" in row and "0.0 GiB free" in row and "storage.outputs" in row


def test_doctor_leaves_no_object_in_the_outputs(call, tmp_path: Path) -> None:
    assert call("doctor").exit_code == 0
    left = (tmp_path / "home" / "outputs").rglob("*doctor*")
    assert list(left) == []


def test_unwritable_state_folder_is_missing(call) -> None:
    ended = call("doctor", env={"VIDEO_PIPELINE_HOME": "/proc/self/state", "COLUMNS": "300"})
    assert ended.exit_code == 1
    assert "state folder" in ended.output and "/proc/self/state" in ended.output


def test_state_folder_that_is_a_file_is_missing(call, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    ended = call("doctor", env={"COLUMNS": "300"})
    assert ended.exit_code == 1
    assert "VIDEO_PIPELINE_HOME" in ended.output


def test_port_in_use_is_missing(call) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = call("doctor", "--port", str(taken.getsockname()[1]))
    assert ended.exit_code == 1
    assert "port" in ended.output and "missing" in ended.output


@pytest.mark.parametrize("command", ["up", "demo"])
def test_up_and_demo_start_nothing_for_a_port_in_use(call, command: str, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        number = taken.getsockname()[1]
        ended = call(command, "--port", str(number))
    assert ended.exit_code == 1
    assert f"port {number} cannot be used" in ended.output and "--port" in ended.output
    assert not (tmp_path / "home" / "logs").exists()
