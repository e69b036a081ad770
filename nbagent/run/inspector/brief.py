"""Writes an event on one line."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.jsonable import text_safe

LINE_CHARS = 160
"""Characters of the line."""

_SHOWN_ELSEWHERE = frozenset(e.Envelope.__struct_fields__) | {"id", "value"}


def brief(event: e.Event) -> str:
    """Return the event's fields on one line of at most 160 characters: `name="search"
    call_id="call_1"`.

    A single field, such as a delta's text, stands without its name. However large the event is, no
    more of it is read than is shown.
    """
    fields = {name: value for name, value in event.__rich_repr__() if name not in _SHOWN_ELSEWHERE}
    if isinstance(event, e.ToolArgs) and event.args is not None:
        fields = {"args": event.args}
    if len(fields) == 1:
        [value] = fields.values()
        return text_safe(_clip(_value(value, LINE_CHARS), LINE_CHARS))
    named = ((f"{name}=", value) for name, value in fields.items())
    return text_safe(_joined(named, LINE_CHARS, " "))


def _joined(fields: Iterable[tuple[str, Any]], max_chars: int, between: str) -> str:
    """Return the fields, each behind its label, on one line; no more are read than are shown."""
    line = ""
    for label, value in fields:
        if len(line) > max_chars:
            break
        if line:
            line += between
        line += label + _value(value, max_chars - len(line))
    return _clip(line, max_chars)


def _value(value: Any, max_chars: int) -> str:
    """Return the value as JSON, cut somewhat behind `max_chars`."""
    max_chars = max(max_chars, 1)
    if isinstance(value, str):
        return msgspec.json.encode(text_safe(value[: max_chars + 1])).decode()
    if isinstance(value, e.Display):
        return _words(value.summary)
    if isinstance(value, msgspec.Struct):
        value = _fields(value)
    if isinstance(value, (Mapping, list, tuple)):
        return _container(value, max_chars)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, float):
        return str(value)[:max_chars]
    if isinstance(value, int):
        return _number(value)[:max_chars]
    return f"<{type(value).__name__}>"


def _container(value: Mapping[Any, Any] | Sequence[Any], max_chars: int) -> str:
    if isinstance(value, Mapping):
        named = ((f"{_words(str(key)[:LINE_CHARS])}: ", item) for key, item in value.items())
        return "{" + _joined(named, max_chars, ", ") + "}"
    unnamed = (("", item) for item in value)
    return "[" + _joined(unnamed, max_chars, ", ") + "]"


def _fields(struct: msgspec.Struct) -> dict[str, Any]:
    """Return the fields of a struct that have a value."""
    values = {name: getattr(struct, name) for name in struct.__struct_fields__}
    return {name: value for name, value in values.items() if value not in (None, [])}


def _number(value: int) -> str:
    if value.bit_length() < 4096:
        return str(value)
    return f"0x{value:x}"  # decimal digits would take quadratic time, and Python may refuse them


def _words(text: str) -> str:
    return " ".join(text.split())


def _clip(text: str, max_chars: int) -> str:
    if len(text) <= max_chars:
        return text
    return f"{text[: max_chars - 1]}…"
