"""`ServerStderr`: the stderr of the process of an MCP server."""

import asyncio
import concurrent.futures
import contextlib
import contextvars
import os
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TextIO

from nbagent.runtime import work

END_TIMEOUT_S = 1.0
"""Seconds that the end of a server's stderr is waited for, for the message that says that the
server has ended.
"""

_LINES = 12


class ServerStderr:
    """Reads the stderr of one server after the other, and keeps the last lines.

    Args:
        write: called with each line, on a thread.
    """

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._lines: deque[str] = deque(maxlen=_LINES)
        self._own_end: TextIO | None = None
        self._all_read: concurrent.futures.Future[None] | None = None

    @property
    def text(self) -> str:
        """The last lines; "" if there are none."""
        return "\n".join(self._lines)

    def clear(self) -> None:
        """Forget what an earlier server wrote."""
        self._lines.clear()

    @contextlib.contextmanager
    def pipe(self) -> Iterator[Any]:
        """Yield a file for a server's stderr."""
        reading, writing = os.pipe()
        all_read: concurrent.futures.Future[None] = concurrent.futures.Future()
        self._all_read = all_read
        with os.fdopen(writing, "w") as self._own_end:
            read = partial(self._read, reading, all_read)
            # Without the caller's context: what a server writes belongs to no cell or call.
            work.start(partial(contextvars.Context().run, read), name="nbagent-mcp-stderr")
            yield self._own_end

    def close_own_end(self) -> None:
        """Close this process's end of the pipe: the server has its own copy, so that its end is the
        end of what it writes.
        """
        if self._own_end is not None:
            self._own_end.close()

    async def read_to_end(self) -> None:
        """Wait until the stderr of a server that has ended is read."""
        if self._all_read is not None:
            await asyncio.wait([asyncio.wrap_future(self._all_read)], timeout=END_TIMEOUT_S)

    def _read(self, descriptor: int, all_read: "concurrent.futures.Future[None]") -> None:
        try:
            with os.fdopen(descriptor, errors="replace") as lines:
                for line in lines:
                    self._lines.append(line.rstrip())
                    self._write(line)
        finally:
            all_read.set_result(None)
