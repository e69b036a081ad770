"""A task that reads an async iterable."""

import asyncio
from collections.abc import Sequence
from typing import Any

from nbagent.errors import Cancelled
from nbagent.runtime.loop import OwnedStream
from nbagent.sources.task_reader import TaskReader


class Waiting(OwnedStream):
    """A stream whose items have come, and are not handed on before it is cancelled."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    def __aiter__(self) -> "Waiting":
        return self

    async def __anext__(self) -> Any:
        self.asked.set()
        await asyncio.Event().wait()

    def received(self) -> Sequence[Any]:
        return ("first", "second")


async def test_what_had_come_before_a_cancellation_is_read() -> None:
    source, items = Waiting(), list[Any]()
    ended = asyncio.get_running_loop().create_future()
    reader = TaskReader(source, asyncio.get_running_loop())

    reader.start(items.append, ended.set_result)
    await source.asked.wait()
    reader.cancel()

    assert isinstance(await ended, Cancelled)
    assert items == ["first", "second"]
