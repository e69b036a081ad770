"""Receives messages of views before the kernel delivers them, so that a busy cell does not delay
them.

A kernel delivers a view's message (`comm_msg` on the shell channel) when its shell is free, which
is after the cell: Stop would wait for what it is to stop
(https://github.com/ipython/ipykernel/issues/65). But the kernel reads its socket earlier: ipykernel
7 on a thread of its own, ipykernel 6 whenever its event loop runs. A hook there handles the
messages of nbagent's views at once. Each is forwarded untouched all the same, and is known already
when the kernel delivers it.

Whatever relies on the internals of ipykernel and pyzmq for this is in this module; where they
differ, messages come as the kernel delivers them. `tests/kernels` says for each kernel what reaches
it when.
"""

import contextlib
import logging
from collections.abc import Callable
from typing import Any

from nbagent.runtime.ipython import ipython_kernel
from nbagent.runtime.kernel import is_read_here, shell_stream

_log = logging.getLogger("nbagent")


class EarlyCommListener:
    """Passes on each message of a widget's views once, as early as the kernel allows.

    Args:
        comm: the widget's comm.
        listener: called with each message's content, on any thread, so it only hands over.
    """

    def __init__(self, comm: Any, listener: Callable[[Any], None]) -> None:
        self._listener = listener
        # A comm's messages are intercepted and delivered in one order, so counting them is enough.
        self._intercepted = 0
        self._delivered = 0
        with contextlib.suppress(AttributeError):
            # A comm that takes no attributes is not ipykernel's.
            comm.nbagent_listener = self  # the kernel forgets both together
            _intercept()

    def on_intercepted(self, message: Any) -> None:
        """Take a message that the kernel has received and not delivered yet."""
        self._intercepted += 1
        self._listener(message)

    def on_delivered(self, message: Any) -> None:
        """Take a message that the kernel delivers."""
        if self._delivered < self._intercepted:
            self._delivered += 1
        else:
            self._listener(message)


def _intercept() -> None:
    """Install the hook on the shell channel, unless it is there."""
    stream = shell_stream()
    if stream is None:
        return
    kernel = ipython_kernel()

    def install() -> None:
        forward = getattr(stream, "_recv_callback", None)
        if forward is None or getattr(forward, "__module__", None) == __name__:
            return
        copy = stream._recv_copy

        def receive(frames: Any) -> Any:
            try:
                _handle(kernel, frames, copy)
            except Exception:
                _log.warning("a message of the shell channel was not understood", exc_info=True)
            return forward(frames)

        stream.on_recv(receive, copy=copy)

    if is_read_here(stream):
        install()
    else:
        stream.io_loop.add_callback(install)  # only the stream's own thread may use it


def _handle(kernel: Any, frames: Any, copy: bool) -> None:
    _, parts = kernel.session.feed_identities(frames, copy=copy)
    # checks the signature, and leaves it unused
    message = kernel.session.deserialize(parts, content=False, copy=copy)
    if message["header"]["msg_type"] != "comm_msg":
        return
    content = kernel.session.unpack(message["content"])
    listener = getattr(kernel.comm_manager.comms.get(content["comm_id"]), "nbagent_listener", None)
    if isinstance(listener, EarlyCommListener) and content["data"].get("method") == "custom":
        listener.on_intercepted(content["data"]["content"])
