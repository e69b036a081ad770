"""Markdown as plain text on one line, for the cell of a table."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbagent.render.markup.grammar import Token


def plain_line(source: str) -> str:
    """Return a Markdown text on one line without its marks.

    Of a link its text stays, of a picture the alternative text, of a formula its TeX, and of an
    item of a list its number or a bullet.
    """
    from nbagent.render.markup.grammar import parse  # 0.1 s: with the first text

    return " ".join(" ".join(_texts(parse(source))).split())


def _texts(tokens: "list[Token]") -> Iterator[str]:
    from nbagent.render.markup.markdown import alternative

    for token in tokens:
        match token.type:
            case "inline":
                yield alternative(token.children or [])
            case "list_item_open":
                yield f"{token.info}{token.markup}" if token.info else "•"
            case "hr":
                pass
            case _:  # code, a formula; empty for what begins or ends a block
                yield token.content
