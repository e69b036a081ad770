"""`CallOutput`: output and progress of a running tool call, shown before its result."""

import asyncio
import contextlib
import contextvars
import os
import threading
from collections import deque
from collections.abc import Awaitable, Callable
from types import TracebackType

from nbagent import events as e
from nbagent.agent.calls.console_text import ConsoleText
from nbagent.events.jsonable import text_safe
from nbagent.mime.text import count, first, last

INTERVAL_S = 0.1
"""Seconds between two events of one kind."""
INTERVAL_PROGRESS = 8
"""Reports of progress in that time that are all handed on, so that a client of the tool sees each
step of a short one.
"""
OUTPUT_CHARS = 100_000
"""Characters of one call's output that are shown: its beginning as it comes, the rest when the call
ends.
"""
TAIL_CHARS = 20_000
"""Characters of the end that are kept when the output is longer."""

_PENDING_CHARS = 16_384
"""Characters that wait before they are cut to the limits."""
_MARGIN_CHARS = 4096
"""Characters beyond a cut that are kept, so that a secret in it is recognised."""
_MESSAGE_CHARS = 200


class CallOutput:
    """The output, progress and preliminary results of a call, from any thread, as events at a
    bounded rate.

    A context manager of the call's task: at its end everything has been emitted. What comes later
    is not taken.

    Args:
        id: of the call.
        emit: emits an event of the run; may wait until its reader has space, which never blocks the
            tool.
    """

    def __init__(self, id: str, emit: Callable[[e.Event], Awaitable[None]]) -> None:
        self._id = id
        self._pid = os.getpid()
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._context = contextvars.copy_context()
        # Reentrant: code that runs anywhere, a finalizer or a signal's handler, may print too.
        self._lock = threading.RLock()
        self._text = ConsoleText()
        self._head: list[str] = []
        self._room = OUTPUT_CHARS - TAIL_CHARS
        self._tail = ""
        self._tail_total = 0
        self._live = ""
        self._progress: deque[e.ToolProgress] = deque(maxlen=INTERVAL_PROGRESS)
        self._preliminary: Callable[[], e.ToolResult] | None = None
        self._open = True
        self._task: asyncio.Task[None] | None = None
        self._scheduled = False
        self._closing = asyncio.Event()
        self.written: int = 0
        """Characters written so far."""

    def write(self, text: str) -> bool:
        """Add what the tool prints.

        Returns False if the call is over, and in a process that the tool has forked.
        """
        if os.getpid() != self._pid:  # with a copy of the lock, which may be held for ever
            return False
        with self._lock:
            if not self._open:
                return False
            self.written += len(text)
            self._text.feed(text)
            if self._text.chars > _PENDING_CHARS:
                self._collect(self._text.take())
            self._schedule()
        return True

    def progress(self, progress: e.ToolProgress) -> None:
        """Show progress: all of a few that come together, the newest ones of many."""
        with self._lock:
            self._progress.append(progress)
            self._schedule()

    def preliminary(self, result: Callable[[], e.ToolResult]) -> None:
        """Show a preliminary result, in place of the latest one.

        Args:
            result: makes the event, on the loop, if it is not replaced before.
        """
        with self._lock:
            self._preliminary = result
            self._schedule()

    async def __aenter__(self) -> "CallOutput":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            self._open = False
            self._closing.set()
            if error is None:
                self._preliminary = None  # the result comes next
            self._collect(self._text.close())
            self._live = ""
        if self._task is not None:
            await asyncio.wait([self._task])
        for event in self._take():
            await self._emit(event)
        if self._tail:
            await self._emit(e.ToolOutput(id=self._id, delta=text_safe(self._ending())))

    # --- on the loop ---

    def _schedule(self) -> None:
        if self._open and not self._scheduled:
            self._scheduled = True
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody reads
                self._loop.call_soon_threadsafe(self._begin, context=self._context)

    def _begin(self) -> None:
        if self._open:
            self._task = self._loop.create_task(self._report(), name="nbagent-output")

    async def _report(self) -> None:
        while events := self._take():
            for event in events:
                await self._emit(event)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._closing.wait(), INTERVAL_S)

    def _take(self) -> list[e.Event]:
        """Return the events that are due; none ends the task, and the next write begins another."""
        with self._lock:
            self._collect(self._text.take())
            text, self._head = "".join(self._head), []
            live = self._text.live or self._last_line()
            if live and live != self._live and not self._progress and self._open:
                self._progress.append(e.ToolProgress(id=self._id, message=live[:_MESSAGE_CHARS]))
            self._live = live
            preliminary, self._preliminary = self._preliminary, None
            events: list[e.Event] = (
                [e.ToolOutput(id=self._id, delta=text_safe(text))] if text else []
            )
            events += self._progress
            self._progress.clear()
            if preliminary is not None:
                events.append(preliminary())
            self._scheduled = bool(events)
            return events

    def _collect(self, text: str) -> None:
        """Keep a text within the limits."""
        room, self._room = self._room, max(0, self._room - len(text))
        if room:
            self._head.append(self._context.run(first, text, room) if len(text) > room else text)
            text = text[room:]
        if text:
            self._tail_total += len(text)
            self._tail = (self._tail + text)[-TAIL_CHARS - _MARGIN_CHARS :]

    def _last_line(self) -> str:
        """Return the last line of an output that is too long to be shown as it comes."""
        lines = self._tail[-10 * _MESSAGE_CHARS :].rstrip().rpartition("\n")
        return lines[2][:_MESSAGE_CHARS]

    def _ending(self) -> str:
        left_out = self._tail_total - TAIL_CHARS
        tail = self._context.run(last, self._tail, TAIL_CHARS)
        if left_out > 0:
            return f"\n… {count(left_out, 'more character')} left out …\n{tail}"
        return tail
