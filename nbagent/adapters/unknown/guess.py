"""`TextGuess`: where the text stands in items of a system that nobody knows."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from nbagent.adapters.base.fields import get_field, nonempty_str

MAX_DEPTH = 5
"""Fields inside each other that are looked into."""

_OF_TEXT = (
    "content",
    "text",
    "delta",
    "output_text",
    "output",
    "answer",
    "response",
    "token",
    "result",
)
"""Names of fields that hold text, the most usual first."""
_AROUND = (*_OF_TEXT, "message", "data", "chunk", "choices", "parts", "content_block", "event")
"""Names of fields that hold such fields."""

_Path: TypeAlias = tuple[str | int, ...]


class TextGuess:
    """The text of items, by a guess: the first field of each type that is called as such fields
    are.
    """

    def __init__(self) -> None:
        self._paths: dict[type, _Path] = {}
        self._so_far = ""

    def text(self, item: Any) -> str:
        """Return the text of an item that has not been told; "" for none.

        The last item of a stream often has the whole text once more.
        """
        path = self._paths.get(type(item))
        if path is None:
            path = _text_path(item)
        if path is None:
            return ""
        found = _at(item, path)
        if not isinstance(found, str) or not found:
            return ""
        self._paths[type(item)] = path
        if len(found) > 1 and found == self._so_far:
            return ""
        self._so_far += found
        return found

    def adapter(self, item: Any) -> str:
        """Return the `adapter=` that reads such an item as the guess does."""
        expression = "item"
        value = item
        for step in self._paths[type(item)]:
            if isinstance(value, Mapping) or isinstance(step, int):
                expression += f"[{step!r}]".replace("'", '"')
            else:
                expression += f".{step}"
            value = _inner(value, step)
        return f"lambda item: {expression}"


def _text_path(item: Any) -> _Path | None:
    """Return the way to the text nearest to the surface; None if there is none."""
    level: list[tuple[_Path, Any]] = [((), item)]
    for _ in range(MAX_DEPTH):
        for path, value in level:
            for name in _OF_TEXT:
                if nonempty_str(_inner(value, name)):
                    return (*path, name)
        level = [pair for path, value in level for pair in _containers(path, value)]
    return None


def _containers(path: _Path, value: Any) -> Iterator[tuple[_Path, Any]]:
    """Yield the values in which the text may stand, each with its path."""
    if isinstance(value, list | tuple):
        if value:
            yield (*path, 0), value[0]
        return
    for name in _AROUND:
        inner = _inner(value, name)
        if inner is not None and not isinstance(inner, str | int | float | bytes):
            yield (*path, name), inner


def _at(item: Any, path: _Path) -> Any:
    for step in path:
        item = _inner(item, step)
    return item


def _inner(value: Any, step: str | int) -> Any:
    """Return a field or an entry; None if there is none, or if its property raises."""
    try:
        if isinstance(step, int):
            return value[step]
        if isinstance(value, list | tuple | str | int | float | bytes):
            return None
        return get_field(value, step)
    except Exception:
        return None
