"""A row that runs in a worker of an executor: a thread, a process or another machine."""

import asyncio
import contextlib
import pickle
import platform
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from nbagent import events as e
from nbagent.agent.calls.once_ledger import ONCE_LEDGER
from nbagent.agent.model.recorded_run import Record
from nbagent.errors import NbagentError, ToolError
from nbagent.events.lines import line
from nbagent.many.once_calls import OnceCalls
from nbagent.many.store import RowStore
from nbagent.run import Run


class MapGone(ConnectionError):
    """The map does not take the events of this row any more."""


class Task(NamedTuple):
    """A row for a worker.

    For another process it is pickled by cloudpickle where that is installed, which takes the
    functions of a notebook, too.

    Attributes:
        begin: returns the row's stream.
        key: of the row.
        store: path of the map's store.
        machine: name of the map's machine.
        port: on its loopback, where the events are taken.
        token: first line of the connection, which shows that it is this row's.
        options: of the run.
    """

    begin: Callable[[], Any]
    key: str
    store: str
    machine: str
    port: int
    token: str
    options: Mapping[str, Any]

    def __reduce__(self) -> tuple[Callable[[bytes], "Task"], tuple[bytes]]:
        return _unpickled, (_pickled(tuple(self)),)


def _unpickled(data: bytes) -> Task:
    return Task(*pickle.loads(data))  # noqa: S301 - of the map's own process


def _pickled(values: tuple[Any, ...]) -> bytes:
    """Return a row's values for another process.

    Raises:
        NbagentError: one of them cannot be pickled.
    """
    try:
        import cloudpickle
    except ImportError:
        dumps, hint = pickle.dumps, "; pip install cloudpickle, for functions of a notebook"
    else:
        dumps, hint = cloudpickle.dumps, ""
    try:
        data: bytes = dumps(values)
    except Exception as error:
        raise NbagentError(
            f"the row cannot be sent to another process: {type(error).__name__}: {error}{hint}"
        ) from error
    return data


def work(task: Task) -> bytes | None:
    """Run a row.

    Args:
        task: the row.

    Returns:
        The events as lines of JSON, from another machine; None where the map has taken them.

    Raises:
        MapGone: the map does not take the events any more.
    """
    return asyncio.run(_work(task))


async def _work(task: Task) -> bytes | None:
    if task.machine != platform.node():
        ONCE_LEDGER.set(NoLedger())
        run = Run(task.begin(), **task.options)
        return b"".join([line(event) async for event in run.stream()])
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", task.port)
    except OSError as error:
        raise MapGone(str(error)) from error
    writer.write(task.token.encode() + b"\n")
    with contextlib.closing(writer), contextlib.closing(RowStore(task.store)) as store:
        ONCE_LEDGER.set(OnceCalls(store, task.key))
        await _tell(Run(task.begin(), **task.options), reader, writer)
    return None


async def _tell(run: Run, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Run a row, and send its events as they come. The end of the connection stops it."""
    stop = asyncio.create_task(_cancel_at_end(run, reader))
    try:
        async for event in run.stream():
            with contextlib.suppress(ConnectionError):
                writer.write(line(event))
                await writer.drain()
    finally:
        stop.cancel()


async def _cancel_at_end(run: Run, reader: asyncio.StreamReader) -> None:
    with contextlib.suppress(ConnectionError):
        await reader.read()
    run.cancel()


class NoLedger:
    """Ledger of a worker that does not reach the map's store: it calls no once-only tool."""

    async def record(self) -> Record:
        """Return no calls."""
        return Record(())

    async def begin(self, tool: str, arguments: Mapping[str, Any]) -> int:
        """Refuse a call.

        Raises:
            ToolError: always.
        """
        raise ToolError(
            f"{tool} must not be called twice (once=True), and this worker is on another machine "
            "than the map's store, which keeps such calls"
        )

    async def end(self, number: int, result: e.ToolResult) -> None:
        """Do nothing: no call has begun."""
