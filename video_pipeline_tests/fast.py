"""`pytest --fast`: only the tests that start no server, process or model, with fewer examples.

A test is left out if its module, or the module of a fixture that it uses, can start one: because
it imports one of `STARTERS`, itself or through other modules of tests. There is no list to keep:
a test that slips through fails as soon as it starts a process or listens.
"""

import functools
import os
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]
STARTERS = (
    "subprocess",
    "multiprocessing",
    "http.server",
    "faster_whisper",
    r"video_pipeline\.catalog\.server",
    r"video_pipeline\.cli\.server\.processes",
    r"video_pipeline\.media\.child_reader",
    r"video_pipeline\.providers\.local\.(?:speech|shots)",
    r"video_pipeline\.testing",
    r"video_pipeline_tests\.servers",
)
STARTING = re.compile(rf"^(?:from|import) (?:{'|'.join(STARTERS)})\b", re.MULTILINE)
OF_TESTS = re.compile(r"^from (video_pipeline_tests[\w.]*) import (\w+)", re.MULTILINE)
REFUSED = ("subprocess.Popen", "os.fork", "os.posix_spawn", "socket.bind")

_left_out: Counter[str] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only the tests that start no server")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--fast"):
        settings.register_profile("fast", settings(), max_examples=25)
        settings.load_profile("fast")
        sys.addaudithook(_refuse_servers)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if not config.getoption("--fast"):
        return
    left_out = [item for item in items if _may_start_a_server(item)]
    _left_out.update(item.path.relative_to(ROOT).parts[1] for item in left_out)
    config.hook.pytest_deselected(items=left_out)
    items[:] = [item for item in items if item not in set(left_out)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = dict(_left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take the counts of a worker of xdist, which are the same for each."""
    _left_out.clear()
    _left_out.update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if config.getoption("--fast"):
        rooms = ", ".join(f"{count} in {room}" for room, count in sorted(_left_out.items()))
        terminalreporter.section(f"left out by --fast: {_left_out.total()} tests")
        terminalreporter.write_line(f"They may start servers, processes or models: {rooms}")


def _may_start_a_server(item: pytest.Item) -> bool:
    assert isinstance(item, pytest.Function)
    fixtures = item._fixtureinfo.name2fixturedefs.values()  # pyright: ignore[reportPrivateUsage]
    modules = {definition.func.__module__ for found in fixtures for definition in found}
    return any(_can_start(name) for name in modules | {vars(item.module)["__name__"]})


@functools.cache
def _can_start(module: str) -> bool:
    """Return whether a module of tests imports one of STARTERS, itself or through others."""
    path = ROOT / module.replace(".", "/")
    file = path.with_suffix(".py") if path.with_suffix(".py").exists() else path / "__init__.py"
    if not module.startswith("video_pipeline_tests") or not file.exists():
        return False
    text = file.read_text()
    imported = {name for found in OF_TESTS.findall(text) for name in (found[0], ".".join(found))}
    return bool(STARTING.search(text)) or any(map(_can_start, imported))


def _refuse_servers(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse what starts a process or listens, while a test runs."""
    if event in REFUSED and "PYTEST_CURRENT_TEST" in os.environ:
        raise RuntimeError(f"--fast runs no test that starts a process: {event} {arguments!r:.99}")
