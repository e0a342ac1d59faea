"""Long results of label detection, made page by page."""

from collections.abc import Iterator
from typing import Literal

Sort = Literal["objects", "labels", "always"]
_A_PICTURE = 7
_A_SCENE = 70


def pages(rows: int, sort: Sort) -> Iterator[bytes]:
    """Seven rows a picture, two pictures a second; each label holds for ten pictures. `objects`
    have a box in each row, `labels` none; of `always`, one label is in every picture and each other
    one in its own only."""
    for first in range(0, rows, 1000):
        told = ",".join(_row(number, sort) for number in range(first, min(first + 1000, rows)))
        yield f'{{"JobStatus":"SUCCEEDED","Labels":[{told}]}}'.encode()


def _row(number: int, sort: Sort) -> str:
    box = '{"Left":0.1,"Top":0.1,"Width":0.2,"Height":0.2}'
    instances = f'[{{"BoundingBox":{box},"Confidence":91.5}}]' if sort == "objects" else "[]"
    place, scene = number % _A_PICTURE, number // _A_SCENE
    if sort == "always":
        scene = number // _A_PICTURE if place else 0
    name = f"Label {place} {scene}"
    label = f'{{"Name":"{name}","Confidence":91.5,"Instances":{instances},"Parents":[]}}'
    return f'{{"Timestamp":{number // _A_PICTURE * 500},"Label":{label}}}'
