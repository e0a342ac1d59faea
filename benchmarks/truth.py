"""Plant faults in results of labelled media, and measure how many the checks find.

    ./run bench truth [--json FILE]

VIDEO_PIPELINE_TEST_MEDIA names the folder of the labelled media. Recordings are transcribed once by
the local model, and joined to pieces of at least two minutes; clips are decoded once. Every second
recording and clip is of the list on which thresholds were chosen; the others are held back. Each
fault is planted in each piece that has a place for it. On the unplanted results every finding
counts as false.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from time import process_time
from typing import Any

from benchmarks.reel import footage
from benchmarks.truth_media import Film, Recording, films, joined, recordings
from benchmarks.truth_plants import SHOWN, SPOKEN, Plant, Subject
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.results.findings import Finding
from video_pipeline.pipeline.truth.judgement import judge_markers, judge_transcript
from video_pipeline.pipeline.truth.markers import MarkerWatch

LISTS = ("chosen on", "held back")
# Seconds of a piece of joined recordings.
_PIECE = 120


@dataclass(frozen=True)
class Material:
    """One list: clips, recordings, and pieces of joined recordings."""

    films: Sequence[Film]
    recordings: Sequence[Recording]

    @property
    def pieces(self) -> list[Recording]:
        found, parts = list[Recording](), list[Recording]()
        for one in (r for r in self.recordings if r.transcript.segments):
            parts.append(one)
            if sum(part.media.duration for part in parts) >= _PIECE:
                found.append(joined(parts))
                parts = []
        return found

    @property
    def hours(self) -> float:
        every = (*self.films, *self.recordings, *self.pieces)
        return float(sum(one.media.duration for one in every)) / 3600


def judged(one: Film | Recording) -> list[Finding]:
    """Judge a result as publishing does."""
    if isinstance(one, Recording):
        return judge_transcript(
            one.transcript, one.media.extent, one.asked, None, one.sound
        ).findings
    watch = MarkerWatch()
    for _ in watch.watched(one.shots):
        pass
    return judge_markers(Phase.SHOTS, watch, one.pictures).findings


def rows(material: Material, seed: int = 1) -> Iterator[dict[str, Any]]:
    """Yield for each fault and size how many were found of how many planted."""
    for plant in SPOKEN:
        yield from _planted(plant, material.pieces, Random(seed))
    for plant in SHOWN:
        yield from _planted(plant, material.films, Random(seed))


def _planted(
    plant: Plant[Subject], subjects: Sequence[Subject], random: Random
) -> Iterator[dict[str, Any]]:
    for size in (*plant.aims, *plant.sizes):
        made = [one for s in subjects if (one := plant.make(s, size, random)) is not None]
        found = [any(f.kind in plant.kinds for f in judged(one)) for one in made]
        told = {"fault": plant.name, "size": size, "unit": plant.unit}
        yield {**told, "aim": size in plant.aims, "found": sum(found), "planted": len(made)}


def false_findings(material: Material) -> list[str]:
    """Return the findings in results without a planted fault."""
    every = (*material.films, *material.recordings, *material.pieces)
    return [f"{one.name}: {finding}" for one in every for finding in judged(one)]


def _read(scratch: Path) -> tuple[Material, Material, float]:
    """Return both lists, and the CPU-seconds that signals of ten minutes took in this process."""
    media = footage() / "bench"
    started = process_time()
    clips = films(media)
    pictures = process_time() - started
    per_ten_minutes = pictures / float(sum(one.media.duration for one in clips)) * 600
    kinds = ("speech", "nonspeech")
    files = [file for kind in kinds for file in sorted((media / kind).iterdir())]
    heard = recordings(files, scratch)
    one, other = (Material(clips[n::2], heard[n::2]) for n in (0, 1))
    return one, other, per_ten_minutes


def measured(material: Material, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure one list, and print its table."""
    table = list(rows(material))
    for row in table:
        size = f"{row['size']:g} {row['unit']}{' (aim)' if row['aim'] else ''}"
        tell(f"{row['fault']:18}{size:22}{row['found']:4} of {row['planted']}")
    started = process_time()
    false = false_findings(material)
    seconds = process_time() - started
    hours = material.hours
    for one in false:
        tell(f"false: {one}")
    cost = seconds / (hours * 6)
    tell(f"{len(false)} false findings in {hours:.2f} h; {cost:.2f} CPU-s for ten minutes")
    return {"rows": table, "false": false, "hours": hours, "cpu_seconds_per_10_minutes": cost}


def main() -> None:
    """Print a table for each list."""
    parser = argparse.ArgumentParser(description="Measure how many planted faults are found.")
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    given = parser.parse_args()
    with TemporaryDirectory() as scratch:
        one, other, making = _read(Path(scratch))
    told = dict[str, Any]()
    for name, material in zip(LISTS, (one, other), strict=True):
        print(f"\nThe list {name}: {len(material.pieces)} pieces, {len(material.films)} clips")
        told[name] = measured(material, print)
    print(f"Making the signals of the pictures: {making:.2f} CPU-s for ten minutes")
    if given.json:
        given.json.write_text(json.dumps({**told, "making": making}, indent=2) + "\n")


if __name__ == "__main__":
    main()
