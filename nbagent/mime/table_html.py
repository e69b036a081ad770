"""HTML tables as pandas writes them, with the columns that hold words read from the left.

Jupyter aligns every cell of them to the right, which suits numbers only.
"""

import itertools
import re

_TABLE = re.compile(r'<table\b[^<>]*\bclass="dataframe"[^<>]*>.*?</table>', re.DOTALL)
_ROW = re.compile(r"<tr\b.*?</tr>", re.DOTALL)
_CELL = re.compile(r"<(t[hd])\b([^<>]*)>([^<]*)</\1>")
_ANY_CELL = re.compile(r"<t[hd]\b")
_SPANS = re.compile(r"\b(?:col|row)span=")
_NUMBER = re.compile(
    r"(?:[-+]?[\d.,]+(?:e[-+]?\d+)? ?%?|[-+]?inf|nan|none|nat|&lt;na&gt;|\.\.\.|null|)",
    re.IGNORECASE | re.ASCII,
)
_LEFT = ' style="text-align:left"'


def with_words_left(source: str) -> str:
    """Return the HTML with `text-align:left` on the cells of each column of a table that holds
    anything but numbers.

    A table with spans, or with elements in its cells, stays as it is.
    """
    if 'class="dataframe"' not in source:
        return source
    return _TABLE.sub(_aligned, source)


def _aligned(table: re.Match[str]) -> str:
    rows = [_CELL.findall(row) for row in _ROW.findall(table[0])]
    if _SPANS.search(table[0]) or sum(map(len, rows)) != len(_ANY_CELL.findall(table[0])):
        return table[0]
    words = set()  # the columns that hold any
    for row in rows:
        for column, (tag, _, text) in enumerate(row):
            if tag == "td" and not _NUMBER.fullmatch(text.strip()):
                words.add(column)

    def aligned_row(row: re.Match[str]) -> str:
        columns = itertools.count()
        return _CELL.sub(lambda cell: _aligned_cell(cell, next(columns) in words), row[0])

    return _ROW.sub(aligned_row, table[0])


def _aligned_cell(cell: re.Match[str], is_words: bool) -> str:
    tag, attributes, text = cell.groups()
    if not is_words or "style=" in attributes:
        return cell[0]
    return f"<{tag}{attributes}{_LEFT}>{text}</{tag}>"
