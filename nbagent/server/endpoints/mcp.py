"""Endpoint of the Model Context Protocol: `/mcp`, the agents and their tools over Streamable HTTP.

It needs the extra `mcp`.

Source: https://modelcontextprotocol.io/specification/2026-07-28/basic/transports.
"""

import asyncio
import contextvars
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import msgspec
from starlette.datastructures import Headers
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from nbagent.server.hosting.host import Host
from nbagent.server.operation import EVENT_STREAM, Operation
from nbagent.server.request import check_media_type

METHODS = ("GET", "POST", "DELETE")
"""Methods of Streamable HTTP. The versions from 2026 on use POST alone."""

MAX_SESSIONS = 1_000
"""Sessions of clients at a time, of the protocol's versions that have sessions; further ones are
refused.
"""


class Message(msgspec.Struct):
    """A message of JSON-RPC 2.0. The package `mcp` reads it."""

    jsonrpc: str
    method: str
    id: str | int | None = None
    params: dict[str, Any] | None = None


class Failure(msgspec.Struct):
    """An error of JSON-RPC 2.0."""

    code: int
    message: str
    data: Any = None


class Failed(msgspec.Struct):
    """A message of JSON-RPC 2.0 that answers a request with an error; `id` is null if the request
    has none, or was not read.
    """

    jsonrpc: str
    id: str | int | None
    error: Failure


class McpEndpoint:
    """The ASGI application at `/mcp`.

    It starts with its first request: a mounted application has no lifespan.

    Args:
        host: runs the agents.

    Attributes:
        operation: description of the route.
    """

    operation = Operation(
        summary="Exchange messages of the Model Context Protocol",
        body=Message,
        result=dict[str, Any],
        stream=EVENT_STREAM,
        refusal=Failed,
    )

    def __init__(self, host: Host) -> None:
        self._host = host
        self._manager_task: asyncio.Task[None] | None = None
        self._manager: asyncio.Future[Any]

    def routes(self) -> list[BaseRoute]:
        """Return the routes; none if the package `mcp` is missing, or has not its types beside it
        as from version 2 on.
        """
        return [] if find_spec("mcp_types") is None else [Route("/mcp", self, methods=METHODS)]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request.

        Raises:
            Problem: its body is not JSON (415).
        """
        if scope["method"] == "POST":
            check_media_type(Headers(scope=scope))
        manager = await self._started()
        await manager.handle_request(scope, receive, send)

    async def aclose(self) -> None:
        """End the sessions."""
        if self._manager_task is not None:
            self._manager_task.cancel()
            await asyncio.wait([self._manager_task])

    async def _started(self) -> Any:
        """Return the sessions, which the package `mcp` manages; begin them if there are none on
        this loop.
        """
        loop = asyncio.get_running_loop()
        if (
            self._manager_task is None
            or self._manager_task.done()
            or self._manager_task.get_loop() is not loop
        ):
            self._manager = loop.create_future()
            # In an empty context: the sessions do not belong to the request that came first.
            self._manager_task = loop.create_task(
                self._live(self._manager), name="nbagent-mcp-server", context=contextvars.Context()
            )
        return await asyncio.shield(self._manager)

    async def _live(self, started: asyncio.Future[Any]) -> None:
        """Keep the sessions until this is cancelled: the package's scopes are left in the task that
        entered them.
        """
        try:
            # In a thread: the package takes half a second to import.
            module = await asyncio.to_thread(import_module, "nbagent.server.mcp.server")
            manager = module.McpServer(self._host).sessions(MAX_SESSIONS)
            async with manager.run():
                started.set_result(manager)
                await asyncio.Event().wait()
        except Exception as error:
            started.set_exception(error)
        finally:
            started.cancel()
