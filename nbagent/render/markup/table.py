"""Small tables of plain text: what a list of runs or of tool calls shows as a cell's last
expression.
"""

import re
from collections.abc import Iterable, Sequence

from nbagent.render.markup.text import escape

LEFT = ' style="text-align:left"'
"""Attribute of a cell with words: Jupyter aligns every cell to the right."""
_NUMBER = re.compile(r"(?:[-+≈$]?[\d.,]+ ?[%s]?|–)?")


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as HTML, with columns of words read from the left. Every text is escaped, and
    readable.
    """
    body = list(rows)
    words = {
        column for row in body for column, text in enumerate(row) if not _NUMBER.fullmatch(text)
    }
    heads = _cells("th", head, words)
    lines = "".join(f"<tr>{_cells('td', row, words)}</tr>" for row in body)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{lines}</tbody></table>"


def _cells(tag: str, texts: Iterable[str], words: set[int]) -> str:
    return "".join(
        f"<{tag}{LEFT if column in words else ''}>{escape(text)}</{tag}>"
        for column, text in enumerate(texts)
    )
