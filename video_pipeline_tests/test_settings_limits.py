"""Limits of paid minutes a day in pipeline.yaml."""

from pathlib import Path

import pytest

from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.pipeline.policies import Limits
from video_pipeline.plugins.base import Plugin
from video_pipeline.settings import load_settings
from video_pipeline_tests.doubles.job_plugin import VendorOptions, VendorShots, VendorSpeech

ENTRIES = """
providers:
  wide: {plugin: pyscenedetect, limits: {paid_minutes_per_day: 900}}
  narrow: {plugin: pyscenedetect, limits: {paid_minutes_per_day: 0.5}}
  silent: {plugin: pyscenedetect}
"""


def read(folder: Path, text: str) -> Limits:
    (folder / "pipeline.yaml").write_text(text)
    return load_settings(folder / "pipeline.yaml", {}).limits


def test_limits_have_low_defaults(tmp_path: Path) -> None:
    limits = read(tmp_path, "{}")
    assert limits.of_project("acme") == 60
    assert limits.of_account({}, "any", "account") == 600


def test_project_limit_overrides_the_general_one(tmp_path: Path) -> None:
    text = (
        "limits: {paid_minutes_per_day: 5}\nprojects: {acme: {limits: {paid_minutes_per_day: 0}}}"
    )
    limits = read(tmp_path, text)
    assert (limits.of_project("acme"), limits.of_project("globex")) == (0, 5)


def test_limit_may_be_infinite(tmp_path: Path) -> None:
    assert read(tmp_path, "limits: {paid_minutes_per_day: .inf}").of_project("acme") == float("inf")


def test_smallest_limit_of_an_account_holds(tmp_path: Path) -> None:
    limits = read(tmp_path, ENTRIES)
    shots, speech = VendorShots(VendorOptions(url="u")), VendorSpeech(VendorOptions(url="u"))
    plugins: dict[str, Plugin] = {"wide": shots, "narrow": shots, "silent": shots}
    assert limits.of_account(plugins, shots.name, "local") == 0.5
    assert limits.entry_of_account(plugins, shots.name, "local") == "narrow"
    assert limits.entry_of_account(plugins, shots.name, "another") is None
    assert limits.of_account(plugins, shots.name, "another") == 600
    assert limits.of_account({"wide": shots, "narrow": speech}, shots.name, "local") == 900


@pytest.mark.parametrize(
    ("text", "where", "told"),
    [
        ("limits:\n  paid_minutes_per_day: -1", "line 2", "greater than or equal to 0"),
        ("limits:\n  paid_minutes_per_day: lots", "line 2", "valid number"),
        ("limits:\n  paid_minutes: 5", "line 2", "paid_minutes_per_day"),
        (
            "projects:\n  acme:\n    limits:\n      paid_minutes_per_day: .nan",
            "line 4",
            "greater than or equal to 0",
        ),
        (
            "providers:\n  p:\n    plugin: pyscenedetect\n    limits: 5",
            "line 4",
            "valid dictionary",
        ),
    ],
)
def test_invalid_limit_is_reported_with_line_and_remedy(
    tmp_path: Path, text: str, where: str, told: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert where in str(caught.value) and told in str(caught.value)
    assert caught.value.remedy
