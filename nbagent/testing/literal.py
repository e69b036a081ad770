"""`literal`: JSON as Python, written as a formatter would."""

import re
from collections.abc import Iterable
from typing import Any

LINE_CHARS = 110
INDENT = 4


def literal(value: Any, indent: int = 0, used: int = 0) -> str:
    """Return a value as Python, on several lines if it does not fit into one.

    Args:
        value: JSON, or any object with a repr.
        indent: characters before the line on which it begins.
        used: further characters of that line.
    """
    match value:
        case str():
            return _text(value, indent, used)
        case dict() if value:
            return enclosed(
                "{",
                [
                    f"{quoted(str(key))}: {literal(each, indent + INDENT)}"
                    for key, each in value.items()
                ],
                "}",
                indent,
                used,
            )
        case list() if value:
            return enclosed(
                "[", [literal(each, indent + INDENT) for each in value], "]", indent, used
            )
    return repr(value)


def enclosed(before: str, parts: Iterable[str], after: str, indent: int, used: int = 0) -> str:
    """Return parts between brackets, on one line or each on its own.

    Args:
        before: the opening bracket, and what stands before it.
        parts: indented by `INDENT` more than the line.
        after: the closing bracket.
        indent: as for `literal`.
        used: as for `literal`.
    """
    parts = list(parts)
    line = f"{before}{', '.join(parts)}{after}"
    if "\n" not in line and indent + used + len(line) <= LINE_CHARS:
        return line
    space = " " * indent
    return "\n".join([before, *(f"{space}    {part}," for part in parts), f"{space}{after}"])


def quoted(text: str) -> str:
    """Return a text as Python, in double quotes unless it has some."""
    made = repr(text)
    if made.startswith("'") and '"' not in text and "\\'" not in made:
        return f'"{made[1:-1]}"'
    return made


def _text(text: str, indent: int, used: int) -> str:
    """Return a text as Python: a long one as adjacent literals, cut after line ends and between
    words.
    """
    made = quoted(text)
    if indent + used + len(made) <= LINE_CHARS:
        return made
    room = LINE_CHARS - indent - 2 * INDENT
    lines = [""]
    for piece in re.findall(r"[^\n ]*[\n ]?", text):
        if lines[-1] and (lines[-1].endswith("\n") or len(quoted(lines[-1] + piece)) > room):
            lines.append("")
        lines[-1] += piece
    space = " " * indent
    return "\n".join(["(", *(f"{space}    {quoted(line)}" for line in lines if line), f"{space})"])
