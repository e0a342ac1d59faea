"""Tables fit a pipe: a line a row, whatever its length."""

import pytest
from rich.table import Table

from video_pipeline.cli.console import remark, wide

LONG = "why " * 300


@pytest.fixture
def table() -> Table:
    table = Table("video", "state", "why", box=None)
    table.add_row("acme/one", "[red]failed[/]", f"\\[1] two\nlines, {LONG}")
    table.add_row("acme/two", "dead", "")
    return table


def test_table_in_a_pipe_is_a_line_a_row(table: Table, capsys: pytest.CaptureFixture[str]) -> None:
    wide.print(table)
    titles, first, second = capsys.readouterr().out.splitlines()
    assert titles == "video\tstate\twhy"
    assert first == f"acme/one\tfailed\t[1] two lines, {LONG.strip()}"
    assert second == "acme/two\tdead\t"


def test_table_on_a_terminal_is_aligned(
    table: Table, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    wide.print(table)
    told = capsys.readouterr().out
    assert "acme/one  " in told and "\t" not in told


def test_remark_is_no_line_of_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    remark("nothing [1]")
    assert capsys.readouterr() == ("", "nothing [1]\n")
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    remark("nothing")
    assert capsys.readouterr() == ("nothing\n", "")
