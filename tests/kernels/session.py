"""A real kernel and its messages, without a front end."""

import queue
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.manager import KernelManager
from kernels.preloaded import preload

MESSAGE_TIMEOUT_S = 30
"""Seconds after which a message counts as missing."""

NUDGE_AFTER_S = 5
"""Seconds after which the kernel is sent one more message: after an interrupt ipykernel 7 may leave
one unread until then.
"""


class KernelTimeout(AssertionError):
    """The kernel does not answer."""


class _Manager(KernelManager):
    """Starts the ipykernel of one interpreter; that of this one with nbagent imported."""

    def __init__(self, python: Path) -> None:
        super().__init__()
        self._argv = [str(python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        if python == Path(sys.executable):
            preload(self)

    @property
    def kernel_spec(self) -> KernelSpec:
        return KernelSpec(argv=self._argv, interrupt_mode="signal")


class Session:
    """A started kernel and its messages.

    Attributes:
        received: every message on iopub so far, with `at`, when it came (`time.monotonic()`).
        version: of ipykernel.
        subshell: the id of a subshell as JupyterLab makes one for comms; None where the kernel has
            none.
    """

    def __init__(self, manager: KernelManager, client: BlockingKernelClient) -> None:
        self.received: list[dict[str, Any]] = []
        self._manager = manager
        self._client = client
        self._debug_requests = 0
        info = self._request("control", "kernel_info_request")
        self.subshell: str | None = None
        if "kernel subshells" in info.get("supported_features", ()):
            self.subshell = self._request("control", "create_subshell_request")["subshell_id"]
        self.version = self.python("import ipykernel; print(ipykernel.__version__)")

    def run(self, code: str) -> str:
        """Start a cell and return its id.

        An error does not abort the cells that wait: ipykernel 7.3 can lose a message that comes
        while it does that.
        """
        return str(self._client.execute(code, stop_on_error=False))

    def python(self, code: str) -> str:
        """Run a cell to its end and return its output."""
        cell = self.run(code)
        self.until(self.idle(cell))
        own = [
            message for message in self.received if message["parent_header"].get("msg_id") == cell
        ]
        for message in own:
            assert message["msg_type"] != "error", "\n".join(message["content"]["traceback"])
        return "".join(
            message["content"]["text"] for message in own if message["msg_type"] == "stream"
        ).strip()

    def send_from_view(
        self, comm: str, message: dict[str, Any], subshell: str | None = None
    ) -> float:
        """Send a message as a view does, and return the time (`time.monotonic()`)."""
        sent = self._client.session.msg(
            "comm_msg", {"comm_id": comm, "data": {"method": "custom", "content": message}}
        )
        if subshell is not None:
            sent["header"]["subshell_id"] = subshell
        self._client.shell_channel.send(sent)
        return time.monotonic()

    def interrupt(self, by: str = "signal") -> float:
        """Interrupt the kernel by a signal to its process, or by a message on the control channel,
        and return the time.
        """
        at = time.monotonic()
        if by == "signal":
            self._manager.interrupt_kernel()
        else:
            self._request("control", "interrupt_request")
        return at

    def answer(self, text: str) -> str:
        """Answer the next question that code asks below its cell (`input`, a debugger), and return
        its prompt.
        """
        asked = self._client.get_stdin_msg(timeout=MESSAGE_TIMEOUT_S)
        self._client.input(text)
        return str(asked["content"]["prompt"])

    def until(self, found: Callable[[dict[str, Any]], bool], start: int = 0) -> dict[str, Any]:
        """Wait for the first message, from number `start` on, for which `found` is true, and return
        it.

        Raises:
            KernelTimeout: there was none in time.
        """
        seen = start
        now = time.monotonic()
        nudge, end = now + NUDGE_AFTER_S, now + MESSAGE_TIMEOUT_S
        while True:
            for message in self.received[seen:]:
                seen += 1
                if found(message):
                    return message
            if time.monotonic() > nudge:
                self._client.kernel_info()
                nudge = end
            try:
                message = self._client.get_iopub_msg(
                    timeout=max(0, min(nudge, end) - time.monotonic())
                )
            except queue.Empty:
                if time.monotonic() < end:
                    continue
                last = [(each["msg_type"], each["content"]) for each in self.received[-5:]]
                raise KernelTimeout(f"nothing of the kind came; the last were {last}") from None
            self.received.append({**message, "at": time.monotonic()})

    @staticmethod
    def idle(cell: str) -> Callable[[dict[str, Any]], bool]:
        """Return a predicate for the message that the cell is over."""
        return lambda message: (
            message["msg_type"] == "status"
            and message["content"]["execution_state"] == "idle"
            and message["parent_header"].get("msg_id") == cell
        )

    def debug(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send a request of the Debug Adapter Protocol, as JupyterLab's debugger does, and return
        the body of the reply.
        """
        self._debug_requests += 1
        request = {
            "type": "request",
            "seq": self._debug_requests,
            "command": command,
            "arguments": arguments,
        }
        reply = self._request("control", "debug_request", request)
        assert reply["success"], reply
        return dict(reply.get("body") or {})

    def _request(
        self, channel: str, kind: str, content: dict[str, Any] | None = None
    ) -> dict[str, Any]:
        wire = self._client.control_channel if channel == "control" else self._client.shell_channel
        sent = self._client.session.msg(kind, content or {})
        wire.send(sent)
        while True:
            reply = wire.get_msg(timeout=MESSAGE_TIMEOUT_S)
            if reply["parent_header"].get("msg_id") == sent["header"]["msg_id"]:
                return dict(reply["content"])

    @classmethod
    @contextmanager
    def started(cls, python: Path) -> Iterator[Self]:
        """Yield a kernel of that interpreter, ended afterwards."""
        manager = _Manager(python)
        manager.start_kernel(cwd=str(Path(__file__).parents[2]))
        client = manager.blocking_client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=MESSAGE_TIMEOUT_S)
            yield cls(manager, client)
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
