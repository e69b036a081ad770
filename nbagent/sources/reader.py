"""`Reader`: the protocol of all that reads a stream and reports how it ended."""

import asyncio
from collections.abc import Callable
from typing import Any, Protocol

from nbagent.errors import Cancelled
from nbagent.sources.broken import connection_error
from nbagent.sources.calls import service_error


class Reader(Protocol):
    """Reads a stream: hands on its items in order, then reports once how it ended."""

    loop: asyncio.AbstractEventLoop | None
    """The loop that it reads on; None for a thread."""

    @property
    def has_idle_timeout(self) -> bool:
        """True if the stream that is being read fails by itself when it has been silent for too
        long.
        """
        ...

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read.

        `on_end` is called once, with None, the stream's own error, or `Cancelled`.
        """

    def cancel(self) -> None:
        """Stop reading and close the stream. Safe to call from any thread, and more than once."""


def end_of(error: BaseException | None, *, is_cancelled: bool) -> BaseException | None:
    """Return how a reader's stream ended: None, `Cancelled` or an error."""
    if is_cancelled:
        return Cancelled()
    return connection_error(error) or service_error(error)
