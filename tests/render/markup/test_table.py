"""Tables of plain text: words are read from the left, numbers stay where Jupyter aligns them."""

import re

import pytest

from nbagent.render.markup.markdown import markdown_html
from nbagent.render.markup.table import html_table


def left(html: str) -> list[str]:
    """Return the texts of the cells that are read from the left."""
    return re.findall(r'<t[hd] style="text-align:left">([^<]*)<', html)


def test_columns_of_words_are_read_from_the_left_with_their_names() -> None:
    html = html_table(["", "tool", "seconds"], [["0", "load", "0.1"], ["1", "200", ""]])
    assert left(html) == ["tool", "load", "200"]


@pytest.mark.parametrize("number", ["", "7", "-1,200.5", "≈1,200", "$0.02", "12 %", "0.3s", "–"])
def test_these_are_numbers(number: str) -> None:
    assert left(html_table(["in"], [[number]])) == []


def test_a_table_without_rows_has_its_names() -> None:
    assert "<th>tool</th>" in html_table(["tool"], [])


def test_a_column_of_markdown_stands_left_unless_it_says_otherwise() -> None:
    assert left(markdown_html("| a | b |\n|---|--:|\n| x | 1 |")) == ["a", "x"]
