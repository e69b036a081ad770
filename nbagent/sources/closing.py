"""Closing of streams, by the method that each kind of stream has for it."""

import asyncio
import inspect
import traceback
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

from nbagent.sources.calls import is_call


def close(stream: Any) -> None:
    """Close a plain stream."""
    method = getattr(stream, "close", None) or _canceller(stream)
    if callable(method):
        method()


async def aclose(stream: Any) -> None:
    """Close an asynchronous stream.

    No generator of an openai or anthropic client's response is left suspended.
    """
    method = getattr(stream, "aclose", None) or getattr(stream, "close", None) or _canceller(stream)
    if callable(method):
        closing = method()
        if inspect.isawaitable(closing):
            await closing
    response = getattr(stream, "response", None) or getattr(stream, "_response", None)
    if hasattr(stream, "__anext__") and getattr(response, "is_closed", None) is True:
        await _unwind(stream)


@asynccontextmanager
async def closing(stream: Any) -> AsyncIterator[None]:
    """Close an asynchronous stream at the end of the block, with `aclose`.

    The frames of an exception of the stream lose their local variables, which hold generators of
    the client.
    """
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        await aclose(stream)


async def _unwind(stream: Any) -> None:
    """Read the stream of a closed response to its end, which ends the ten generators that client
    and httpx2 have nested in it.

    Closing the response closes the connection alone. Generators that are suspended then are closed
    one by one in tasks of the event loop, when the stream is freed; where the garbage collector
    frees it, all at once and in any order.
    """
    with suppress(Exception):
        # The error of a read after the close, or `TimeoutError` where reading would wait.
        async with asyncio.timeout(0):
            async for _ in stream:
                pass


def _canceller(stream: Any) -> Any:
    """Return the method that ends a gRPC call.

    None for other streams, where `cancel` may do more than stop the reading.
    """
    if is_call(stream):
        return stream.cancel
    return None
