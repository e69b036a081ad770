"""Decoder protocol, and the base class of the decoders: items in, events out, and a truthful
`run.end`.
"""

import asyncio
import traceback
from collections.abc import Callable, Hashable, Iterable, Set
from typing import Any, ClassVar, NamedTuple, Protocol

import msgspec

from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.exceptions import message_of
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, safe_message, str_field
from nbagent.adapters.base.payload import frame_of
from nbagent.errors import Cancelled, StreamError
from nbagent.events import RAW_HINT, STREAM_TRUNCATED, Event, RunStatus
from nbagent.mime.error import error_of
from nbagent.sources.hints import hint_for, type_name


class Decoder(Protocol):
    """Turns one system's items into events, one item at a time, without a clock, a socket or a
    task.

    Several responses may be fed one after another (the steps of an agent's loop). The run is closed
    once.
    """

    @property
    def system(self) -> str:
        """Name of the system, such as "openai.chat"."""
        ...

    def feed(self, item: Any) -> Iterable[Event]:
        """Return the events of one upstream item.

        Never raises: an item that cannot be read becomes a `raw` event.
        """
        ...

    def end_step(self) -> Iterable[Event]:
        """End the current response, whose own stream ended. More responses may follow."""
        ...

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """End the run, by EOF or by `error`: close what is open and write exactly one `run.end`."""
        ...


class StopInfo(NamedTuple):
    """End of a response: the run's status, the provider's finish reason, and the code of a
    failure.
    """

    status: RunStatus
    finish_reason: str | None = None
    code: str | None = None

    @classmethod
    def of_reason(cls, reason: str | None, cut_short: Set[str]) -> "StopInfo":
        """Return "incomplete" if the finish reason is one of `cut_short`, else "completed"."""
        if reason in cut_short:
            return cls("incomplete", reason, reason)
        return cls("completed", reason)


NO_ITEMS = "no_items"
"""Code of a run whose stream ended before its first item."""

UNKNOWN_ITEMS = "unknown_items"
"""Code of a run whose stream had items, of which its decoder knew none."""

TRUNCATED = StopInfo("incomplete", code=STREAM_TRUNCATED)
_STOPS = (Cancelled, asyncio.CancelledError, KeyboardInterrupt)


class BaseDecoder:
    """Base class of the decoders.

    A subclass implements `read`, overrides `finish` if needed, and writes to `self.builder`.

    Attributes:
        builder: collects the events.
        stop_info: how the current response ended; `TRUNCATED` until the provider reports it.
    """

    system: ClassVar[str] = ""
    before: ClassVar[tuple[str, ...]] = ()
    """Systems that are asked after this one whether an item is theirs, because theirs may be like
    this system's. For adapters of other packages: nbagent's own have an order. "text" is always
    asked later.
    """
    stream_outlives_run: bool = False
    """True if the service leaves its stream open after the run's end: a reader must not wait for
    its EOF.
    """
    reads_frames: ClassVar[bool] = False
    """True if `read` takes `{"event": name, "data": payload}` whole, False if only the payload."""
    texts_have_ids: ClassVar[bool] = False
    """True if the system identifies its texts.

    Otherwise text that follows a tool call is a new text: see `EventBuilder`.
    """
    runs_tools: ClassVar[bool] = False
    """True if the system runs the tools, so that an error that ends the stream may be a tool's."""
    system_of: Callable[[Any], str | None] | None = None
    """Returns the name of the system that an item is of, or None; itself None if nobody asks."""

    def __init__(self) -> None:
        self.builder = EventBuilder(texts_have_ids=self.texts_have_ids)
        self.stop_info: StopInfo = TRUNCATED
        self._reported: set[Hashable] = set()
        self._unread_warned = False
        self._read_count = 0
        self._first: Any = None
        self._understood = False

    def read(self, item: Any) -> None:
        """Write the events of one item.

        Anything that this raises turns the item into a `raw` event.
        """
        raise NotImplementedError

    def unread(self, item: Any, name: str | None = None) -> None:
        """Write an item that no such stream has as a `raw` event, and warn once: `raw` events may
        be hidden.
        """
        self.builder.raw(item, name)
        if not self._unread_warned:
            self._unread_warned = True
            message = f"Items of type {type(item).__name__} are not read here ({self.system})."
            self.builder.status(message + RAW_HINT, level="warning")

    def new_step(self, model: str | None = None, meta: dict[str, Any] | None = None) -> None:
        """Start a step, and forget how the response before it ended."""
        self.builder.start_step(model, meta=meta)
        self.stop_info = TRUNCATED
        self._reported.clear()

    def finish(self) -> None:
        """End the current response: write anything kept back, and end the step.

        A subclass sets `stop_info` here if it is still `TRUNCATED` although the stream was
        complete.
        """
        self.builder.end_step(self.stop_info.finish_reason)

    def end_response(self) -> None:
        """End the current response, if one is open."""
        if self.builder.in_step:
            self.finish()

    def complete(self) -> None:
        """Complete the run, unless the provider has reported how it ended."""
        if self.stop_info == TRUNCATED:
            self.stop_info = StopInfo("completed")

    def expect_more(self) -> None:
        """Take back that the run is complete: it is truncated if the stream ends here."""
        if self.stop_info.status == "completed":
            self.stop_info = TRUNCATED

    def feed(self, item: Any) -> list[Event]:
        """Return the events of one upstream item.

        Never raises: an item that cannot be read becomes a `raw` event.
        """
        builder = self.builder
        if builder.ended:
            return []
        raw_count = builder.raw_count
        try:
            frame = frame_of(item)
            is_error = frame.name == "error"
            if is_error and isinstance(frame.data, str) and not self.reads_frames:
                self.fail(frame.data)  # a plain string would pass for a piece of an answer
            else:
                self.read(item if self.reads_frames else frame.data)
            if is_error and self.stop_info.status != "failed":
                # `read` did not know the payload as an error.
                self.fail_with(frame.data)
        except Exception:  # an item of an unforeseen shape must not end the run
            self.unread(item)
        if not self._read_count:
            self._first = item
        self._read_count += 1
        self._understood = self._understood or builder.raw_count == raw_count
        return builder.take()

    def closed(self) -> None:
        """Take note that the service closed its connection properly (a WebSocket's close frame),
        with no more items to come.

        Does nothing. A subclass whose protocol has no last word on a WebSocket sets `stop_info`.
        """

    def end_step(self) -> list[Event]:
        """End the current response, whose own stream ended. More responses may follow."""
        if not self.builder.ended:
            self.end_response()
        return self.builder.take()

    def at_eof(self) -> None:
        """Write what only the end of the stream makes known, and set `stop_info`.

        Does nothing here. May be called twice.
        """

    def pause(self) -> list[Event] | None:
        """End the stream, but not the run, if the run waits for its reader, whose answer another
        stream follows.

        Returns:
            The last events of the stream; None if the run does not wait. `close` then ends it.
        """
        if not self.builder.ended:
            self.at_eof()
        if self.builder.ended or self.stop_info.status != "paused":
            return None
        self.end_response()
        self.builder.end_texts_and_reasoning()
        return self.builder.take()

    def go_on(self) -> None:
        """Go on with a run that was paused: the items of its next stream follow."""
        self.stop_info = TRUNCATED

    def close(self, error: BaseException | None = None) -> list[Event]:
        """End the run, by EOF or by `error`: close what is open and write exactly one `run.end`."""
        builder = self.builder
        if builder.ended:
            return []
        builder.begin()
        if isinstance(error, _STOPS):
            self.stop_info = StopInfo("cancelled")
        elif error is not None:
            message = message_of(error)
            self.fail(message, nonempty_str(getattr(error, "code", None)), type(error).__name__)
            if self.runs_tools and not isinstance(error, StreamError):
                self._fail_tool(error, message)
        else:
            self.at_eof()
        self.end_response()
        if not self._understood and self.stop_info.status in ("completed", "incomplete"):
            self._say_that_nothing_was_understood()
        end = self.stop_info
        if end.status == "cancelled" and error:
            stopped_by = {"stopped_by": getattr(error, "by", "you")}
        else:
            stopped_by = None
        builder.end(end.status, finish_reason=end.finish_reason, code=end.code, meta=stopped_by)
        return builder.take()

    def _fail_tool(self, error: BaseException, message: str) -> None:
        """Give the error that ended the run to the tool call that raised it.

        That is the one whose function is in the traceback; without such a function, the only call
        that was running.
        """
        running = [block for block in self.builder.unanswered() if block.args_complete]
        functions = {frame.name for frame in traceback.extract_tb(error.__traceback__)}
        for block in [block for block in running if block.name in functions] or (
            running if len(running) == 1 else []
        ):
            info = msgspec.structs.replace(error_of(error), message=safe_message(message))
            self.builder.tool_result(block, None, status="error", error=info)

    def _say_that_nothing_was_understood(self) -> None:
        """End as incomplete a stream that had no items, or none that this decoder knows."""
        was_complete = self.stop_info.status == "completed"
        if not self._read_count:
            if was_complete:
                self.stop_info = StopInfo("incomplete", code=NO_ITEMS)
                self.builder.status("The stream ended without anything to show.", level="warning")
            return
        if was_complete:
            self.stop_info = StopInfo("incomplete", code=UNKNOWN_ITEMS)
        self.not_understood(self._read_count, self._first)

    def not_understood(self, items: int, first: Any) -> None:
        """Write that no item of the stream was understood: their number, the type of the first, and
        the adapter that reads it, else the right call.
        """
        if items == 1:
            read = "1 item and did not know it"
        else:
            read = f"{items} items and knew none"
        system = self.system_of(first) if self.system_of is not None else None
        hint = hint_for(type_name(first))
        if system not in (None, self.system):
            hint = f" adapter={system!r} reads it."
        message = (
            f"The adapter {self.system!r} read {read}. The first is of type "
            f"{type_name(first)}.{hint}"
        )
        self.builder.status(message, level="warning")

    def fail(
        self,
        message: str,
        code: str | None = None,
        error_type: str | None = None,
        fatal: bool = True,
    ) -> None:
        """Write an error once per response and message.

        A fatal one makes the run's status `failed`.
        """
        message = message or code or error_type or "the service reported an error without a message"
        if message not in self._reported:
            # Services report a failure twice, and their SDK raises it a third time.
            self._reported.add(message)
            self.builder.error(message, code=code, error_type=error_type, fatal=fatal)
        if fatal:
            self.stop_info = StopInfo("failed", self.stop_info.finish_reason, code)

    def fail_with(self, error: Any) -> None:
        """Write the error of an item: `{message, type?, code?}`, the same under `error`, or a plain
        string.
        """
        info = fields_or_empty(error)
        if not str_field(info, "message") and info.get("error"):
            error = info["error"]
            info = fields_or_empty(error)
        if isinstance(error, str):
            self.fail(error)
            return
        code = info.get("code")
        self.fail(
            str_field(info, "message", "detail", default=""),
            str(code) if code not in (None, "") else None,
            str_field(info, "type"),
        )
