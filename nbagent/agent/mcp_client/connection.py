"""Connection to an MCP server (https://modelcontextprotocol.io/specification), on the official
SDK.
"""

import asyncio
import atexit
import contextlib
import contextvars
import os
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from typing import Any

import mcp
import mcp_types
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from nbagent.agent.calls.context import CURRENT_CALL
from nbagent.agent.mcp_client.bounded_lines import ENCODING, MAX_LINE_BYTES, ON_LONG_LINE
from nbagent.agent.mcp_client.content import text_of, value_of
from nbagent.agent.mcp_client.server_messages import ServerMessages
from nbagent.agent.mcp_client.server_target import ServerTarget
from nbagent.agent.mcp_client.stderr import ServerStderr
from nbagent.agent.mcp_client.tool import McpTool
from nbagent.agent.tools.json_schema import check
from nbagent.errors import ToolError
from nbagent.gate import secrets
from nbagent.runtime.loop import loop, submit

CLOSE_TIMEOUT_S = 6
"""Seconds that the process waits for its servers to end, when it ends itself."""
MAX_TOOL_PAGES = 100
"""Pages of a server's list of tools."""
MODE: Any = "auto"
"""Protocol of the SDK's client: the newest that the server knows."""

_IN_FLIGHT_ENDED = (
    "ended during this call: whether the call had an effect is not known, so it was not repeated"
)


class McpConnection:
    """The connection to one server. All of it but `stop` runs on nbagent's own loop.

    Attributes:
        target: the command or address, without credentials.
        label: the server's name.
        closes: how often `stop` was called.
    """

    def __init__(self, target: str | Sequence[str], options: Mapping[str, Any]) -> None:
        self._options = options
        self._server = ServerTarget(target)
        self._server.check(options)
        for given in (options["env"], options["headers"]):
            secrets.register(*secrets.credentials_in(given or {}))
        self.target: str = secrets.mask(" ".join(self._server.words))
        self.label: str = options["name"] or self._server.label
        self.closes = 0
        self._lock = asyncio.Lock()
        self._listing = asyncio.Lock()
        self._changes = 0
        self._connection_task: asyncio.Task[None] | None = None
        self._client: mcp.Client | None = None
        self._closing = asyncio.Event()
        self._tools: list[McpTool] | None = None
        self._messages = ServerMessages()
        self._stderr = ServerStderr(self._messages.write)
        self._session_lost = self._is_ended = False
        self._fault: str | None = None  # why this side has ended the connection
        self._pid = 0
        _connections.add(self)

    # --- life ---

    @property
    def is_open(self) -> bool:
        """True if the server is connected, in this process."""
        if self._client is None or self._is_ended or self._pid != os.getpid():
            return False
        # Private to the SDK, which has no public sign of it. Without it the next call finds out,
        # and is not repeated.
        dispatcher = getattr(self._client.session, "_dispatcher", None)
        return not getattr(dispatcher, "_closed", False)

    async def client(self) -> mcp.Client:
        """Return the client of an open connection; connect if there is none.

        Raises:
            ToolError: that failed.
        """
        async with self._lock:
            if self._client is not None and self.is_open:
                return self._client
            await self._end()
            self._closing, self._client, self._tools, self._pid = (
                asyncio.Event(),
                None,
                None,
                os.getpid(),
            )
            self._stderr.clear()
            self._session_lost = self._is_ended = False
            self._fault = None
            opened: asyncio.Future[mcp.Client] = asyncio.get_running_loop().create_future()
            # In an empty context: what the server says later does not belong to the call that has
            # opened the connection.
            life = asyncio.create_task(
                self._live(opened), name="nbagent-mcp", context=contextvars.Context()
            )
            self._connection_task = life
            limit = asyncio.timeout(self._options["start_timeout"])
            try:
                async with limit:
                    self._client = await opened  # `_live` sets or cancels it
            except TimeoutError as error:
                await self._end()
                if not limit.expired():
                    raise
                seconds = self._options["start_timeout"]
                raise ToolError(
                    self._about(f"did not answer within {seconds:g} s of its start (start_timeout)")
                ) from error
            except asyncio.CancelledError:
                life.cancel()
                raise
            except Exception as error:
                await self._end()
                await self._stderr.read_to_end()
                raise ToolError(
                    self._about(f"could not be reached: {_reason(error)}")
                ) from secrets.without_secrets(error)
            return self._client

    async def _live(self, opened: "asyncio.Future[mcp.Client]") -> None:
        """Connect, and stay connected until `_closing` is set: the SDK's scopes are left in the
        task that entered them.
        """
        try:
            async with contextlib.AsyncExitStack() as stack:
                client = await stack.enter_async_context(await self._connect(stack))
                self._stderr.close_own_end()
                opened.set_result(client)
                changes = asyncio.create_task(self._follow_changes(client))
                await self._closing.wait()
                changes.cancel()
                await asyncio.wait([changes])
        except Exception as error:
            if not opened.done():
                opened.set_exception(error)
        finally:
            opened.cancel()

    async def _connect(self, stack: contextlib.AsyncExitStack) -> mcp.Client:
        transport: Any
        if self._server.is_url:
            http = await stack.enter_async_context(
                create_mcp_http_client(headers=dict(self._options["headers"] or {}))
            )
            http.event_hooks = {"response": [self._on_response]}
            transport = streamable_http_client(self._server.words[0], http_client=http)
        else:
            parameters = mcp.StdioServerParameters(
                command=self._server.words[0],
                args=self._server.words[1:],
                env=dict(self._options["env"] or {}),
                cwd=self._options["cwd"],
                encoding=ENCODING,
                encoding_error_handler="replace",
            )
            ON_LONG_LINE.set(self._refuse_long_line)
            transport = mcp.stdio_client(
                parameters, errlog=stack.enter_context(self._stderr.pipe())
            )
        return mcp.Client(
            transport,
            mode=MODE,
            cache=None,
            client_info=mcp_types.Implementation(name="nbagent", version="1"),
            log_level="info",
            logging_callback=self._messages.on_log,
            elicitation_callback=self._messages.on_question,
            message_handler=self._on_message,
        )

    async def _end(self) -> None:
        """End the connection, if there is one, and wait for that."""
        life, client = self._connection_task, self._client
        self._connection_task = self._client = None
        if life is not None and self._pid == os.getpid():
            self._closing.set()
            if client is None or not await _finished(life):
                life.cancel()
                await _finished(life)

    async def aclose(self) -> None:
        """End the connection and the server's process."""
        async with self._lock:
            await self._end()

    def stop(self) -> None:
        """Begin to end the connection, from any thread. Calls of tools that were listed before
        do not start the server again.
        """
        self.closes += 1
        if self._connection_task is not None and self._pid == os.getpid():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                submit(self.aclose())

    # --- tools ---

    async def tools(self) -> list[McpTool]:
        """Return the server's tools as they are now."""
        async with self._listing:
            for attempt in (1, 2):
                closes = self.closes
                client = await self.client()
                if self._tools is not None:
                    return self._tools
                changes = self._changes
                try:
                    listed = await self._list(client, closes)
                except mcp.MCPError as error:
                    if self._is_lost(error) and self._fault is None and attempt == 1:
                        continue
                    cause = secrets.without_secrets(error)
                    if self._fault is not None:
                        raise ToolError(self._about(self._fault)) from cause
                    raise ToolError(self._about(f"did not list its tools: {error}")) from cause
                if changes == self._changes:  # else the next step lists them again
                    self._tools = listed
                return listed
        raise AssertionError("the second attempt returns or raises")

    def _forget_tools(self) -> None:
        """Note that the tools have changed."""
        self._changes += 1
        self._tools = None

    def _is_lost(self, error: mcp.MCPError) -> bool:
        """Return True if the error says that the connection is over.

        The next use makes a new one.
        """
        lost = (
            self._session_lost
            or self._fault is not None
            or error.code == mcp_types.CONNECTION_CLOSED
        )
        self._is_ended |= lost
        return lost

    async def _on_response(self, response: Any) -> None:
        # https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management
        self._session_lost |= (
            response.status_code == 404 and "mcp-session-id" in response.request.headers
        )
        if "json" in response.headers.get("content-type", ""):
            # The SDK has a limit for events, and none for this.
            response.aiter_bytes = partial(self._bounded, response.aiter_bytes)

    async def _bounded(self, read: Callable[[], AsyncIterator[bytes]]) -> AsyncIterator[bytes]:
        """Yield the bytes of a message, up to the limit."""
        size = 0
        async for chunk in read():
            size += len(chunk)
            if size > MAX_LINE_BYTES:
                self._refuse_long_line()
                return
            yield chunk

    async def _list(self, client: mcp.Client, closes: int) -> list[McpTool]:
        found: list[McpTool] = []
        cursors: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_TOOL_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += (self._tool(described, closes) for described in page.tools)
            cursor = page.next_cursor
            if not cursor:
                return found
            if cursor in cursors:
                raise ToolError(
                    self._about(
                        f"listed its tools without end: it gave the cursor {cursor!r} twice"
                    )
                )
            cursors.add(cursor)
        raise ToolError(
            self._about(f"listed its tools without end: there are more than {MAX_TOOL_PAGES} pages")
        )

    def _refuse_long_line(self) -> None:
        """End the connection: without its line, the call that waits for it would wait for ever."""
        self._fault = f"sent a message of more than {MAX_LINE_BYTES // 2**20} MB"
        self._closing.set()

    def _tool(self, described: mcp_types.Tool, closes: int) -> McpTool:
        schema = dict(described.input_schema)
        description = described.description or described.title or ""
        call = partial(self._call, closes)
        return McpTool(
            described.name, description, schema, call, partial(check, schema), self._options
        )

    async def _call(self, closes: int, name: str, arguments: dict[str, Any]) -> Any:
        if self.closes != closes:
            raise ToolError(f"{self.label} was closed before this call, which did not run")
        client = await self.client()
        with self._messages.of_call(CURRENT_CALL.get()) as on_progress:
            try:
                result = await client.call_tool(name, arguments, progress_callback=on_progress)
            except mcp.MCPError as error:
                cause = secrets.without_secrets(error)
                if not self._is_lost(error):
                    raise ToolError(secrets.mask(f"{self.label}: {error}")) from cause
                await self._stderr.read_to_end()
                raise ToolError(self._about(self._end_of_call())) from cause
        content = result.model_dump(mode="json", by_alias=True)
        if result.is_error:
            raise ToolError(text_of(content))
        return value_of(content)

    def _end_of_call(self) -> str:
        """Return why a call has no result, after the connection is over."""
        if self._fault:
            return self._fault
        if self._session_lost:
            return "has forgotten its session: the call did not run"
        return _IN_FLIGHT_ENDED

    # --- changes of the tools ---

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._forget_tools()

    async def _follow_changes(self, client: mcp.Client) -> None:
        """Listen for changes of the tools, which newer servers send only to those that ask."""
        with contextlib.suppress(Exception):  # older servers notify without being asked
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._forget_tools()

    def _about(self, what: str) -> str:
        stderr = self._stderr.text
        written = f"\nIt wrote:\n{stderr}" if stderr.strip() else ""
        return secrets.mask(f"the MCP server {self.target!r} {what}{written}")


async def _finished(task: asyncio.Task[None]) -> bool:
    done, _ = await asyncio.wait([task], timeout=CLOSE_TIMEOUT_S)
    return bool(done)


def _reason(error: BaseException) -> str:
    """Return the message of an error; of a group, those of its members."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(map(_reason, error.exceptions)))
    return str(error) or type(error).__name__


_connections: "weakref.WeakSet[McpConnection]" = weakref.WeakSet()


@atexit.register
def _close_all() -> None:
    """End the servers with the process: those that do not notice the end of their input would
    stay.
    """
    open_ones: list[Callable[[], Any]] = [
        each.aclose for each in _connections if each._connection_task is not None
    ]
    if open_ones and loop().is_running():
        futures = [submit(close()) for close in open_ones]
        for future in futures:
            with contextlib.suppress(Exception):
                future.result(CLOSE_TIMEOUT_S)
