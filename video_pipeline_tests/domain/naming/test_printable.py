"""Names of others, as people may safely see them."""

import os

import pytest

from video_pipeline.domain.naming.printable import printable


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Große 映像 \u200d\u200c.mp4", "Große 映像 \u200d\u200c.mp4"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("evil\u202e4pm.exe", "evil\\u202e4pm.exe"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_only_unsafe_characters_are_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert shown.encode()
