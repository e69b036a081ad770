"""`WorkerStream`: the events of a row that runs in a worker of a `concurrent.futures.Executor`."""

import asyncio
import contextlib
import platform
import secrets
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import BrokenExecutor, Executor
from functools import partial
from pathlib import Path
from typing import Any

from nbagent import events as e
from nbagent.errors import NbagentError
from nbagent.many.worker import MapGone, Task, work
from nbagent.runtime.loop import OwnedStream

MAX_EVENT_BYTES = 256 * 2**20
"""Bytes of an event that a worker sends, at most."""

NOBODY = "A row that runs in a worker cannot ask its reader: give answer= to nbagent.map"
"""Reason for which a question of a row is denied."""


class WorkerLost(NbagentError):
    """A worker died while it ran a row."""


class WorkerStream(OwnedStream):
    """The events of a row, as they come.

    The worker connects to this process, on loopback, and sends each event as a line of JSON. The
    end of the connection stops the row. A worker on another machine returns the events at the end.

    Args:
        executor: runs the row.
        begin: returns the row's stream.
        key: of the row.
        store: path of the map's store.
        options: of the row's run here.

    Attributes:
        keeps_times: True: a run that shows these events keeps their times.
    """

    keeps_times = True

    def __init__(
        self,
        executor: Executor,
        begin: Callable[[], Any],
        key: str,
        store: str,
        options: dict[str, Any],
    ) -> None:
        self._executor = executor
        self._token = secrets.token_hex(16)
        # The run here decides what may be seen.
        there = {"reveal": "all", "answer": options.get("answer", _nobody)}
        self._task = partial(
            Task,
            begin=begin,
            key=key,
            store=str(Path(store).resolve()),
            machine=platform.node(),
            token=self._token,
            options=there,
        )

    async def __aiter__(self) -> AsyncIterator[e.Event]:
        loop = asyncio.get_running_loop()
        connected: asyncio.Future[Connection] = loop.create_future()
        take = partial(_take, connected, self._token)
        server = await asyncio.start_server(take, "127.0.0.1", limit=MAX_EVENT_BYTES)
        with contextlib.closing(server):
            task = self._task(port=server.sockets[0].getsockname()[1])
            end = asyncio.wrap_future(self._executor.submit(work, task))
            try:
                either: set[asyncio.Future[Any]] = {end, connected}
                await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
                returned = None if connected.done() else await _result(end)
                if returned is not None:
                    for sent in returned.splitlines():
                        yield e.from_json(sent)
                    return
                reader, _ = await connected  # which may come after the end of a short row
                async with contextlib.aclosing(_received(reader, end)) as events:
                    async for event in events:
                        yield event
            finally:
                end.cancel()
                if not connected.cancel():
                    connected.result()[1].close()


Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _take(
    connected: asyncio.Future[Connection],
    token: str,
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
) -> None:
    """Take the connection of the row's worker, and no other."""
    sent = await reader.readline()
    if sent.strip() == token.encode() and not connected.done():
        connected.set_result((reader, writer))
    else:
        writer.close()


async def _received(
    reader: asyncio.StreamReader, end: asyncio.Future[bytes | None]
) -> AsyncGenerator[e.Event]:
    """Yield the events that a worker sends.

    Raises:
        WorkerLost: the worker died.
        Exception: the row could not begin.
    """
    event: e.Event | None = None
    with contextlib.suppress(ConnectionError):
        while sent := await reader.readline():
            event = e.from_json(sent)
            yield event
    if not isinstance(event, e.RunEnd):
        await _result(end)
        raise WorkerLost("the worker broke off this row")


async def _result(end: asyncio.Future[bytes | None]) -> bytes | None:
    """Return what a worker returns.

    Raises:
        WorkerLost: the worker died.
        Exception: the row could not begin.
    """
    try:
        return await end
    except (BrokenExecutor, MapGone) as error:
        raise WorkerLost(f"the worker died while it ran this row: {error}") from error


def _nobody(_question: Any) -> str:
    """Deny a question."""
    return NOBODY
