"""Text that grows by a few characters at a time."""

from collections import deque

JOINED = 4096
"""Characters after which small strings become one: a million deltas as a million strings would take 60 bytes each."""


class GrowingText:
    """A text that grows in constant time, kept as few strings, in the order they came.

    A string that is large already is kept as it is, not copied: whoever else holds it shares it.

    Args:
        text: what it begins with.
    """

    __slots__ = ("_fresh", "_size", "_strings")

    def __init__(self, text: str = "") -> None:
        self._strings: deque[str] = deque((text,) if text else ())
        self._fresh: list[str] = []
        self._size = 0

    def append(self, text: str) -> None:
        """Add at the end."""
        if text:
            self._fresh.append(text)
            self._size += len(text)
            if self._size >= JOINED:
                self._join()

    @property
    def strings(self) -> deque[str]:
        """Its strings, none empty; whoever sends the text away takes them from the left."""
        self._join()
        return self._strings

    def __str__(self) -> str:
        strings = self.strings
        return strings[0] if len(strings) == 1 else "".join(strings)

    def _join(self) -> None:
        if self._fresh:
            large = self._fresh.pop() if len(self._fresh[-1]) >= JOINED else ""
            if self._fresh:
                self._strings.append("".join(self._fresh))
            if large:
                self._strings.append(large)
            self._fresh = []
            self._size = 0
