"""Parser of docstrings in the styles of Google, NumPy and Sphinx: a description, and one text for
each parameter.

The docstring-parser package (0.18) is not used: it drops what follows a line that begins with a
role such as :class:`Town`, and takes an empty section for a part of the description.
"""

import inspect
import re
from typing import NamedTuple

_PARAMETERS = {
    "args",
    "arguments",
    "parameters",
    "params",
    "keyword args",
    "keyword arguments",
    "other parameters",
}
_SECTIONS = _PARAMETERS | {
    "attributes",
    "example",
    "examples",
    "note",
    "notes",
    "raise",
    "raises",
    "reference",
    "references",
    "return",
    "returns",
    "see also",
    "todo",
    "usage",
    "warning",
    "warnings",
    "warns",
    "yield",
    "yields",
}

_SPHINX_PARAMETERS = {"param", "parameter", "arg", "argument", "key", "keyword"}
_SPHINX_FIELD = re.compile(
    r":(?P<kind>param|parameter|arg|argument|key|keyword|type|returns?|rtype|raises?|except|exception|yields?|var|vartype)"
    r"(?:\s+(?P<rest>[^:]*))?:(?:\s+(?P<text>.*)|$)"
)
_GOOGLE_ITEM = re.compile(r"\*{0,2}(?P<name>\w+)\s*(?:\([^)]*\))?\s*:(?:\s+(?P<text>.*)|$)")
_NUMPY_ITEM = re.compile(r"(?P<names>\*{0,2}\w+(?:\s*,\s*\*{0,2}\w+)*)\s*(?::.*)?$")


class Docstring(NamedTuple):
    """A parsed docstring: `description` is the text before the first section, `params` has one text
    for each parameter.
    """

    description: str
    params: dict[str, str]


def parse(doc: str | None) -> Docstring:
    """Parse a docstring of any of the three styles. One without sections is all description.

    Args:
        doc: the docstring as written, indented or not.
    """
    lines = inspect.cleandoc(doc or "").splitlines()
    description: list[str] = []
    params: dict[str, str] = {}
    position = 0
    before_sections = True
    while position < len(lines):
        field = _SPHINX_FIELD.fullmatch(lines[position])
        body = _section(lines, position)
        if field is not None:
            before_sections = False
            end = _indented_until(lines, position + 1, 0)
            params.update(_sphinx_item(field, lines[position + 1 : end]))
            position = end
        elif body is not None:
            before_sections = False
            is_parameters = lines[position].strip().rstrip(":").lower() in _PARAMETERS
            if body == position + 2:  # NumPy underlines the name of a section
                position = _numpy_end(lines, body)
                items = _numpy_items(lines[body:position])
            else:
                position = _indented_until(lines, body, 0)
                items = _google_items(lines[body:position])
            if is_parameters:
                params.update(items)
        else:
            if before_sections:
                description.append(lines[position])
            position += 1
    described = {name: text for name, text in params.items() if text}
    return Docstring("\n".join(description).strip(), described)


def _sphinx_item(field: re.Match[str], more: list[str]) -> dict[str, str]:
    """Return the parameter of a field by its name; empty for a field of another kind."""
    if field["kind"] not in _SPHINX_PARAMETERS or not field["rest"]:
        return {}
    name = field["rest"].split()[-1].lstrip("*")
    return {name: _text([field["text"] or "", *more])}


def _section(lines: list[str], position: int) -> int | None:
    """Return the line on which the body of the section at `position` begins, or None if no section
    is there.
    """
    line = lines[position]
    following = lines[position + 1] if position + 1 < len(lines) else ""
    if line.strip().lower() in _SECTIONS and re.fullmatch(r"\s*-{3,}\s*", following):
        return position + 2
    if (
        line.endswith(":")
        and line[:-1].lower() in _SECTIONS
        and (not following.strip() or following.startswith((" ", "\t")))
    ):
        return position + 1
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _indented_until(lines: list[str], start: int, margin: int) -> int:
    """Return the first line from `start` on that is not blank and not indented deeper than
    `margin`.
    """
    for position in range(start, len(lines)):
        if lines[position].strip() and _indent(lines[position]) <= margin:
            return position
    return len(lines)


def _numpy_end(lines: list[str], start: int) -> int:
    for position in range(start, len(lines)):
        if _section(lines, position) is not None:
            return position
    return len(lines)


def _google_items(body: list[str]) -> dict[str, str]:
    margin = min((_indent(line) for line in body if line.strip()), default=0)
    items: dict[str, str] = {}
    position = 0
    while position < len(body):
        end = max(_indented_until(body, position + 1, margin), position + 1)
        if item := _GOOGLE_ITEM.fullmatch(body[position].strip()):
            items[item["name"]] = _text([item["text"] or "", *body[position + 1 : end]])
        position = end
    return items


def _numpy_items(body: list[str]) -> dict[str, str]:
    items: dict[str, str] = {}
    position = 0
    while position < len(body):
        end = max(_indented_until(body, position + 1, 0), position + 1)
        if item := _NUMPY_ITEM.fullmatch(body[position].rstrip()):
            text = _text(body[position + 1 : end])
            items.update({name.strip().lstrip("*"): text for name in item["names"].split(",")})
        position = end
    return items


def _text(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())
