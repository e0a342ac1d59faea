"""Names of others, as people may safely see them, and counts."""

import html
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from video_pipeline.domain.naming.printable import address, count_of, in_markdown, printable

# Texts that would render, break or hide something, and what people see of them.
HOSTILE = [
    ("# [x](http://a.b) **b** _i_", "# [x](http://a.b) **b** _i_"),
    ("<img src=x onerror=y> &lt;", "<img src=x onerror=y> &lt;"),
    ("![p](data:image/png;base64,AA)", "![p](data:image/png;base64,AA)"),
    ("`code` and ``` more", "`code` and ``` more"),
    ("`", "`"),
    ("\\` \\", "\\` \\"),
    ("quotes \"'“", "quotes \"'“"),
    ("- a\n- b\r\n\n***", "- a\\n- b\\r\\n\\n***"),
    ("evil\u202e4pm.exe\u200f", "evil\\u202e4pm.exe\\u200f"),
    ("www.example.com me@example.com", "www.example.com me@example.com"),
    ("x" * 250, "x" * 250),
]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Große 映像 \u200d\u200c.mp4", "Große 映像 \u200d\u200c.mp4"),
        ("two\nlines\t", "two\\nlines\\t"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("evil\u202e4pm.exe", "evil\\u202e4pm.exe"),
        ("\u200eleft\u200fright\u061c", "\\u200eleft\\u200fright\\u061c"),
        (os.fsdecode(b"caf\xe9"), "caf\\xe9"),
        ("\ud83d", "\\ud83d"),
    ],
)
def test_only_unsafe_characters_are_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown
    assert shown.encode()


def rendered(markdown: str) -> str:
    """Return what a renderer of CommonMark, HTML allowed, makes of it."""
    return MarkdownIt("commonmark").render(markdown).strip()


@pytest.mark.parametrize(("text", "shown"), HOSTILE)
def test_markdown_shows_hostile_text_as_it_is(text: str, shown: str) -> None:
    code = f"<code>{html.escape(shown, quote=False)}</code>"
    assert rendered(in_markdown(text)).replace("&quot;", '"') == f"<p>{code}</p>"
    assert f'<a href="https://x/y">{code}</a>' in rendered(
        f"- [{in_markdown(text)}](https://x/y)"
    ).replace("&quot;", '"')


@given(st.text(min_size=1).filter(lambda text: text.strip(" ")))
def test_markdown_renders_nothing_of_any_text(text: str) -> None:
    code = f"<code>{html.escape(printable(text), quote=False)}</code>"
    assert rendered(in_markdown(text)).replace("&quot;", '"') == f"<p>{code}</p>"


@pytest.mark.parametrize("blank", ["", " ", "   "])
def test_markdown_of_nothing_is_nothing(blank: str) -> None:
    assert in_markdown(blank) == ""


def test_address_of_a_file_is_its_path(tmp_path: Path) -> None:
    file = tmp_path / "Große 100% #1.mp4"
    assert address(file.as_uri()) == str(file)
    assert address("s3://videos/a b+%20.mp4") == "s3://videos/a b+%20.mp4"


@pytest.mark.parametrize(
    ("number", "noun", "shown"),
    [(0, "shot", "0 shots"), (1, "word", "1 word"), (1200, "word", "1,200 words")],
)
def test_count_names_what_is_counted(number: int, noun: str, shown: str) -> None:
    assert count_of(number, noun) == shown
