"""The consoles that commands print to, and how tables, remarks and errors are printed."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from video_pipeline.domain.errors import PipelineError

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


class _Tables:
    """Prints tables: aligned on a terminal, elsewhere a line a row with a tab between cells.

    Ids and names are there to be copied, so no width truncates them.
    """

    def __init__(self) -> None:
        self._console = Console(highlight=False, width=500)

    def print(self, table: Table) -> None:
        """Print the titles and all rows."""
        if self._console.is_terminal:
            self._console.print(table)
            return
        columns = [[column.header, *column.cells] for column in table.columns]
        for row in zip(*columns, strict=True):
            line = "\t".join(" ".join(Text.from_markup(str(cell)).plain.split()) for cell in row)
            self._console.file.write(f"{line}\n")


wide = _Tables()


def remark(text: str) -> None:
    """Print what is no row of a table: beside the table on a terminal, elsewhere to stderr."""
    (out if out.is_terminal else err).print(text, markup=False, soft_wrap=True)


def print_error(error: PipelineError) -> None:
    """Print what happened, where, and what to do, without a traceback."""
    rows = [("error", error.what), ("where", error.where), ("remedy", error.remedy)]
    for title, text in rows:
        if text:
            err.print(f"[bold red]{title:<6}[/]  {escape(text)}", soft_wrap=True)
