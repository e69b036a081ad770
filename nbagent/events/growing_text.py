"""Text that grows by a few characters at a time."""

MAX_PIECES = 1024
"""Strings that are kept before they are joined: each takes some 60 bytes besides its text."""


class GrowingText:
    """A text that grows in constant time, kept as few strings.

    Args:
        text: the text to begin with. It is not copied.
    """

    __slots__ = ("_fresh", "_joined")

    def __init__(self, text: str = "") -> None:
        self._joined = [text]
        self._fresh: list[str] = []

    def append(self, text: str) -> None:
        """Append a string."""
        fresh = self._fresh
        fresh.append(text)
        if len(fresh) >= MAX_PIECES:
            self._joined.append("".join(fresh))
            self._fresh = []

    def __str__(self) -> str:
        return "".join((*self._joined, *self._fresh))
