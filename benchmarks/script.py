"""Measure ten minutes of 720p as one command, against a script of three known programs.

    ./run bench script [--json FILE]

The script runs PySceneDetect's command, whisper-ctranslate2 and ffmpeg's thumbnails, one after the
other. `video-pipeline try` does the same with the same detector, model and beam, and then with the
best shots, words and pictures. whisper-ctranslate2 is installed into a temporary folder. CPU time
includes the embedded MongoDB.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.reel import program, reel
from benchmarks.report import Report
from video_pipeline.providers.local.models import Models

_PEER = ("whisper-ctranslate2==0.5.8", "sounddevice", "tqdm", "cffi", "pycparser")
_TURNS = 2
_CORES = "2"
_SAME = """\
providers:
  cuts: {plugin: pyscenedetect}
  words: {plugin: faster-whisper, options: {model: base, beam_size: 1, language: en}}
phases:
  shots: [cuts]
  transcript: [words]
"""
_BEST = _SAME.replace("pyscenedetect", "transnetv2")


def main() -> None:
    """Print a line a way: wall and CPU seconds, and their ratios to the script's."""
    report = Report(__doc__, "way", "wall s", "CPU s", "wall ratio", "CPU ratio")
    film = reel()
    with tempfile.TemporaryDirectory(prefix="video-pipeline-bench-") as folder:
        peer = _install_peer(Path(folder) / "peer")
        found = dict[str, list[tuple[float, float]]]()
        for turn in range(_TURNS):
            at = Path(folder) / str(turn)
            at.mkdir()
            found.setdefault("script", []).append(_script(film, at, peer))
            for name, settings in {"same": _SAME, "best": _BEST}.items():
                found.setdefault(name, []).append(_pipeline(film, at / name, settings))
    base = found["script"]
    for name, measured in found.items():
        pairs = list(zip(measured, base, strict=True))
        values = [statistics.median(one[of] for one in measured) for of in (0, 1)] + [
            statistics.median(one[of] / other[of] for one, other in pairs) for of in (0, 1)
        ]
        report.row(name, *(round(value, 2) for value in values))
    report.end()


def _install_peer(into: Path) -> Path:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(into)]
    subprocess.run([*pip, *_PEER], check=True)
    return into


def _script(film: Path, into: Path, peer: Path) -> tuple[float, float]:
    """Return the wall and CPU seconds of the three programs."""
    model = Models().find("base")
    speech = f"{sys.executable} -m whisper_ctranslate2.whisper_ctranslate2"
    commands = [
        [program("scenedetect"), "-i", film, "-o", into, "detect-adaptive", "list-scenes"],
        [
            *speech.split(), film, "--model_directory", model, "--device", "cpu",
            "--compute_type", "int8", "--threads", _CORES, "--beam_size", "1", "--language", "en",
            "--vad_filter", "True", "--word_timestamps", "True", "--local_files_only", "True",
            "--output_dir", into, "--output_format", "json", "--verbose", "False",
        ],
        [
            program("ffmpeg"), "-nostdin", "-v", "error", "-i", film,
            "-vf", "fps=1/10,scale=320:-2", into / "%04d.jpg",
        ],
    ]  # fmt: skip
    found = [_measured(command, {"PYTHONPATH": str(peer)}) for command in commands]
    return sum(wall for wall, _ in found), sum(cpu for _, cpu in found)


def _pipeline(film: Path, home: Path, settings: str) -> tuple[float, float]:
    """Return the wall and CPU seconds of `try` in a new home."""
    home.mkdir()
    file = home / "pipeline.yaml"
    file.write_text(settings)
    names = {"VIDEO_PIPELINE_CONFIG": str(file), "VIDEO_PIPELINE_HOME": str(home)}
    return _measured([program("video-pipeline"), "try", film], names)


def _measured(command: list[str | Path], names: dict[str, str]) -> tuple[float, float]:
    """Run a command. Exits with its output if it fails."""
    started, before = time.perf_counter(), _cpu()
    done = subprocess.run(
        list(map(str, command)), env={**os.environ, **names}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{command[0]} ended with {done.returncode}:\n{done.stdout}\n{done.stderr}")
    return time.perf_counter() - started, _cpu() - before


def _cpu() -> float:
    """Return the CPU seconds of the whole machine: a server may outlive its command."""
    busy = psutil.cpu_times()
    return busy.user + busy.system


if __name__ == "__main__":
    main()
