"""Where the commands write, and how an error is told to a person."""

from rich.console import Console
from rich.markup import escape

from video_pipeline.domain.errors import PipelineError

out = Console(highlight=False)
whole = Console(highlight=False, width=500)
"""For tables as wide as their text: ids and names are there to be copied, not to be cut short."""
err = Console(stderr=True, highlight=False)


def say_error(error: PipelineError) -> None:
    """What happened, where, and what mends it; no traceback."""
    rows = [("error", error.what), ("where", error.where), ("remedy", error.remedy)]
    for title, text in rows:
        if text:
            err.print(f"[bold red]{title:<6}[/]  {escape(text)}", soft_wrap=True)
