"""What every decoder is: items in, events out, and a truthful end however the stream died."""

import asyncio
from collections.abc import Hashable, Iterable
from typing import Any, ClassVar, NamedTuple, Protocol

from nbagent.adapters.base.builder import EventBuilder
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field
from nbagent.adapters.base.payload import frame_of
from nbagent.errors import Cancelled
from nbagent.events import STREAM_TRUNCATED, Event, RunStatus, Status


class Decoder(Protocol):
    """Turns one system's items into events. It takes one item at a time and owns no clock, socket or task.

    Several responses may be fed one after another (the steps of an agent's loop); the run is closed once.
    """

    @property
    def system(self) -> str:
        """Whose items it reads."""
        ...

    def feed(self, item: Any) -> Iterable[Event]:
        """The events that one upstream item means. Never raises: what cannot be read becomes a `raw` event."""
        ...

    def end_step(self) -> Iterable[Event]:
        """The source says that the current response is over (its own stream ended); more responses may follow."""
        ...

    def close(self, error: BaseException | None = None) -> Iterable[Event]:
        """The stream is over, by itself or by `error`: closes what is open and ends with exactly one `run.end`."""
        ...


class StopInfo(NamedTuple):
    """How a response ended, as its provider said."""

    status: RunStatus
    finish_reason: str | None = None
    code: str | None = None


TRUNCATED = StopInfo("incomplete", code=STREAM_TRUNCATED)
_STOPS = (Cancelled, asyncio.CancelledError, KeyboardInterrupt)


class BaseDecoder:
    """The book-keeping that decoders share: subclasses implement `read` and `finish`, and write to `self.builder`."""

    system: ClassVar[str] = ""
    stream_outlives_run: ClassVar[bool] = False
    """Whether the service leaves its stream open after the run's end, so that nothing more is to be waited for."""
    reads_frames: ClassVar[bool] = False
    """Whether `read` wants `{"event": name, "data": payload}` whole, since the name says more; else it gets the payload."""

    def __init__(self) -> None:
        self.builder = EventBuilder()
        self.stop_info: StopInfo = TRUNCATED
        self._reported: set[Hashable] = set()
        self._told_unread = False

    def read(self, item: Any) -> None:
        """Understand one item and write what it means. What it raises turns the item into a `raw` event."""
        raise NotImplementedError

    def unread(self, item: Any, name: str | None = None) -> None:
        """Keep an item that does not belong in such a stream, and say so once: `raw` events are not always shown."""
        self.builder.raw(item, name)
        if not self._told_unread:
            self._told_unread = True
            message = f'Items of type {type(item).__name__} are not read here ({self.system}); reveal="all" shows them.'
            self.builder.write(Status(message=message, level="warning", **self.builder.envelope))

    def new_step(self, model: str | None = None, meta: dict[str, Any] | None = None) -> None:
        """A response begins: nothing is known yet of how it ends."""
        self.builder.start_step(model, meta=meta)
        self.stop_info = TRUNCATED
        self._reported.clear()

    def finish(self) -> None:
        """The current response's stream is over: write what was held back, and end the step.

        A subclass also settles the `stop_info` here, if it is still `TRUNCATED` and the stream was whole.
        """
        self.builder.end_step(self.stop_info.finish_reason)

    def feed(self, item: Any) -> list[Event]:
        """The events that one upstream item means. Never raises: what cannot be read becomes a `raw` event."""
        builder = self.builder
        if builder.ended:
            return []
        try:
            frame = frame_of(item)
            is_error = frame.name == "error"
            if is_error and isinstance(frame.data, str) and not self.reads_frames:
                self.fail(frame.data)  # which would pass for a piece of an answer
            else:
                self.read(item if self.reads_frames else frame.data)
            if is_error and self.stop_info.status != "failed":  # not in this system's words, but an error all the same
                self.fail_with(frame.data)
        except Exception:  # an item of a shape nobody foresaw must not end the run
            builder.raw(item)
        return builder.take()

    def end_step(self) -> list[Event]:
        """The source says that the current response is over (its own stream ended); more responses may follow."""
        if self.builder.in_step and not self.builder.ended:
            self.finish()
        return self.builder.take()

    def close(self, error: BaseException | None = None) -> list[Event]:
        """The stream is over, by itself or by `error`: closes what is open and ends with exactly one `run.end`."""
        builder = self.builder
        if builder.ended:
            return []
        builder.begin()
        if isinstance(error, _STOPS):
            self.stop_info = StopInfo("cancelled")
        elif error is not None:
            message = getattr(error, "message", None)
            self.fail(nonempty_str(message) or str(error), nonempty_str(getattr(error, "code", None)), type(error).__name__)
        if builder.in_step:
            self.finish()
        end = self.stop_info
        by = {"stopped_by": getattr(error, "by", "you")} if end.status == "cancelled" and error else None
        builder.end(end.status, finish_reason=end.finish_reason, code=end.code, meta=by)
        return builder.take()

    def fail(self, message: str, code: str | None = None, error_type: str | None = None, fatal: bool = True) -> None:
        """Write an error once: a service that fails often says so twice, and its SDK a third time."""
        message = message or code or error_type or "the service reported an error without a message"
        if message not in self._reported:
            self._reported.add(message)
            self.builder.error(message, code=code, error_type=error_type, fatal=fatal)
        if fatal:
            self.stop_info = StopInfo("failed", self.stop_info.finish_reason, code)

    def fail_with(self, error: Any) -> None:
        """Write the error that an item carries: `{message, type?, code?}`, that under `error`, or a plain text."""
        payload = fields_or_empty(error)
        if not str_field(payload, "message") and payload.get("error"):
            error = payload["error"]
            payload = fields_or_empty(error)
        if isinstance(error, str):
            self.fail(error)
            return
        code = payload.get("code")
        self.fail(
            str_field(payload, "message") or str_field(payload, "detail") or "",
            str(code) if code not in (None, "") else None,
            str_field(payload, "type"),
        )
