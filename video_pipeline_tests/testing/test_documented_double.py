"""The double that docs/plugins.md shows to authors of plugins."""

import re
from pathlib import Path
from typing import Any

from video_pipeline.testing.service import Service

PAGE = Path(__file__).parents[2] / "docs/plugins.md"


def test_documented_double_works() -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    (example,) = (block for block in blocks if "(Service)" in block)
    names: dict[str, Any] = {}
    exec(example, names)
    shown = [one for one in names.values() if isinstance(one, type) and one is not Service]
    assert any(issubclass(one, Service) for one in shown)
    tests = [name for name in names if name.startswith("test_")]
    assert tests
    for name in tests:
        names[name]()
