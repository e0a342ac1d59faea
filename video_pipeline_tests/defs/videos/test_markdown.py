"""Hostile text in markdown is shown as it is."""

import pytest

from video_pipeline.defs.videos.markdown import literal


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('media_info waits: it\'s 0:00:02.080, "so" (yes)!', None),  # renders nothing
        ("[a](b)", r"\[a\](b)"),
        ("![a](b)", r"!\[a\](b)"),
        ("<img src=x>", r"\<img src=x\>"),
        ("**b** `c` ~~d~~", r"\*\*b\*\* \`c\` \~\~d\~\~"),
        ("_e_ and a_b_c", r"\_e\_ and a_b_c"),
        ("a | b", r"a \| b"),
        ("&lt;", r"\&lt;"),
        ("https://x.example", r"https\://x.example"),
        ("www.x.example a@b.example", r"www\.x.example a\@b.example"),
        ("# a\n- b\n1. c\n12) d\n===", "\\# a\n\\- b\n1\\. c\n12\\) d\n\\==="),
        (r"a\*b", r"a\\\*b"),
    ],
)
def test_literal_escapes_what_markdown_renders(text: str, shown: str | None) -> None:
    assert literal(text) == (text if shown is None else shown)
