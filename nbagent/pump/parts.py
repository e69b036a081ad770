"""What is too large to travel with its block, and is read by the page when somebody looks at it.

In ops, a prop of more than 8 KB that is not a streamed text becomes a marker:

    {"part": name, "size": characters, "head": the first 1,000 characters}

`name` is `result/BLOCK/MIME` for one payload of a tool's result, and `prop/BLOCK/FIELD` for anything else. JSON is paged as its
text. Characters are Unicode code points, as in Python: not a browser's UTF-16 units.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from nbagent.protocol.json_size import json_size, truncate_to_bytes
from nbagent.transcript import Op

INLINE = 8 * 1024
"""Bytes of JSON of a prop that travel with its block."""
BUNDLE = 24 * 1024
"""Bytes of JSON of a bundle's payloads that travel with its block, all together."""
HEAD = 1000
"""Characters of a part that travel with its block."""
CONTEXT = 4096
"""Characters on both sides of a page that are looked at for credentials which begin or end outside of it."""

STREAMED = frozenset({"text", "args_text"})
"""Fields that grow; a long one travels as appends, which are cut to fit."""
_BUNDLES = frozenset({"result", "error", "progress"})
"""Props that are dicts of a few things a reader wants one by one."""
_SHORT = INLINE // 6  # characters that take at most `INLINE` bytes, whatever they are


class Parts:
    """One transcript's large props: what travels of them, and their pages.

    Args:
        props_of: a block's props by its id; None if there is no such block.
        text_of: the whole text that a tool call returned, by its block's id; None if it returned anything else. It is not
            masked: of the live value the transcript has only the head.
        mask: hides what must not be seen, without changing a text's length.
    """

    def __init__(
        self,
        props_of: Callable[[str], Mapping[str, Any] | None],
        text_of: Callable[[str], str | None],
        mask: Callable[[str], str],
    ) -> None:
        self._props_of = props_of
        self._text_of = text_of
        self._mask = mask
        self._json: tuple[Any, str] | None = None

    def slim(self, ops: Iterable[Op]) -> list[Op]:
        """The ops as they travel: long texts as appends, other large props as markers."""
        light: list[Op] = []
        for op in ops:
            if op[0] == "append" or op[0] == "close":
                light.append(op)
            else:
                light += self._slim(op)
        return light

    def page(self, name: str, at: int, room: int) -> tuple[str, int]:
        """A page of a part, and the characters in all of it.

        Args:
            name: as in the marker.
            at: the page's first character.
            room: bytes of JSON that the page may take.

        Raises:
            LookupError: there is no such part; the message is for the reader.
        """
        block, field, value = self._find(name)
        live = self._live(block, value) if field == "text/plain" else None
        if live is not None:
            start = max(0, at - CONTEXT)
            seen = self._mask(live[start : at + room + CONTEXT])
            return truncate_to_bytes(seen, at - start, room)[0], len(live)
        text = self._text(value)
        page, _ = truncate_to_bytes(text, at, room)
        if at + len(page) >= len(text):
            self._json = None
        return page, len(text)

    def _slim(self, op: Any) -> list[Op]:
        id: str = op[1]
        light: dict[str, Any] = {}
        texts: list[Op] = []
        for field, value in op[-1].items():
            if field in STREAMED and isinstance(value, str) and len(value) > _SHORT:
                light[field] = ""
                texts.append(("append", id, field, value))
            elif field == "result" and isinstance(value, dict):
                light[field] = _bundle(f"result/{id}", value, self._live(id, value.get("text/plain")))
            elif field in _BUNDLES and isinstance(value, dict):
                light[field] = _bundle(f"prop/{id}/{field}", value)
            else:
                light[field] = _inline(f"prop/{id}/{field}", value, INLINE)
        return [(*op[:-1], light), *texts]

    def _live(self, id: str, shown: Any) -> str | None:
        """The whole text of which `shown` is the head; None if that is all there is, or something else."""
        live = self._text_of(id) if isinstance(shown, str) else None
        if live is None or len(live) <= len(shown):
            return None
        return live if self._mask(live[: HEAD + CONTEXT])[:HEAD] == shown[:HEAD] else None

    def _find(self, name: str) -> tuple[str, str, Any]:
        """A part's block, the field in which it is found there, and its value."""
        kind, _, rest = name.partition("/")
        for at in (index for index, character in enumerate(rest) if character == "/"):  # an id may hold slashes, too
            id, field = rest[:at], rest[at + 1 :]
            props = self._props_of(id)
            if props is None:
                continue
            bundle = props.get("result") if kind == "result" else props if kind == "prop" else None
            if kind == "prop" and "/" in field:
                outer, _, field = field.partition("/")
                bundle = props.get(outer)
            if isinstance(bundle, Mapping) and bundle.get(field) is not None:
                return id, field if kind == "result" else "", bundle[field]
        raise LookupError(f"no such part: {name}")

    def _text(self, value: Any) -> str:
        """The value's text; that of JSON is kept while its pages are read, so that it is not written for each of them."""
        if isinstance(value, str):
            return value
        if self._json is None or self._json[0] is not value:
            self._json = (value, msgspec.json.encode(value).decode())
        return self._json[1]


def _bundle(path: str, bundle: Mapping[str, Any], whole: str | None = None) -> dict[str, Any]:
    """A dict of payloads, each inline or a marker; what follows when there is room for no more markers is left out."""
    light: dict[str, Any] = {}
    room = BUNDLE
    for name, value in bundle.items():
        if whole is not None and name == "text/plain":
            light[name] = _marker(f"{path}/{name}", value, len(whole))
        else:
            light[name] = _inline(f"{path}/{name}", value, min(INLINE, room))
        room -= json_size({name: light[name]})
        if room < 0:
            del light[name]
            break
    return light


def _inline(name: str, value: Any, limit: int) -> Any:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        if len(value) <= limit // 6 or (len(value) <= limit and json_size(value) <= limit):
            return value
        return _marker(name, value, len(value))
    encoded = msgspec.json.encode(value)
    if len(encoded) <= limit:
        return value
    return _marker(name, encoded[: 4 * HEAD].decode(errors="ignore"), len(encoded.decode()))


def _marker(name: str, text: str, size: int) -> dict[str, Any]:
    return {"part": name, "size": size, "head": truncate_to_bytes(text[:HEAD], 0, 2 * HEAD)[0]}
