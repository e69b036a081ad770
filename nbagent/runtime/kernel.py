"""A Jupyter kernel that hears its views while a cell keeps it busy.

A kernel delivers what a view says (`comm_msg` on the shell channel) when its shell is free, which is after the cell: Stop would
wait for what it is to stop. But the kernel takes messages off its socket earlier than that: ipykernel 7 in a thread of its own,
ipykernel 6 whenever its event loop runs. There we listen in, and handle our own views' messages at once; each is forwarded all
the same, untouched, and when it is delivered in the ordinary way it is known already.

All that leans on the insides of ipykernel and pyzmq is in this file. Where they are different, messages come as the kernel
delivers them. `tests/kernels` says for each kernel what reaches it when.
"""

import concurrent.futures
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from typing import Any

from nbagent.runtime.ipython import ipython_kernel
from nbagent.runtime.loop import running_loop

_log = logging.getLogger("nbagent")


class Ear:
    """Hears what the views of one widget say, each message once and as early as the kernel allows.

    Args:
        comm: the widget's comm.
        listener: gets each message's content; on any thread, so it only hands over.
    """

    def __init__(self, comm: Any, listener: Callable[[Any], None]) -> None:
        self._listener = listener
        self._known = 0  # messages overheard and not delivered yet; a comm's messages are overheard one at a time
        self._delivered = 0
        with contextlib.suppress(AttributeError):  # a comm that takes no attributes, so not ipykernel's
            comm.nbagent_ear = self  # there the kernel forgets both together
            _listen_in()

    def overhear(self, message: Any) -> None:
        """The message is on its way."""
        self._known += 1
        self._listener(message)

    def deliver(self, message: Any) -> None:
        """The kernel has delivered the message."""
        if self._delivered < self._known:
            self._delivered += 1
        else:
            self._listener(message)


def wait(done: concurrent.futures.Future[Any], timeout: float | None = None) -> None:
    """Block until `done`, hearing the views meanwhile also where the kernel reads its messages on the thread that blocks here.

    Args:
        done: what to wait for.
        timeout: seconds to wait at most; None waits for ever.

    Raises:
        TimeoutError: it is not done after `timeout` seconds.
    """
    stream = _stream()
    if stream is None or not _is_running(stream):
        done.result(timeout)
        return
    import zmq  # there is a kernel, so there is pyzmq

    end = None if timeout is None else time.monotonic() + timeout
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        done.add_done_callback(lambda _: _ring(theirs))
        poller = zmq.Poller()
        poller.register(stream.socket, zmq.POLLIN)
        poller.register(ours, zmq.POLLIN)
        while not done.done():
            if not poller.poll(None if end is None else max(0, int(1000 * (end - time.monotonic())))):
                raise TimeoutError
            stream.flush(zmq.POLLIN)  # hands each message to who receives it, here as from the loop
    done.result()


def _ring(bell: socket.socket) -> None:
    with contextlib.suppress(OSError):  # nobody waits any more
        bell.send(b"\0")


def _stream() -> Any:
    """The stream of the shell channel, if this is a kernel that has one."""
    stream = getattr(ipython_kernel(), "shell_stream", None)
    return stream if hasattr(stream, "flush") else None


def _is_running(stream: Any) -> bool:
    """Whether the stream is read on the loop that runs here."""
    here = running_loop()
    return here is not None and getattr(stream.io_loop, "asyncio_loop", None) is here


def _listen_in() -> None:
    """See to it that every message of the shell channel passes by us first; once is enough."""
    stream = _stream()
    if stream is None:
        return
    kernel = ipython_kernel()

    def listen() -> None:
        forward = getattr(stream, "_recv_callback", None)
        if forward is None or getattr(forward, "__module__", None) == __name__:
            return
        copy = stream._recv_copy

        def receive(frames: Any) -> Any:
            try:
                _overhear(kernel, frames, copy)
            except Exception:
                _log.warning("a message of the shell channel was not understood", exc_info=True)
            return forward(frames)

        stream.on_recv(receive, copy=copy)

    if _is_running(stream):
        listen()
    else:
        stream.io_loop.add_callback(listen)  # a stream is for its own thread only


def _overhear(kernel: Any, frames: Any, copy: bool) -> None:
    _, parts = kernel.session.feed_identities(frames, copy=copy)
    message = kernel.session.deserialize(parts, content=False, copy=copy)  # checks the signature, and leaves it unused
    if message["header"]["msg_type"] != "comm_msg":
        return
    content = kernel.session.unpack(message["content"])
    ear = getattr(kernel.comm_manager.comms.get(content["comm_id"]), "nbagent_ear", None)
    if isinstance(ear, Ear) and content["data"].get("method") == "custom":
        ear.overhear(content["data"]["content"])
