"""The encoding of an MCP server's output: UTF-8, with a limit for the length of a line.

The SDK's transport joins the pieces of a line for as long as its end has not come. The one part of
that which can be chosen is the encoding, so the limit is a codec
(https://docs.python.org/3/library/codecs.html#codecs.register).
"""

import codecs
from collections.abc import Callable
from contextvars import ContextVar

ENCODING = "nbagent_bounded_lines"
"""Name of the encoding."""

MAX_LINE_BYTES = 16 * 1024 * 1024
"""Bytes of a line, which is one message of the server."""

ON_LONG_LINE: ContextVar[Callable[[], None]] = ContextVar("nbagent_on_long_line")
"""Called when a line is too long. Set where the server is connected."""


class BoundedLines(codecs.IncrementalDecoder):
    """Decodes whole lines, and drops those that are too long.

    Args:
        errors: as for `bytes.decode`.
    """

    def __init__(self, errors: str = "strict") -> None:
        super().__init__(errors)
        self._on_long_line = ON_LONG_LINE.get()
        self._pieces: list[bytes] = []
        self._size = 0

    def decode(self, data: bytes, final: bool = False) -> str:  # type: ignore[override]  # of bytes-like objects
        """Return the lines that the bytes complete."""
        whole, newline, rest = data.rpartition(b"\n")
        text = ""
        if newline:
            self._keep(whole + newline)
            text = b"".join(self._pieces).decode("utf-8", self.errors)
            self._pieces, self._size = [], 0
        self._keep(rest)
        return text

    def _keep(self, piece: bytes) -> None:
        is_first = self._size <= MAX_LINE_BYTES
        self._size += len(piece)
        if self._size <= MAX_LINE_BYTES:
            self._pieces.append(piece)
            return
        self._pieces = []
        if is_first:
            self._on_long_line()


def _find(name: str) -> codecs.CodecInfo | None:
    if name != ENCODING:
        return None
    utf_8 = codecs.lookup("utf-8")
    return codecs.CodecInfo(
        utf_8.encode, utf_8.decode, incrementaldecoder=BoundedLines, name=ENCODING
    )


codecs.register(_find)
