"""Small tables of plain text: what a list of runs or of tool calls shows as a cell's last
expression.
"""

from collections.abc import Iterable, Sequence

from nbagent.render.markup.text import escape


def html_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table as HTML. Every text is escaped, and readable."""
    heads = "".join(f"<th>{escape(text)}</th>" for text in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(text)}</td>" for text in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"
