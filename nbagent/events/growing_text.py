"""Text that grows by a few characters at a time."""

JOINED = 1024
"""Strings after which they become one: a million deltas kept apart would take 60 bytes each, besides their text."""


class GrowingText:
    """A text that grows in constant time, kept as few strings.

    Args:
        text: what it begins with; it is kept as it is, however long, and shared with whoever else holds it.
    """

    __slots__ = ("_fresh", "_joined")

    def __init__(self, text: str = "") -> None:
        self._joined = [text]
        self._fresh: list[str] = []

    def append(self, text: str) -> None:
        """Add at the end."""
        fresh = self._fresh
        fresh.append(text)
        if len(fresh) >= JOINED:
            self._joined.append("".join(fresh))
            self._fresh = []

    def __str__(self) -> str:
        return "".join((*self._joined, *self._fresh))
