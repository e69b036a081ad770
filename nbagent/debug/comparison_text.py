"""`ComparisonText`: a comparison as plain text."""

from abc import ABC, abstractmethod
from collections.abc import Iterator

from nbagent.render.markup.markdown import markdown_html
from nbagent.render.markup.text import escape, visible, without_tex

WRITTEN = ("prompt", "text")
"""Kinds of rows that are texts."""

LINES = 20
"""Lines of a difference that are printed."""

_WORDS = ' style="white-space:pre-wrap;overflow-wrap:anywhere"'


class ComparisonText(ABC):
    """A comparison that is printed line by line."""

    @abstractmethod
    def _lines(self) -> Iterator[str]:
        """Yield the lines."""

    def __str__(self) -> str:
        return visible("\n".join(self._lines()))

    def _repr_markdown_(self) -> str:
        fence = "`" * 4
        return f"{fence}text\n{str(self).replace(fence, '‵‵‵‵')}\n{fence}\n"


def text_html(kind: str, text: str) -> str:
    """Return an answer as Markdown, any other text as it is; `kind` is that of its row."""
    if kind == "text":
        return markdown_html(text)
    return f"<div{_WORDS}>{without_tex(escape(text))}</div>"
