"""What is too large to travel with its block, and is read by the page when somebody looks at it.

In ops, a prop of more than 8 KB that is not a streamed text becomes a marker:

    {"part": name, "size": characters, "head": the first 1,000 characters}

`name` is `result/BLOCK/MIME` for one payload of a tool's result, and `prop/BLOCK/FIELD` for anything else. JSON is paged as its
text. Characters are Unicode code points, as in Python; a browser that counts UTF-16 units has to count differently.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from nbagent.pump.outbox import fitting, width
from nbagent.transcript import Op

INLINE = 8 * 1024
"""Bytes of JSON of a prop that travel with its block."""
BUNDLE = 24 * 1024
"""Bytes of JSON of a bundle's payloads that travel with its block, all together."""
HEAD = 1000
"""Characters of a part that travel with its block."""

STREAMED = frozenset({"text", "args_text"})
"""Fields that grow; a long one travels as appends, which are cut to fit."""
_BUNDLES = frozenset({"result", "error", "progress"})
"""Props that are dicts of a few things a reader wants one by one."""
_SHORT = INLINE // 6  # characters that take at most `INLINE` bytes, whatever they are

Whole = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""Given a block's id and its result: the result with everything the kernel has of it."""


def slim(ops: Iterable[Op], whole: Whole) -> list[Op]:
    """The ops as they travel: long texts as appends, other large props as markers."""
    light: list[Op] = []
    for op in ops:
        if op[0] == "append" or op[0] == "close":
            light.append(op)
        else:
            light += _slim(op, whole)
    return light


def _slim(op: Any, whole: Whole) -> Iterable[Op]:
    id: str = op[1]
    light: dict[str, Any] = {}
    texts: list[Op] = []
    for field, value in op[-1].items():
        if field in STREAMED and isinstance(value, str) and len(value) > _SHORT:
            light[field] = ""
            texts.append(("append", id, field, value))
        elif field in _BUNDLES and isinstance(value, dict):
            path = f"result/{id}" if field == "result" else f"prop/{id}/{field}"
            light[field] = _bundle(path, whole(id, value) if field == "result" else value)
        else:
            light[field] = _inline(f"prop/{id}/{field}", value, INLINE)
    return [(*op[:-1], light), *texts]


def _bundle(path: str, bundle: Mapping[str, Any]) -> dict[str, Any]:
    """A dict of payloads, each inline or a marker; what follows when there is room for no more markers is left out."""
    light: dict[str, Any] = {}
    room = BUNDLE
    for name, value in bundle.items():
        light[name] = _inline(f"{path}/{name}", value, min(INLINE, room))
        room -= width({name: light[name]})
        if room < 0:
            del light[name]
            break
    return light


def _inline(name: str, value: Any, limit: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if len(value) <= limit // 6 or (len(value) <= limit and width(value) <= limit):
            return value
        text, size = value, len(value)
    else:
        encoded = msgspec.json.encode(value)
        if len(encoded) <= limit:
            return value
        text, size = encoded[: 4 * HEAD].decode(errors="ignore"), len(encoded.decode())
    return {"part": name, "size": size, "head": fitting(text[:HEAD], 0, 2 * HEAD)[0]}


def find(name: str, props_of: Callable[[str], Mapping[str, Any] | None], whole: Whole) -> Any:
    """The value that a marker names.

    Args:
        name: as in the marker.
        props_of: a block's props by its id; None if there is no such block.
        whole: as for `slim`.

    Raises:
        LookupError: there is no such part; the message is for the reader.
    """
    kind, _, rest = name.partition("/")
    for at in (index for index, character in enumerate(rest) if character == "/"):  # an id may hold slashes, too
        id, path = rest[:at], rest[at + 1 :]
        props = props_of(id)
        if props is None:
            continue
        if kind == "result":
            result = props.get("result")
            if isinstance(result, dict) and path in result:
                return whole(id, result)[path]
        elif kind == "prop":
            field, _, inner = path.partition("/")
            value = props.get(field)
            if inner and isinstance(value, dict):
                value = value.get(inner)
            if value is not None:
                return value
    raise LookupError(f"no such part: {name}")


def text_of(value: Any) -> str:
    """The text that a value is paged as."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
