"""`DemoTransport`: the demo model as the transport of an HTTP client, in this process and without a
socket.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from typing import NamedTuple

import httpx2

from nbagent.demo.api import MAX_PAUSE_S, DemoApi
from nbagent.demo.server import demo_server

BASE_URL = "http://demo.localhost/v1"
"""Address of the demo model for the clients with its transport; no other client reaches it."""


class DemoTransport(httpx2.AsyncBaseTransport):
    """A transport whose requests are answered by a model in this process.

    Args:
        api: answers them.
    """

    def __init__(self, api: DemoApi) -> None:
        self._api = api

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Return the answer to a request."""
        body = await request.aread()
        answer = self._api.answer(request.method, request.url.path, body)
        if answer.frames is None:
            return httpx2.Response(answer.status, json=answer.body)
        headers = {"Content-Type": "text/event-stream; charset=utf-8", "Cache-Control": "no-cache"}
        stream = _Stream(self._api, answer.frames)
        return httpx2.Response(answer.status, headers=headers, stream=stream)


class _Stream(httpx2.AsyncByteStream):
    """The bytes of a streamed answer, at the speed of the model."""

    def __init__(self, api: DemoApi, frames: Iterator[bytes | None]) -> None:
        self._api = api
        self._pieces = self._paced(frames)

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        await self._pieces.aclose()

    async def _paced(self, frames: Iterator[bytes | None]) -> AsyncGenerator[bytes]:
        with self._api.streaming(frames):
            for frame in frames:
                if frame is None:
                    await self._pause()
                else:
                    yield frame

    async def _pause(self) -> None:
        """Wait as long as one token takes."""
        begun = time.monotonic()
        while (left := self._api.pause_left(begun)) > 0:  # noqa: ASYNC110 - it may change
            await asyncio.sleep(min(left, MAX_PAUSE_S))


class DemoModel(NamedTuple):
    """Parameters of a client that asks the demo model; see `register_model`."""

    base_url: str
    api_key: str
    transport: DemoTransport


def demo_model() -> DemoModel:
    """Return `model="demo"`, which `demo_server()` answers without a socket."""
    server = demo_server()
    return DemoModel(BASE_URL, server.api_key, DemoTransport(server))
