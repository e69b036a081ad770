"""Readers of plain iterables."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from nbagent.gate import secrets
from nbagent.runtime import work
from nbagent.sources.calls import is_call
from nbagent.sources.closing import close
from nbagent.sources.following import with_json_items
from nbagent.sources.langchain_stop import stop_models_when
from nbagent.sources.reader import end_of


class ThreadReader:
    """Reads a plain iterable in a thread, with the caller's context.

    Args:
        source: the iterable, or a context manager around one.
        typed: whether the items of the openai SDK are objects; if not they are JSON.
    """

    def __init__(self, source: Any, *, typed: bool = False) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self.has_idle_timeout = False
        self._source = source
        self._typed = typed
        self._cancelled = threading.Event()

    def start(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        """Begin to read."""
        work.start(partial(self._read, on_item, on_end), name="nbagent-reader")

    def cancel(self) -> None:
        """Stop after the next item; a stream over a socket stops waiting at once."""
        self._cancelled.set()
        _hang_up(self._source)

    def _read(
        self, on_item: Callable[[Any], None], on_end: Callable[[BaseException | None], None]
    ) -> None:
        error: BaseException | None = None
        try:
            stop_models_when(self._cancelled.is_set)
            with contextlib.ExitStack() as stack:
                self._read_all(stack, on_item)
        except BaseException as caught:
            error = caught
        self._source = None
        on_end(end_of(error, is_cancelled=self._cancelled.is_set()))

    def _read_all(self, stack: contextlib.ExitStack, on_item: Callable[[Any], None]) -> None:
        source = self._source
        if self._cancelled.is_set():
            close(source)
            return
        if hasattr(source, "__enter__") and not hasattr(source, "__next__"):
            self._source = source = stack.enter_context(source)
        secrets.register(*secrets.credentials_of(source))
        if not self._typed:
            with_json_items(source)
        iterator = iter(source)
        stack.callback(close, iterator)
        if iterator is not source and not isinstance(source, (list, tuple)):
            stack.callback(close, source)
        # If it was cancelled while the stream was opened, either this sees it, or `cancel` saw the
        # stream and hung up.
        if self._cancelled.is_set():
            return
        for item in iterator:
            if self._cancelled.is_set():
                return
            on_item(item)


def _hang_up(stream: Any) -> None:
    """Wake a thread that waits for bytes of an HTTP response, or for a message of a gRPC call.

    Closing a socket does not wake its reader on Linux; shutting it down does. httpx2 gives access
    to the socket through the response's documented `network_stream` extension.
    """
    if is_call(stream):
        stream.cancel()
        return
    with contextlib.suppress(Exception):  # closed already, or something else that has a `response`
        sock = stream.response.extensions["network_stream"].get_extra_info("socket")
        if isinstance(sock, socket.socket):
            sock.shutdown(socket.SHUT_RDWR)
