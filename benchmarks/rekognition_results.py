"""What 300,000 rows of label detection take to become markers.

    ./run bench rekognition_results

The alternative, in the same run, is what is usually done: all pages are read into one list, and
markers made of it in one more. Time and peak memory are given as ratios against it; memory is what
Python allocates beyond the page bytes, which are made as they are read.
"""

import json
import time
import tracemalloc
from collections.abc import Callable

from video_pipeline.domain.markers import Marker
from video_pipeline.providers.aws_rekognition.samples import labels, sample_markers
from video_pipeline_tests.providers.aws_rekognition.long_results import Sort, pages
from video_pipeline_tests.providers.aws_rekognition.rekognising import media, plugin, unit

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
    """Print a table."""
    print("rows     of       way        seconds  ratio  peak MB  ratio  markers")
    for sort in ("objects", "labels"):
        base = _measured(collected, sort)
        for name, (seconds, peak, count) in (
            ("collected", base),
            ("streamed", _measured(streamed, sort)),
        ):
            told = f"{seconds:7.1f}  {seconds / base[0]:5.2f}  {peak / 1e6:7.1f}"
            print(f"{ROWS}  {sort:8} {name:9}  {told}  {peak / base[1]:5.3f}  {count}")


def _measured(way: Callable[[Sort], int], sort: Sort) -> tuple[float, int, int]:
    started = time.process_time()
    count = way(sort)
    seconds = time.process_time() - started
    tracemalloc.start()
    way(sort)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return seconds, peak, count


if __name__ == "__main__":
    main()
