"""Values that are too large to travel with their block; the view asks for their pages when they are
opened.

In ops, a prop of more than 8 KB that is not a streamed text becomes a marker,
`nbagent.protocol.values.LargeValue`. JSON is paged as its text. Characters are Unicode code points,
as in Python, not a browser's UTF-16 units.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from nbagent.protocol.blocks import BUNDLE_FIELDS, STREAMED_FIELDS
from nbagent.protocol.json_size import json_size, truncate_to_bytes
from nbagent.protocol.ops import Op, Open, Set
from nbagent.protocol.values import LargeValue

INLINE_BYTES = 8 * 1024
"""Bytes of JSON of a prop that travels with its block."""
BUNDLE_BYTES = 24 * 1024
"""Bytes of JSON of all members of a bundle that travel with its block."""
MARKER_BYTES = 1500
"""Bytes of JSON that a marker takes, about; of a bundle as much is kept for each member that
follows.
"""
HEAD_CHARS = 1000
"""Characters of a large value that travel with its block."""
CONTEXT_CHARS = 4096
"""Characters on both sides of a page that are searched for credentials which begin or end outside
of it.
"""

_INLINE_CHARS = INLINE_BYTES // 6  # a character takes at most six bytes of JSON


class LargeValues:
    """The large props of one transcript: their markers, and their pages.

    Args:
        props_of: a block's props by its id; None if there is no such block.
        text_of: the whole text that a tool call returned, by its block's id; None if it returned
            anything else. It is not masked: of the live value the transcript has only the head.
        mask: masks credentials and patterns, without changing a text's length.
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
        self._encoded: tuple[Any, str] | None = None

    def of(self, props_of: Callable[[str], Mapping[str, Any] | None]) -> "LargeValues":
        """Return the large values of other props of the same run."""
        return LargeValues(props_of, self._text_of, self._mask)

    def externalize_large_props(self, ops: Iterable[Op], path: str = "") -> list[Op]:
        """Return the ops as they travel: long texts as appends, other large props as markers whose
        names begin with `path`.
        """
        made: list[Op] = []
        for op in ops:
            if op[0] == "append" or op[0] == "close":
                made.append(op)
            else:
                made += self._externalize(op, path)
        return made

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value, and the characters in all of it.

        Args:
            name: as in the marker.
            offset: of the page's first character.
            max_bytes: bytes of JSON that the page may take.

        Raises:
            LookupError: there is no such value; the message is for the reader.
        """
        block, field, value = self._find(name)
        if field == "text/plain":
            live = self._live_text(block, value)
            if live is not None:
                return self._live_page(live, offset, max_bytes), len(live)
        text = self._as_text(value)
        page, _ = truncate_to_bytes(text, offset, max_bytes)
        if offset + len(page) >= len(text):
            self._encoded = None
        return page, len(text)

    def _live_page(self, text: str, offset: int, max_bytes: int) -> str:
        """Return a page of a text that is not masked yet."""
        start = max(0, offset - CONTEXT_CHARS)
        masked = self._mask(text[start : offset + max_bytes + CONTEXT_CHARS])
        page, _ = truncate_to_bytes(masked, offset - start, max_bytes)
        return page

    def _externalize(self, op: Open | Set, path: str) -> list[Op]:
        id = op[1]
        small: dict[str, Any] = {}
        texts: list[Op] = []
        for field, value in op[-1].items():
            if field in STREAMED_FIELDS and isinstance(value, str) and len(value) > _INLINE_CHARS:
                small[field] = ""
                texts.append(("append", id, field, value))
            elif field == "result" and isinstance(value, dict):
                whole = self._live_text(id, value.get("text/plain"))
                small[field] = _bundle(f"{path}result/{id}", value, whole)
            elif field in BUNDLE_FIELDS and isinstance(value, dict):
                small[field] = _bundle(f"{path}prop/{id}/{field}", value)
            else:
                small[field] = _inline(f"{path}prop/{id}/{field}", value, INLINE_BYTES)
        if op[0] == "open":
            return [("open", id, op[2], small), *texts]
        return [("set", id, small), *texts]

    def _live_text(self, id: str, shown: Any) -> str | None:
        """Return the whole text of which `shown` is the head; None if `shown` is all of it, or
        belongs to something else.
        """
        if not isinstance(shown, str):
            return None
        live = self._text_of(id)
        if live is None or len(live) <= len(shown):
            return None
        head = self._mask(live[: HEAD_CHARS + CONTEXT_CHARS])[:HEAD_CHARS]
        if head != shown[:HEAD_CHARS]:
            return None
        return live

    def _find(self, name: str) -> tuple[str, str, Any]:
        """Return the block of a large value, the field in which it is found there, and the value
        itself.
        """
        kind, _, rest = name.partition("/")
        for slash, character in enumerate(rest):
            if character != "/":
                continue
            id, field = rest[:slash], rest[slash + 1 :]  # an id may hold slashes, too
            props = self._props_of(id)
            if props is None:
                continue
            bundle: Any = None
            if kind == "result":
                bundle = props.get("result")
            elif kind == "prop" and "/" in field:
                outer, _, field = field.partition("/")
                bundle = props.get(outer)
            elif kind == "prop":
                bundle = props
            if isinstance(bundle, Mapping) and bundle.get(field) is not None:
                value = bundle[field]
                if kind == "prop":
                    field = ""
                return id, field, value
        raise LookupError(f"there is no large value {name!r}")

    def _as_text(self, value: Any) -> str:
        """Return the value's text.

        Encoded JSON is kept while its pages are read, so that it is encoded once.
        """
        if isinstance(value, str):
            return value
        if self._encoded is None or self._encoded[0] is not value:
            self._encoded = (value, msgspec.json.encode(value).decode())
        return self._encoded[1]


def _bundle(path: str, bundle: Mapping[str, Any], whole: str | None = None) -> dict[str, Any]:
    """Return a dict of payloads, each inline or a marker; those for which even the markers are too
    large are left out.
    """
    made: dict[str, Any] = {}
    free = BUNDLE_BYTES
    for number, (name, value) in enumerate(bundle.items(), 1):
        if whole is not None and name == "text/plain":
            made[name] = _marker(f"{path}/{name}", value, len(whole))
        else:
            reserved = (len(bundle) - number) * MARKER_BYTES
            max_bytes = min(INLINE_BYTES, max(0, free - reserved))
            made[name] = _inline(f"{path}/{name}", value, max_bytes)
        free -= json_size({name: made[name]})
        if free < 0:
            del made[name]
            break
    return made


def _inline(name: str, value: Any, max_bytes: int) -> Any:
    """Return the value itself if its JSON takes at most `max_bytes`, else its marker."""
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, str):
        if len(value) <= max_bytes // 6:  # a character takes at most six bytes of JSON
            return value
        if len(value) <= max_bytes and json_size(value) <= max_bytes:
            return value
        return _marker(name, value, len(value))
    encoded = msgspec.json.encode(value)
    if len(encoded) <= max_bytes:
        return value
    return _marker(name, encoded[: 4 * HEAD_CHARS].decode(errors="ignore"), len(encoded.decode()))


def _marker(name: str, text: str, size: int) -> dict[str, Any]:
    head, _ = truncate_to_bytes(text[:HEAD_CHARS], 0, 2 * HEAD_CHARS)
    return msgspec.structs.asdict(LargeValue(part=name, size=size, head=head))
