"""Prints, log records, warnings and displays of tools, routed to the panels of their calls.

`sys.stdout` and `sys.stderr` stay the objects that they are: while calls run, their `write` asks
`CURRENT_CALL` whose text it is. So whatever has kept one of them, such as a logging handler or a
progress bar, is routed too, and ipykernel still finds its own streams. IPython's `display` is
routed the same way.

A context variable travels into the thread of a sync tool and into tasks. Threads that a tool starts
itself do not inherit it (Python 3.14 has `-X thread_inherit_context`), so these print into the
cell; `asyncio.to_thread` and `contextvars.copy_context().run` take it along. What is written to the
file descriptors, by C code or another process, stays in the cell, and so does a widget, which has
to be drawn by the notebook; of a progress bar the panel shows the progress.
"""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from nbagent.agent.calls.context import CURRENT_CALL
from nbagent.agent.calls.output import CallOutput
from nbagent.agent.calls.pyplot_figures import keep_back
from nbagent.agent.calls.widget_progress import follow_bar
from nbagent.runtime.ipython import ipython_shell

_lock = threading.RLock()
_entered = 0
_restore: list[Callable[[], None]] = []


@contextmanager
def routed_console() -> Iterator[None]:
    """Route what tools write, while at least one such block is entered in this process."""
    global _entered
    with _lock:
        _entered += 1
        for stream in (sys.stdout, sys.stderr):
            _route_stream(stream)
        if _entered == 1:
            _route_records()
            _route_displays()
    try:
        yield
    finally:
        with _lock:
            _entered -= 1
            while not _entered and _restore:
                _restore.pop()()


def _output() -> CallOutput | None:
    """Return the output of the call whose tool runs here; None outside of tools."""
    context = CURRENT_CALL.get()
    if context is None:
        return None
    return context.output


class _RoutedWrite:
    """`write` of a stream, which first asks whose text it is."""

    __slots__ = ("_write",)

    def __init__(self, write: Callable[[str], Any]) -> None:
        self._write = write

    def __call__(self, text: str) -> Any:
        output = _output()
        if output is not None and type(text) is str and output.write(text):
            return len(text)
        return self._write(text)


class _RoutedStream:
    """Base of a stream's class while its text is routed.

    `write` is a property, since IPython sets it: at the end of a cell, to what it was when the
    cell began. Set on the stream itself, the route would be gone then, and calls go on.
    """

    @property
    def write(self) -> _RoutedWrite:
        own = self.__dict__.get("write")
        write = super().write if own is None else own  # type: ignore[misc]
        return write if isinstance(write, _RoutedWrite) else _RoutedWrite(write)

    @write.setter
    def write(self, write: Callable[[str], Any]) -> None:
        self.__dict__["write"] = write

    @write.deleter
    def write(self) -> None:
        del self.__dict__["write"]


def _route_stream(stream: Any) -> None:
    write = getattr(stream, "write", None)
    if write is None or isinstance(write, _RoutedWrite):
        return
    before = type(stream)
    routed = type(before.__name__, (_RoutedStream, before), {})

    def restore() -> None:
        if type(stream) is routed:
            stream.__class__ = before

    try:
        stream.__class__ = routed
    except TypeError:  # its class is not written in Python
        _replace(stream, "write", _RoutedWrite(write))
    else:
        _restore.append(restore)


def _replace(owner: Any, name: str, method: Callable[..., Any]) -> None:
    """Set a method of one object, until no call runs any more."""
    before = getattr(owner, "__dict__", {}).get(name)

    def restore() -> None:
        if owner.__dict__.get(name) is not method:
            # Replaced by other code, and harmless: it finds no call.
            return
        if before is None:
            delattr(owner, name)
        else:
            setattr(owner, name, before)

    with suppress(AttributeError):  # an object without attributes of its own stays as it is
        setattr(owner, name, method)
        _restore.append(restore)


def _route_records() -> None:
    """Show log records that the handlers do not write to the console: a handler of ours would
    disable `basicConfig`.
    """
    original = logging.Logger.callHandlers

    def call_handlers(logger: logging.Logger, record: logging.LogRecord) -> None:
        output = _output()
        before = output.written if output is not None else 0
        original(logger, record)
        if output is not None and output.written == before and record.levelno >= logging.WARNING:
            output.write(_text_of(record))

    def restore() -> None:
        if logging.Logger.callHandlers is call_handlers:
            logging.Logger.callHandlers = original  # type: ignore[method-assign]

    logging.Logger.callHandlers = call_handlers  # type: ignore[method-assign, assignment]
    _restore.append(restore)


def _text_of(record: logging.LogRecord) -> str:
    text = f"{record.levelname} {record.name}: {record.getMessage()}\n"
    if record.exc_info:
        return text + "".join(traceback.format_exception(*record.exc_info))
    return text


def _route_displays() -> None:
    publisher = getattr(ipython_shell(), "display_pub", None)
    if publisher is None:
        return
    publish, clear = publisher.publish, publisher.clear_output

    def routed_publish(data: Any, metadata: Any = None, **options: Any) -> None:
        context = CURRENT_CALL.get()
        if context is not None and (
            keep_back(data) or follow_bar(data, context.id, context.output)
        ):
            return
        if context is None or _belongs_to_the_cell(data):
            publish(data, metadata, **options)
        else:
            context.results.display(data, (options.get("transient") or {}).get("display_id"))

    def routed_clear(wait: bool = False) -> None:
        context = CURRENT_CALL.get()
        if context is None:
            clear(wait)
        else:
            context.results.clear()

    _replace(publisher, "publish", routed_publish)
    _replace(publisher, "clear_output", routed_clear)


def _belongs_to_the_cell(data: Mapping[str, Any]) -> bool:
    """Return True for a widget, and for a run of nbagent's own."""
    return any("widget-view" in mime for mime in data) or "data-nbagent-" in str(
        data.get("text/html")
    )
