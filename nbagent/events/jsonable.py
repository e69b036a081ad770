"""Conversion of any value to JSON types: one converter, and policies for its limits and its
treatment of objects.
"""

import contextlib
import math
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from nbagent.protocol.json_size import MAX_EXACT_INT

INT64 = range(-(2**63), 2**64)
"""The integers of 64 bits, signed or not: JSON readers outside browsers keep them."""

MAX_DEPTH = 64
"""Levels of containers that are sent to a browser; its parser has a limit too."""

_DECIMAL_BITS = 4096
"""Bits of the largest integer that is written in decimal: Python refuses longer ones, as that takes
quadratic time.
"""

_SLICE_CHARS = 64 * 1024
"""Characters that are encoded at a time to check them: a long text is not copied as a whole."""


def _ellipsis(value: Any) -> str:
    return "…"


def _null(value: float) -> None:
    return None


def nonfinite_text(value: float) -> str:
    """Return "NaN", "Infinity" or "-Infinity", as JavaScript writes them."""
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def integer_text(value: int) -> str:
    """Return the integer in decimal, or in hexadecimal if it has thousands of digits."""
    return str(value) if value.bit_length() < _DECIMAL_BITS else hex(value)


def expand(value: Any) -> Any:
    """Return one level of an object: a mapping as a dict, a collection as a list, else what its
    `model_dump` returns.

    Never raises: an object that cannot be read, or is of another kind, becomes the name of its
    type.
    """
    with contextlib.suppress(Exception):
        if isinstance(value, Mapping):
            return dict(value)
        if isinstance(value, (list, tuple, set, frozenset)):
            return list(value)
        if callable(dump := getattr(value, "model_dump", None)):
            with contextlib.suppress(Exception):
                return dump(mode="json")
            return dump()  # not every class's takes a mode, and not every value has a JSON form
    return f"<{type(value).__name__}>"


class JsonPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of a `JsonConverter`, and its treatment of values that JSON does not have.

    Attributes:
        max_depth: levels of containers; a container below them becomes its `placeholder`.
        max_objects: objects that are expanded; the others become their placeholders.
        integers: integers that stay numbers.
        integer_text: the text that another integer becomes.
        nonfinite: what NaN and infinities become, which JSON does not have.
        expand: one level of an object: a dict, a list, or a value that is nearer to JSON. Must not
            raise. Called for every value that is neither a scalar nor exactly a dict, list or
            tuple.
        placeholder: the text for a value that is left out.
    """

    max_depth: int = MAX_DEPTH
    max_objects: float = math.inf
    integers: range = range(-MAX_EXACT_INT, MAX_EXACT_INT + 1)
    integer_text: Callable[[int], str] = integer_text
    nonfinite: Callable[[float], str | None] = _null
    expand: Callable[[Any], Any] = expand
    placeholder: Callable[[Any], str] = _ellipsis


BROWSER = JsonPolicy()
"""JSON that every parser accepts and reads alike: integers that JavaScript would round become
text.
"""


def json_safe(value: Any) -> Any:
    """Return the value as JSON for a browser; see `BROWSER` and `JsonConverter`."""
    if value is None or (type(value) is str and value.isascii()):  # nearly every prop of a block
        return value
    return JsonConverter(BROWSER).convert(value)


class JsonConverter:
    """Converts a value to dicts, lists, strings, numbers, booleans and None.

    NaN and infinities become what the policy says (`JSON.parse` rejects them), half surrogate pairs
    U+FFFD (they cannot be encoded), subclasses of the plain types those types, and keys strings. A
    container inside itself becomes its placeholder.

    Args:
        policy: the limits, and what becomes of objects.

    Attributes:
        cut: whether a value was left out because of a limit.
    """

    __slots__ = ("_objects_left", "_outer", "_policy", "cut")

    def __init__(self, policy: JsonPolicy) -> None:
        self.cut: bool = False
        self._policy = policy
        self._objects_left = policy.max_objects
        self._outer: set[int] = set()  # ids of the containers around the value in hand

    def convert(self, value: Any) -> Any:
        """Convert the value."""
        return self._value(value, self._policy.max_depth)

    def _value(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int):
            return self._integer(int(value))
        if isinstance(value, float):
            if math.isfinite(value):
                return float(value)
            return self._policy.nonfinite(float(value))
        own_id = id(value)
        if depth <= 0 or own_id in self._outer:
            return self._omitted(value)
        self._outer.add(own_id)
        try:
            kind = type(value)
            if kind is dict:
                return self._dict(value, depth - 1)
            if kind is list or kind is tuple:
                return self._list(value, depth - 1)
            return self._object(value, depth)
        finally:
            self._outer.discard(own_id)

    def _integer(self, value: int) -> int | str:
        if value in self._policy.integers:
            return value
        return self._text(self._policy.integer_text(value))

    def _object(self, value: Any, depth: int) -> Any:
        if self._objects_left <= 0:
            return self._omitted(value)
        self._objects_left -= 1
        inner = self._policy.expand(value)
        if isinstance(inner, dict):
            return self._dict(inner, depth - 1)
        if isinstance(inner, (list, tuple)):
            return self._list(inner, depth - 1)
        return self._value(inner, depth - 1)

    def _dict(self, items: dict[Any, Any], depth: int) -> dict[str, Any]:
        return {self._key(key): self._value(item, depth) for key, item in items.items()}

    def _list(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        return [self._value(item, depth) for item in items]

    def _key(self, key: Any) -> str:
        if isinstance(key, str):
            return self._text(key)
        try:
            if isinstance(key, tuple) and any(isinstance(level, str) for level in key):
                # Of a table with several levels of columns, where an empty level says nothing.
                return self._text(" / ".join(str(level) for level in key if level != ""))
            return self._text(str(key))
        except Exception:
            return self._text(self._policy.placeholder(key))

    def _text(self, text: str) -> str:
        if type(text) is str and text.isascii():
            return text
        return text_safe(text)

    def _omitted(self, value: Any) -> str:
        self.cut = True
        return self._text(self._policy.placeholder(value))


class BoundedJsonConverter(JsonConverter):
    """A `JsonConverter` that stops after some number of bytes, and counts what it leaves out: "… 12
    more items".

    Args:
        policy: as for `JsonConverter`.
        max_bytes: bytes of JSON that the value may take, give or take these marks of omission.
    """

    __slots__ = ("_bytes_left",)

    def __init__(self, policy: JsonPolicy, max_bytes: int) -> None:
        super().__init__(policy)
        self._bytes_left = max_bytes

    def _value(self, value: Any, depth: int) -> Any:
        made = super()._value(value, depth)
        if not isinstance(made, (str, dict, list)):  # these have been counted by their parts
            self._bytes_left -= 20 if type(made) in (int, float) else 5
        return made

    def _dict(self, items: dict[Any, Any], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        self._bytes_left -= 2
        for number, (key, item) in enumerate(items.items()):
            if self._bytes_left <= 0:
                self.cut = True
                made["…"] = _more(len(items) - number, "key")
                break
            written = self._value(item, depth)
            made[self._key(key)] = written
            self._bytes_left -= 2
        return made

    def _list(self, items: list[Any] | tuple[Any, ...], depth: int) -> list[Any]:
        made: list[Any] = []
        self._bytes_left -= 2
        for item in items:
            if self._bytes_left <= 0:
                self.cut = True
                made.append(f"… {_more(len(items) - len(made), 'item')}")
                break
            made.append(self._value(item, depth))
            self._bytes_left -= 1
        return made

    def _text(self, text: str) -> str:
        max_bytes = max(self._bytes_left, 0)
        head = text_safe(text[:max_bytes])
        while (size := len(msgspec.json.encode(head))) > max_bytes + 2:
            head = head[: len(head) * max_bytes // size]
        self._bytes_left -= size
        if len(head) >= len(text):
            return head
        self.cut = True
        return f"{head}… {_more(len(text) - len(head), 'character')}"


def _more(number: int, noun: str) -> str:
    return f"{number:,} more {noun}{'' if number == 1 else 's'}"


def is_encodable(text: str) -> bool:
    """Return True if the text can be encoded, i.e. has no half of a surrogate pair alone."""
    if text.isascii():
        return True
    try:
        for start in range(0, len(text), _SLICE_CHARS):
            text[start : start + _SLICE_CHARS].encode()
    except UnicodeEncodeError:
        return False
    return True


def text_safe(text: str) -> str:
    """Return the text as a plain `str`, with surrogate pairs joined, and halves without a partner
    replaced by U+FFFD.

    JSON may carry an emoji as two escapes; where a service cuts between them, Python gets two
    strings that cannot be encoded.
    """
    text = str.__str__(text)
    if is_encodable(text):
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
