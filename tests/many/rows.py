"""Functions that are mapped in the workers of engines, and that other processes import."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import nbagent


def say(item: str) -> Iterator[str]:
    """Stream an item, unless it is bad."""
    yield f"{item}, "
    if item == "bad":
        raise ValueError("a bad item")
    yield "said"


@nbagent.tool(once=True)
def pay(amount: int) -> str:
    """Pay an amount."""
    return f"paid {amount}"


async def endless(port: int) -> AsyncIterator[str]:
    """Connect to a port, and go on until this is stopped."""
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield "begun"
        await asyncio.Event().wait()
    finally:
        writer.close()


def no_stream(item: str) -> Any:
    """Return no stream."""
    raise KeyError(item)


@nbagent.tool(once=True)
def pay_and_die(folder: str) -> str:
    """Note a payment, and end the process."""
    with (Path(folder) / "paid").open("a") as file:
        file.write("paid\n")
    os._exit(9)


def die(item: str) -> Iterator[str]:
    """End the process."""
    yield "begun"
    time.sleep(0.1)
    os._exit(9)
