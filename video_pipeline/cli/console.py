"""The consoles that commands print to, and how errors are printed."""

from rich.console import Console
from rich.markup import escape

from video_pipeline.domain.errors import PipelineError

out = Console(highlight=False)
# For tables: ids and names are there to be copied, so no terminal width truncates them.
wide = Console(highlight=False, width=500)
err = Console(stderr=True, highlight=False)


def print_error(error: PipelineError) -> None:
    """Print what happened, where, and what to do, without a traceback."""
    rows = [("error", error.what), ("where", error.where), ("remedy", error.remedy)]
    for title, text in rows:
        if text:
            err.print(f"[bold red]{title:<6}[/]  {escape(text)}", soft_wrap=True)
