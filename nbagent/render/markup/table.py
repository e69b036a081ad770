"""Small tables of plain text: what a list of runs or of tool calls shows as a cell's last
expression.
"""

from collections.abc import Iterable, Sequence

from nbagent.render.markup.text import escape


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as HTML. Every text is escaped, and readable."""
    heads = _cells("th", head)
    body = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _cells(tag: str, texts: Iterable[str]) -> str:
    return "".join(f"<{tag}>{escape(text)}</{tag}>" for text in texts)
