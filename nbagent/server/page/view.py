"""`PageView`: a web page's view of a run, at a WebSocket.

The messages are those of a widget's comm (`nbagent.protocol`).
"""

import asyncio
import contextlib
import json
from collections.abc import Coroutine
from typing import Any

from starlette.websockets import WebSocket

from nbagent.protocol.messages import Answer, Command, Said, Say, Stop, Toggle, to_wire
from nbagent.pump import RemoteChannel
from nbagent.server.page.chat import PageChat
from nbagent.server.page.views import Shown

MAX_WAITING = 64
"""Messages that wait for a slow page.

Of further ones the page sees the gap in the numbers, and asks for a snapshot.
"""


class PageView:
    """A `nbagent.pump.View` at a WebSocket.

    Args:
        socket: of the page, accepted.
        shown: the run or chat that it shows.
        only_reads: whether the page may stop and answer nothing.
    """

    def __init__(self, socket: WebSocket, shown: Shown, *, only_reads: bool = False) -> None:
        self._socket = socket
        self._shown = shown
        self._only_reads = only_reads
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING)

    async def serve(self) -> None:
        """Serve the page until it leaves.

        Raises:
            WebSocketDisconnect: the page has left.
        """
        sending = asyncio.create_task(self._send_waiting())
        try:
            with self._shown.page():
                channel: RemoteChannel | None = None
                while True:
                    message = _decoded(await self._socket.receive_text())
                    if channel is None:
                        # Only now: a page that comes back says in its greeting what it has.
                        channel = self._shown.run.connect(self)
                    channel.receive(message)
        finally:
            self._shown.run.detach(self)
            sending.cancel()

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, on any thread."""
        text = json.dumps(message, separators=(",", ":"), allow_nan=False)
        with contextlib.suppress(RuntimeError):  # the server has stopped
            self._loop.call_soon_threadsafe(self._put, text)

    def page(self, name: str, offset: int, max_bytes: int) -> tuple[str, int]:
        """Return a page of a large value of the run; see `Run.page`.

        Raises:
            LookupError: nothing has that name.
        """
        if name == "plotly.js":
            raise LookupError("an interactive chart can be shown in a notebook only")
        return self._shown.run.page(name, offset, max_bytes)

    def command(self, command: Command) -> None:
        """Do what the reader asked of the run.

        No function is called for a reader elsewhere that the model has not called.
        """
        match command:
            case _ if self._only_reads:  # not even a panel, which opens for all
                pass
            case Stop():
                self._spawn(self._shown.stop())
            case Answer():  # its way may lead to another process, and is waited for
                self._spawn(asyncio.to_thread(self._shown.run.take, command))
            case Say() if self._shown.chat is not None:
                self._spawn(self._say(self._shown.chat, command))
            case Toggle():
                self._shown.run.take(command)

    async def _say(self, chat: PageChat, say: Say) -> None:
        if await chat.say(say) and say.key is not None:
            self.send(to_wire(Said(say.key)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _put(self, text: str) -> None:
        if not self._waiting.full():
            self._waiting.put_nowait(text)

    async def _send_waiting(self) -> None:
        while True:
            await self._socket.send_text(await self._waiting.get())


def _decoded(text: str) -> Any:
    """Return the JSON object of a message; None if it is not one."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
