"""Make docs/try.svg from what `video-pipeline try` prints for a sample.

Run it as `.venv/bin/python docs/make_picture.py`, after a change to that output.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

import video_pipeline.samples

SAMPLE = Path(video_pipeline.samples.__file__).with_name("slide-talk.mp4")
PICTURE = Path(__file__).with_name("try.svg")
COLUMNS = 112
HIDDEN_CURSOR = re.compile(r"\x1b\[\?25[hl]")
# Rich's own template loads a font from the web.
TEMPLATE = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">
<style>
.{unique_id}-matrix {{ font-family: monospace; font-size: {char_height}px;
  line-height: {line_height}px; }}
{styles}
</style>
<defs>{lines}</defs>
<rect fill="#0c0c14" width="100%" height="100%" rx="8"/>
<g transform="translate({terminal_x}, {terminal_y})">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="picture-") as home:
        tried = subprocess.run(
            [sys.executable, "-m", "video_pipeline.cli.main", "try", str(SAMPLE)],
            env={
                **os.environ,
                "COLUMNS": str(COLUMNS),
                "FORCE_COLOR": "1",
                "TTY_INTERACTIVE": "0",
                "VIDEO_PIPELINE_HOME": home,
            },
            cwd=PICTURE.parents[1],
            stdout=subprocess.PIPE,
            text=True,
            check=True,
        )
        printed = tried.stdout.replace(home, "~/.video-pipeline")
    with open(os.devnull, "w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere)
        console.print("$ ./run try slide-talk.mp4", style="bold")
        console.print(Text.from_ansi(HIDDEN_CURSOR.sub("", printed).rstrip()))
    PICTURE.write_text(console.export_svg(code_format=TEMPLATE, unique_id="try"))


if __name__ == "__main__":
    main()
