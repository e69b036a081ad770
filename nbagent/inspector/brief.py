"""An event on one line."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.events.jsonable import text_safe

LINE = 160
"""Characters of the line."""

_SAID_ELSEWHERE = frozenset(e.Envelope.__struct_fields__) | {"id", "value"}


def brief(event: e.Event) -> str:
    """What the event says, beside its type, on one line of at most 160 characters: `name="search" call_id="call_1"`.

    Where there is one thing to say it stands alone: a delta's text. However large the event is, no more of it is looked at than
    is shown.
    """
    said = [(name, value) for name, value in event.__rich_repr__() if name not in _SAID_ELSEWHERE]
    if isinstance(event, e.ToolArgs) and event.args is not None:
        said = [("args", event.args)]
    if len(said) == 1:
        return text_safe(_clip(_value(said[0][1], LINE), LINE))
    return text_safe(_joined((f"{name}=", value) for name, value in said))


def _joined(said: Iterable[tuple[str, Any]], room: int = LINE, between: str = " ") -> str:
    line = ""
    for name, value in said:
        if len(line) > room:
            break
        line += f"{line and between}{name}{_value(value, room - len(line))}"
    return _clip(line, room)


def _value(value: Any, room: int) -> str:
    """The value as JSON, as much of it as there is room for, and a little more."""
    room = max(room, 1)
    if isinstance(value, str):
        return msgspec.json.encode(text_safe(value[: room + 1])).decode()
    if isinstance(value, e.Display):
        return _words(value.summary)
    if isinstance(value, msgspec.Struct):
        value = {name: item for name in value.__struct_fields__ if (item := getattr(value, name)) is not None}
    if isinstance(value, Mapping):
        return f"{{{_joined(((f'{_words(str(key)[:LINE])}: ', item) for key, item in value.items()), room, ', ')}}}"
    if isinstance(value, list | tuple):
        return f"[{_joined((('', item) for item in value), room, ', ')}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)[:room] if isinstance(value, float) else _number(value, room)


def _number(value: Any, room: int) -> str:
    if isinstance(value, int):
        return str(value)[:room] if value.bit_length() < 4096 else f"0x{value:x}"[:room]
    return f"<{type(value).__name__}>"


def _words(text: str) -> str:
    return " ".join(text.split())


def _clip(text: str, room: int) -> str:
    return f"{text[: room - 1]}…" if len(text) > room else text
