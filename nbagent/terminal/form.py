"""Values for a JSON Schema, typed line by line."""

import json
from collections.abc import Mapping
from typing import Any

from nbagent.errors import AnswerError
from nbagent.render.markup.text import visible
from nbagent.terminal.lines import Lines

SHOWN_CHARS = 60
"""Characters of a present value in the prompt."""

_YES_NO = {"y": True, "yes": True, "n": False, "no": False}
_MISSING = object()


class TerminalForm:
    """Asks for values.

    Args:
        schema: JSON Schema of an object, with its `$defs`.
        lines: where it asks.
    """

    def __init__(self, schema: Mapping[str, Any], lines: Lines) -> None:
        self._schema = schema
        self._lines = lines

    def fill(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for each property; an empty line keeps the present value, or the schema's default, or
        leaves it out.

        Args:
            values: the present ones.

        Raises:
            AnswerError: a line is no value of its type.
            EOFError: there are no more lines.
        """
        filled: dict[str, Any] = {}
        properties = self._resolved(self._schema).get("properties", {})
        required = self._schema.get("required", ())
        for name in dict.fromkeys([*properties, *values]):
            schema = self._resolved(properties.get(name, {}))
            now = values.get(name, schema.get("default", _MISSING))
            value = self.ask(name, schema, now, required=name in required)
            if value is not _MISSING:
                filled[name] = value
        return filled

    def ask(
        self, name: str, schema: Mapping[str, Any], now: Any = _MISSING, *, required: bool = True
    ) -> Any:
        """Ask for one value; see `fill`."""
        schema = self._resolved(schema)
        choices = _choices(schema)
        hint = ""
        if choices:
            hint = f" ({', '.join(map(_short, choices))})"
        may_be_empty = True
        if now is not _MISSING:
            hint += f" [{_short(now)}]"
        elif not required:
            hint += " [none]"
        else:
            may_be_empty = False
        while True:
            typed = self._lines.read(f"  {visible(name)}{hint}: ")
            if typed.strip():
                return _value(name, typed, schema, choices)
            if may_be_empty:
                return now

    def _resolved(self, schema: Any) -> Mapping[str, Any]:
        """Return a schema, or the definition that it refers to."""
        for _ in range(8):  # references to references
            if not isinstance(schema, Mapping):
                return {}
            reference = schema.get("$ref")
            if not isinstance(reference, str):
                return schema
            schema = self._schema.get("$defs", {}).get(reference.rpartition("/")[2])
        return {}


def _choices(schema: Mapping[str, Any]) -> list[Any]:
    if "const" in schema:
        return [schema["const"]]
    choices = schema.get("enum")
    if isinstance(choices, list):
        return list(choices)
    return []


def _types(schema: Mapping[str, Any]) -> set[str]:
    """Return the types of values that a schema may take; empty for any."""
    types: set[str] = set()
    kind = schema.get("type")
    if isinstance(kind, str):
        types.add(kind)
    elif kind:
        types.update(kind)
    for each in schema.get("anyOf") or schema.get("oneOf") or ():
        if isinstance(each, Mapping):
            types |= _types(each)
    return types


def _value(name: str, typed: str, schema: Mapping[str, Any], choices: list[Any]) -> Any:
    """Return the value that a line means.

    Raises:
        AnswerError: it means none of the schema's type.
    """
    word = typed.strip().casefold()
    if choices:
        return _choice(name, word, choices)
    types = _types(schema)
    if types == {"boolean"} and word in _YES_NO:
        return _YES_NO[word]
    if types == {"string"} and not typed.startswith('"'):
        return typed
    try:
        return json.loads(typed)
    except (ValueError, RecursionError):
        if not types or "string" in types:
            return typed
        raise AnswerError(
            f"{name} takes {' or '.join(sorted(types))}, as JSON; got {_short(typed)}"
        ) from None


def _choice(name: str, word: str, choices: list[Any]) -> Any:
    alike = [choice for choice in choices if str(choice).casefold() == word]
    if len(alike) != 1:
        raise AnswerError(f"{name} takes one of {', '.join(map(_short, choices))}")
    return alike[0]


def _short(value: Any) -> str:
    if not isinstance(value, str):
        value = json.dumps(value, ensure_ascii=False, default=str)
    text = visible(value).replace("\n", "␤")
    if len(text) <= SHOWN_CHARS:
        return text
    return f"{text[: SHOWN_CHARS - 1]}…"
