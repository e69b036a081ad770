"""Faults that `nbagent.faults` injects, where an agent's calls and requests meet them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import Any

from nbagent import events as e
from nbagent.agent.model.connection import Connection
from nbagent.agent.model.recorded_connection import RecordedConnection
from nbagent.agent.tools.tool import AnyTool
from nbagent.run_context.faults import Faults, due_faults
from nbagent.runtime import work
from nbagent.sources.closing import aclose
from nbagent.sources.http import connection_lost


async def before_call(
    tool: AnyTool,
    id: str,
    emit: Callable[[e.Event], Awaitable[None]],
    given: Iterable[Faults] | None = None,
) -> None:
    """Inject the faults that a call gets.

    Args:
        tool: that is called.
        id: of the call.
        emit: shows each fault, in the call's panel.
        given: the faults that hold; those of the caller's context by default.

    Raises:
        Exception: the injected error.
        TimeoutError: the injected latency is longer than the tool may take.
    """
    for fault in due_faults(tool.name, given):
        await emit(e.Status(message=fault.label, level="warning", parent_id=id))
        if fault.latency is not None:
            await asyncio.sleep(_limited(fault.latency, tool))
            _check_limit(fault.latency, tool)
        _raise(fault)


def before_plain_call(struck: Iterable[Faults]) -> None:
    """Inject faults into a call outside of runs, which blocks its thread meanwhile."""
    for fault in struck:
        if fault.latency is not None:
            work.sleep(fault.latency)
        _raise(fault)


async def before_plain_async_call(
    call: Callable[[], Awaitable[Any]], struck: Iterable[Faults]
) -> Any:
    """Inject faults into a call of an async tool outside of runs, then make it."""
    for fault in struck:
        if fault.latency is not None:
            await asyncio.sleep(fault.latency)
        _raise(fault)
    return await call()


async def before_request(
    connection: Connection | RecordedConnection, emit: Callable[[e.Event], Awaitable[None]]
) -> int | None:
    """Inject the faults that a request to the model gets.

    Returns the chunks after which its stream is to be cut, or None.

    Args:
        connection: to the model.
        emit: shows each fault.

    Raises:
        Exception: the injected error.
        openai.APIStatusError: the injected status.
    """
    cuts = []
    for fault in due_faults(None):
        await emit(e.Status(message=fault.label, level="warning"))
        if fault.latency is not None:
            await asyncio.sleep(fault.latency)
        if fault.status is not None:
            raise connection.status_error(fault.status)
        _raise(fault)
        if fault.cut_after is not None:
            cuts.append(fault.cut_after)
    return min(cuts, default=None)


class CutStream:
    """A model's stream whose connection breaks.

    Args:
        stream: the whole stream.
        chunks: that come before the break.
    """

    def __init__(self, stream: Any, chunks: int) -> None:
        self._stream = stream
        self._left = chunks

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._left == 0:
            raise connection_lost("the connection was cut, as nbagent.faults(cut_after=…) says")
        self._left -= 1
        return await anext(self._stream)

    async def aclose(self) -> None:
        """Close the stream."""
        await aclose(self._stream)


def _raise(fault: Faults) -> None:
    if (error := fault.error()) is not None:
        raise error


def _limited(latency: float, tool: AnyTool) -> float:
    if tool.timeout is None:
        return latency
    return min(latency, tool.timeout)


def _check_limit(latency: float, tool: AnyTool) -> None:
    if tool.timeout is not None and latency >= tool.timeout:
        raise TimeoutError(f"{tool.name} took longer than its {tool.timeout:g} s")
