"""Ten minutes of 720p with speech, joined from labelled footage, for benchmarks of whole commands.

The folder of the footage is named by VIDEO_PIPELINE_TEST_MEDIA.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 600
_RATE = 25
_SIZE = "1280:720"
# In this order, again and again, until both are long enough.
_PICTURES = (
    "banana-talk.mp4",
    "big-buck-bunny-30s.webm",
    "bench/shots/popeye-2.mkv",
    "bench/shots/nocut-traffic.mp4",
    "nasa-webb.mp4",
    "bench/shots/bbb-288s.mp4",
    "bench/shots/nocut-handheld.mp4",
)
_SPEECH = (
    "bench/speech/en-austen-0870.wav",
    "bench/speech/en-sonnet-1.mp3",
    "bench/speech/en-austen-0890.wav",
    "bench/speech/en-jfk-city-upon-a-hill.flac",
    "bench/speech/en-austen-0920.wav",
)
_PARTS = 24


def footage() -> Path:
    """Return the folder of the footage. Exits with a message where none is named."""
    named = os.environ.get("VIDEO_PIPELINE_TEST_MEDIA")
    if not named or not Path(named).is_dir():
        sys.exit("Name the folder of the labelled footage: VIDEO_PIPELINE_TEST_MEDIA=FOLDER")
    return Path(named)


def program(name: str) -> str:
    """Return the path of a program. Exits with a message where it is not installed."""
    found = shutil.which(name)
    if found is None:
        sys.exit(f"This benchmark needs {name}: on Debian, `apt install {name}`.")
    return found


def reel(seconds: int = SECONDS) -> Path:
    """Return a reel of so many seconds, made once and kept among the temporary files."""
    recipe = json.dumps([_PICTURES, _SPEECH, _SIZE, _RATE, _PARTS, seconds])
    name = hashlib.sha256(recipe.encode()).hexdigest()[:12]
    made = Path(tempfile.gettempdir()) / f"video-pipeline-reel-{name}.mp4"
    if not made.exists():
        print(f"joining {seconds} s of footage into {made}", file=sys.stderr, flush=True)
        unfinished = made.with_suffix(f".{os.getpid()}.mp4")
        subprocess.run(_command(unfinished, seconds), check=True)
        unfinished.replace(made)
    return made


def _command(into: Path, seconds: int) -> list[str]:
    """Return the command that joins footage and speech, each repeated in its order."""
    media = footage()
    pictures = [str(media / _PICTURES[n % len(_PICTURES)]) for n in range(_PARTS)]
    speech = [str(media / _SPEECH[n % len(_SPEECH)]) for n in range(_PARTS)]
    inputs = [part for path in (*pictures, *speech) for part in ("-i", path)]
    fit = f"scale={_SIZE}:force_original_aspect_ratio=decrease,pad={_SIZE}:-1:-1,setsar=1"
    shown = [f"[{n}:v:0]{fit},fps={_RATE},format=yuv420p[v{n}]" for n in range(_PARTS)]
    heard = [
        f"[{_PARTS + n}:a:0]aresample=48000,aformat=stereo[a{n}]".replace(
            "stereo", "channel_layouts=stereo"
        )
        for n in range(_PARTS)
    ]
    joined = "".join(f"[v{n}]" for n in range(_PARTS)) + f"concat=n={_PARTS}[v]"
    spoken = "".join(f"[a{n}]" for n in range(_PARTS)) + f"concat=n={_PARTS}:v=0:a=1[a]"
    return [
        program("ffmpeg"), "-nostdin", "-v", "error", "-y", *inputs,
        "-filter_complex", ";".join([*shown, *heard, joined, spoken]),
        "-map", "[v]", "-map", "[a]", "-t", str(seconds),
        "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-g", "250",
        "-c:a", "aac", "-b:a", "96k", str(into),
    ]  # fmt: skip
