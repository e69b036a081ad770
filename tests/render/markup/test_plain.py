"""Markdown as plain text on one line."""

import pytest

from nbagent.render.markup.plain import plain_line


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("**Yes**, it is `42`.", "Yes, it is 42."),
        ("# Result\n\nIt _is_ ~~not~~ so.\nReally.", "Result It is not so. Really."),
        ("- tea\n- salt\n\n1. first\n2. second", "• tea • salt 1. first 2. second"),
        ("See [the page](https://example.org) ![a cat](cat.png)", "See the page a cat"),
        ("```python\nx = 1\n```\n\n---\n\n$$x^2$$", "x = 1 x^2"),
        ("| a | b |\n|---|---|\n| 1 | 2 |", "a b 1 2"),
        ("2 * 3 * 4 snake_case <b>", "2 * 3 * 4 snake_case <b>"),
        ("", ""),
    ],
)
def test_a_line_has_the_text_without_its_marks(source: str, line: str) -> None:
    assert plain_line(source) == line
