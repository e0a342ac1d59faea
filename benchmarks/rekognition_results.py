"""Measure how 300,000 rows of label detection are normalised to markers.

    ./run bench rekognition_results

The baseline, in the same run, reads all pages into one list and makes a second list of markers. CPU
time and memory are ratios against it; memory is the growth of a separate process.
"""

import json
import multiprocessing
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor

from video_pipeline.domain.results.markers import Marker
from video_pipeline.providers.aws.rekognition.samples import labels, sample_markers
from video_pipeline_tests.providers.aws.rekognition.long_results import Sort, pages
from video_pipeline_tests.providers.aws.rekognition.rekognising import media, plugin, unit

ROWS = 300_000
_OF = media(6 * 3600)


def streamed(sort: Sort) -> int:
    """As the pipeline does it: a marker at a time."""
    made = plugin()
    request = unit(made, "label", _OF).request.model_copy(update={"kinds": ("label", "object")})
    return sum(1 for _ in made.normalise(request, _OF, pages(ROWS, sort)))


def collected(sort: Sort) -> int:
    """All rows, then all markers."""
    rows = [row for page in pages(ROWS, sort) for row in json.loads(page)["Labels"]]
    found: list[Marker] = list(sample_markers(_OF, rows, labels))
    return len(found)


def main() -> None:
    """Print a table, a line as soon as it is measured."""
    print("rows    of       way        seconds  ratio   MB more  ratio  markers")
    for sort in ("objects", "labels"):
        base: tuple[float, float, int] | None = None
        for way in (collected, streamed):
            seconds, megabytes, count = _measured(way, sort)
            base = base or (seconds, megabytes, count)
            told = f"{seconds:7.1f}  {seconds / base[0]:5.2f}  {megabytes:8.1f}"
            line = f"{ROWS}  {sort:8} {way.__name__:9}  {told}  {megabytes / base[1]:5.3f}  {count}"
            print(line, flush=True)


def _measured(way: Callable[[Sort], int], sort: Sort) -> tuple[float, float, int]:
    """CPU seconds, and megabytes by which a process of its own grows."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, way, sort).result()


def _run(way: Callable[[Sort], int], sort: Sort) -> tuple[float, float, int]:
    before, started = _peak_megabytes(), time.process_time()
    count = way(sort)
    return time.process_time() - started, _peak_megabytes() - before, count


def _peak_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000


if __name__ == "__main__":
    main()
