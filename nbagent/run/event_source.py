"""`EventSource`: a stream of events, which a run reads."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import TypeAlias

from nbagent.errors import StreamError
from nbagent.events import Event
from nbagent.sources.info import SourceInfo

Take: TypeAlias = Callable[..., None]
"""Takes a function and its arguments, and calls it at once for the next events.

The run calls it with its lock held, so that no item is decoded while another thread closes the
stream; after the run's end it does not call it any more.
"""
OnEnd: TypeAlias = Callable[[BaseException | None], None]
"""Called once, when the stream is over: with None, its own error, or `Cancelled`."""


class EventSource(ABC):
    """A stream of events. It is opened once, and closed once.

    Attributes:
        info: what is known of it before it is read.
        loop: the event loop that it is read on; None for a thread.
    """

    info: SourceInfo
    loop: asyncio.AbstractEventLoop | None

    @property
    @abstractmethod
    def has_idle_timeout(self) -> bool:
        """True if its silence now is no fault, or is limited by the stream itself."""

    @property
    def is_idle(self) -> bool:
        """True if nothing is to come before something is asked, as in a chat."""
        return False

    @abstractmethod
    def open(self, take: Take, on_end: OnEnd) -> None:
        """Begin to read.

        Args:
            take: gets the events of one item after the other.
            on_end: called once, when no more items come. `close` then gives the last events.
        """

    @abstractmethod
    def cancel(self) -> None:
        """Stop reading. Safe to call from any thread, and more than once."""

    def stop(self) -> None:
        """Stop what is being written; a chat goes on."""
        self.cancel()

    @abstractmethod
    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """Return the last events: close what is open, with exactly one `run.end`.

        Called with the lock held, also while the stream is still being read.

        Args:
            error: what ended the stream; None if it has ended by itself.
        """

    def outlasts(self, error: StreamError) -> bool:
        """Handle a time-out. Return True if something else goes on in the stream's place."""
        return False
