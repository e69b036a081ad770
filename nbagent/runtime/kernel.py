"""Blocking waits in a Jupyter kernel that keep it receiving messages.

A kernel whose shell channel is read on the event loop of the main thread (ipykernel 6) receives
nothing while a cell blocks that thread. All code that relies on the internals of ipykernel and
pyzmq for this is in this module; where they differ, messages wait for the end of the cell.
`tests/kernels` tests each supported ipykernel.
"""

import concurrent.futures
import contextlib
import socket
import time
from typing import Any

from nbagent.runtime import work
from nbagent.runtime.ipython import ipython_kernel
from nbagent.runtime.loop import running_loop


def wait(done: concurrent.futures.Future[Any], timeout: float | None = None) -> None:
    """Block until `done` is done. What it has raised is not raised here.

    Messages of the shell channel are received meanwhile, also if this thread reads them.

    Args:
        done: what to wait for.
        timeout: most seconds to wait; None waits for ever.

    Raises:
        TimeoutError: it is not done after `timeout` seconds.
    """
    stream = shell_stream()
    if stream is None or not is_read_here(stream):
        work.block(done, timeout)
        return
    import zmq  # there is a kernel, so there is pyzmq

    end = None if timeout is None else time.monotonic() + timeout
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.setblocking(False)
        done.add_done_callback(lambda _: _wake(theirs))
        poller = zmq.Poller()
        poller.register(stream.socket, zmq.POLLIN)
        poller.register(ours, zmq.POLLIN)
        while not done.done():
            if not poller.poll(
                None if end is None else max(0, int(1000 * (end - time.monotonic())))
            ):
                raise TimeoutError
            stream.flush(zmq.POLLIN)  # calls the stream's receivers, as the loop does


def shell_stream() -> Any:
    """Return the ZMQ stream of the kernel's shell channel; None outside of a kernel that has
    one.
    """
    stream = getattr(ipython_kernel(), "shell_stream", None)
    return stream if hasattr(stream, "flush") else None


def is_read_here(stream: Any) -> bool:
    """Return True if the stream is read by the event loop that runs on this thread."""
    here = running_loop()
    return here is not None and getattr(stream.io_loop, "asyncio_loop", None) is here


def _wake(waiter: socket.socket) -> None:
    with contextlib.suppress(OSError):  # nobody waits any more
        waiter.send(b"\0")
