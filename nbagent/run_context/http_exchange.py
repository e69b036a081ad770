"""`HTTPExchange`: one HTTP request of the code inside a run, and the bytes of its response."""

import time
from collections.abc import Callable
from typing import Any

WIRE_BYTES = 4 * 1024 * 1024
"""Bytes of a response that are kept at most; the rest is counted."""


class HTTPExchange:
    """One HTTP request, and its response as it comes.

    The transport writes it, a call at a time; any thread may read it.

    Args:
        url: address, without credentials.
        body: of the request, as it was sent.
        lane: id of the lane that sent it; None if the run has none.
        step: number of the model's response that it asks for, from 1; None if the sender does not
            know it.
        agent: name of the agent that sent it; None if the sender does not know it.
        inside: id of this agent, as the run's events have it, if it works inside a call; else None.

    Attributes:
        started: when it was sent, in seconds since the epoch.
        ended: when its response was complete, was closed or broke; None before.
        seconds: from the one to the other, on a clock that is never set; None before the end.
        status: HTTP status; None before the response.
        problem: how it broke, as the exception said it; None if it did not.
        is_complete: whether the response came to its end.
        size: bytes of the response so far.
        decode: undoes the response's content encoding.
        on_end: called once, at the end.
        send_again: returns the items of the response to a request of another body, sent the same
            way, as a stream; None if the way is not known.
    """

    def __init__(
        self,
        url: str,
        body: bytes,
        *,
        lane: str | None = None,
        step: int | None = None,
        agent: str | None = None,
        inside: str | None = None,
    ) -> None:
        self.url = url
        self.body = body
        self.lane = lane
        self.step = step
        self.agent = agent
        self.inside = inside
        self.started = time.time()
        self.ended: float | None = None
        self.seconds: float | None = None
        self.status: int | None = None
        self.problem: str | None = None
        self.is_complete = False
        self.size = 0
        self.decode: Callable[[bytes], bytes] = bytes
        self.on_end: Callable[[HTTPExchange], None] = lambda exchange: None
        self.send_again: Callable[[bytes], Any] | None = None
        self._began = time.monotonic()
        self._chunks: list[bytes] = []
        self._kept = 0

    @property
    def wire(self) -> bytes:
        """The first bytes of the response, as they came."""
        return b"".join(self._chunks)

    @property
    def kept(self) -> int:
        """Number of bytes of the response that are kept."""
        return self._kept

    def take(self, chunk: bytes) -> None:
        """Keep the next bytes of the response."""
        self.size += len(chunk)
        room = WIRE_BYTES - self._kept
        if room > 0:
            kept = chunk[:room]
            self._chunks.append(kept)
            self._kept += len(kept)

    def end(self, error: BaseException | None = None, *, complete: bool = False) -> None:
        """End the exchange. Only the first call counts.

        Args:
            error: that ended it; None if its reader closed it, or it is complete.
            complete: whether the response came to its end.
        """
        if self.ended is not None:
            return
        self.ended, self.seconds = time.time(), time.monotonic() - self._began
        self.is_complete = complete
        if error is not None and not isinstance(error, GeneratorExit):
            self.problem = f"{type(error).__name__}: {error}".removesuffix(": ")
        self.on_end(self)

    def drop_wire(self) -> None:
        """Forget the bytes of the response."""
        self._chunks, self._kept = [], 0
