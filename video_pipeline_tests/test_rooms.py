"""The shape of the package: few files a room, files that can be read, none lost in the wheel."""

import ast
from pathlib import Path

import pytest

import video_pipeline

PACKAGE = Path(video_pipeline.__file__).parent
ROOMS = sorted({file.parent for file in PACKAGE.rglob("*.py")})
MOST_FILES = 14
MOST_LINES = 400
LONGEST_TEST_NAME = 60
# Use cases, and what puts their parts together.
MOST_WITH_SERVICES = 60


def _name(path: Path) -> str:
    return str(path.relative_to(PACKAGE.parent))


@pytest.mark.parametrize("room", ROOMS, ids=_name)
def test_room_says_what_belongs_there(room: Path) -> None:
    # setuptools packs only folders with an `__init__.py`: without one a room is lost in the wheel.
    assert (room / "__init__.py").is_file()
    assert ast.get_docstring(ast.parse((room / "__init__.py").read_text()))


@pytest.mark.parametrize("room", ROOMS, ids=_name)
def test_room_has_few_files(room: Path) -> None:
    assert len(list(room.glob("*.py"))) <= MOST_FILES


def test_no_file_is_too_long_to_read() -> None:
    sizes = {_name(file): len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    assert {name: lines for name, lines in sizes.items() if lines > MOST_LINES} == {}


def test_test_names_are_short() -> None:
    names = {
        node.name
        for file in Path(__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert {name for name in names if len(name) > LONGEST_TEST_NAME} == set()


def test_few_functions_take_all_services() -> None:
    found = [
        f"{_name(file)}: {node.name}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.FunctionDef) and _first(node) == "services"
    ]
    assert len(found) <= MOST_WITH_SERVICES, "let them take what they need"


def _first(function: ast.FunctionDef) -> str:
    """Return the first parameter's name, except `self`."""
    names = [one.arg for one in (*function.args.posonlyargs, *function.args.args)]
    return next((name for name in names if name != "self"), "")
