"""Connection to an MCP server (https://modelcontextprotocol.io/specification), on the official
SDK.
"""

import asyncio
import atexit
import contextlib
import contextvars
import os
import shlex
import weakref
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import mcp
import mcp_types
import msgspec
from mcp.client.streamable_http import streamable_http_client
from mcp.shared._httpx_utils import create_mcp_http_client

from nbagent import events as e
from nbagent.agent.calls.context import CURRENT_CALL, CallContext
from nbagent.agent.mcp_client.bounded_lines import ENCODING, MAX_LINE_BYTES, ON_LONG_LINE
from nbagent.agent.mcp_client.content import text_of, value_of
from nbagent.agent.mcp_client.stderr import ServerStderr
from nbagent.agent.mcp_client.tool import McpTool
from nbagent.agent.tools.json_schema import check
from nbagent.agent.tools.tool import check_approve, check_result_chars
from nbagent.errors import NbagentError, ToolError
from nbagent.events.jsonable import json_safe
from nbagent.gate import secrets
from nbagent.runtime.loop import loop, submit
from nbagent.runtime.timeouts import is_limit

CLOSE_TIMEOUT_S = 6
"""Seconds that the process waits for its servers to end, when it ends itself."""
MAX_TOOL_PAGES = 100
"""Pages of a server's list of tools."""
MODE: Any = "auto"
"""Protocol of the SDK's client: the newest that the server knows."""

_IN_FLIGHT_ENDED = (
    "ended during this call: whether the call had an effect is not known, so it was not repeated"
)


class Connection:
    """The connection to one server. All of it but `stop` runs on nbagent's own loop.

    Attributes:
        target: the command or address, without credentials.
        label: the server's name.
    """

    def __init__(self, target: str | Sequence[str], options: Mapping[str, Any]) -> None:
        self._options = options
        self._is_url = isinstance(target, str) and target.startswith(("http://", "https://"))
        self._words: list[str] = [str(target)] if self._is_url else _words(target)
        self._check_options()
        for given in (options["env"], options["headers"]):
            secrets.register(*secrets.credentials_in(given or {}))
        self.target: str = secrets.mask(" ".join(self._words))
        self.label: str = options["name"] or _label_of(self._words, self._is_url)
        self._lock = asyncio.Lock()
        self._listing = asyncio.Lock()
        self._changes = 0
        self._connection_task: asyncio.Task[None] | None = None
        self._client: mcp.Client | None = None
        self._closing = asyncio.Event()
        self._tools: list[McpTool] | None = None
        self._calls: list[CallContext] = []
        self._stderr = ServerStderr(self._write)
        self._questions = 0
        self._session_lost = self._is_ended = False
        self._fault: str | None = None  # why this side has ended the connection
        self._pid = 0
        _connections.add(self)

    def _check_options(self) -> None:
        if not self._words or not self._words[0]:
            raise NbagentError(
                'mcp() takes a command, such as "uvx some-server", or an address; got an empty one'
            )
        wrong = ("env", "cwd") if self._is_url else ("headers",)
        for name in wrong:
            if self._options[name] is not None:
                kind = "an address" if self._is_url else "a command"
                raise NbagentError(f"mcp(): {name}= does not go with {kind}, {self._words[0]!r}")
        for name in ("timeout", "start_timeout"):
            if not is_limit(self._options[name]):
                raise NbagentError(
                    f"mcp(): {name} must be a positive number of seconds, got "
                    f"{self._options[name]!r}"
                )
        check_approve("mcp()", self._options["approve"])
        if (chars := self._options["result_chars"]) is not None:
            check_result_chars("mcp()", chars)

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
        if self._is_url:
            http = await stack.enter_async_context(
                create_mcp_http_client(headers=dict(self._options["headers"] or {}))
            )
            http.event_hooks = {"response": [self._on_response]}
            transport = streamable_http_client(self._words[0], http_client=http)
        else:
            parameters = mcp.StdioServerParameters(
                command=self._words[0],
                args=self._words[1:],
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
            logging_callback=self._on_log,
            elicitation_callback=self._on_question,
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
        """Begin to end the connection, from any thread."""
        if self._connection_task is not None and self._pid == os.getpid():
            with contextlib.suppress(RuntimeError):  # the loop is closed
                submit(self.aclose())

    # --- tools ---

    async def tools(self) -> list[McpTool]:
        """Return the server's tools as they are now."""
        async with self._listing:
            for attempt in (1, 2):
                client = await self.client()
                if self._tools is not None:
                    return self._tools
                changes = self._changes
                try:
                    listed = await self._list(client)
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

    async def _list(self, client: mcp.Client) -> list[McpTool]:
        found: list[McpTool] = []
        cursors: set[str] = set()
        cursor: str | None = None
        for _ in range(MAX_TOOL_PAGES):
            page = await client.list_tools(cursor=cursor)
            found += map(self._tool, page.tools)
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

    def _tool(self, described: mcp_types.Tool) -> McpTool:
        schema = dict(described.input_schema)
        description = described.description or described.title or ""
        return McpTool(
            described.name, description, schema, self._call, partial(check, schema), self._options
        )

    async def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        client = await self.client()
        context = CURRENT_CALL.get()
        if context is not None:
            self._calls.append(context)
        try:
            result = await client.call_tool(
                name, arguments, progress_callback=partial(_on_progress, context)
            )
        except mcp.MCPError as error:
            if not self._is_lost(error):
                raise ToolError(
                    secrets.mask(f"{self.label}: {error}")
                ) from secrets.without_secrets(error)
            if self._session_lost:
                what = "has forgotten its session: the call did not run"
            else:
                what = _IN_FLIGHT_ENDED
            what = self._fault or what
            await self._stderr.read_to_end()
            raise ToolError(self._about(what)) from secrets.without_secrets(error)
        finally:
            if context is not None:
                self._calls.remove(context)
        content = result.model_dump(mode="json", by_alias=True)
        if result.is_error:
            raise ToolError(text_of(content))
        return value_of(content)

    # --- what the server says ---

    @property
    def _asking(self) -> CallContext | None:
        """The call that a message belongs to: most transports do not say, so it is the one that
        began last.
        """
        context = CURRENT_CALL.get()
        if context in self._calls:
            return context
        if self._calls:
            return self._calls[-1]
        return None

    async def _on_log(self, params: mcp_types.LoggingMessageNotificationParams) -> None:
        if isinstance(params.data, str):
            text = params.data
        else:
            text = msgspec.json.encode(json_safe(params.data)).decode()
        logger = f" {params.logger}" if params.logger else ""
        self._write(f"{params.level.upper()}{logger}: {text}\n")

    def _write(self, text: str) -> None:
        context = self._asking
        if context is not None:
            context.output.write(text)

    async def _on_message(self, message: Any) -> None:
        if isinstance(message, mcp_types.ToolListChangedNotification):
            self._forget_tools()

    async def _follow_changes(self, client: mcp.Client) -> None:
        """Listen for changes of the tools, which newer servers send only to those that ask."""
        with contextlib.suppress(Exception):  # older servers notify without being asked
            async with client.listen(tools_list_changed=True) as changes:
                async for _ in changes:
                    self._forget_tools()

    async def _on_question(
        self,
        context: Any,
        params: mcp_types.ElicitRequestFormParams | mcp_types.ElicitRequestURLParams,
    ) -> mcp_types.ElicitResult:
        """Ask the reader, as often as the answer does not fit."""
        call = self._asking
        if call is None:
            return mcp_types.ElicitResult(action="cancel")
        about = _about_question(params)
        schema = about.get("schema")
        problem = ""
        while True:
            self._questions += 1
            question = e.ApprovalRequest(
                approval_id=f"{call.id}-mcp-{self._questions}",
                tool_id=call.id,
                prompt=params.message + problem,
                **about,
            )
            response = await call.questions.ask(question, partial(check, schema or {}))
            if response.decision == "deny":
                return mcp_types.ElicitResult(action="decline")
            if response.decision != "approve":
                return mcp_types.ElicitResult(action="cancel")
            if schema is None:
                return mcp_types.ElicitResult(action="accept")
            content = {} if response.value is None else response.value
            try:
                check(schema, content)
            except ToolError as error:
                problem = f"\n({error})"
                continue
            return mcp_types.ElicitResult(action="accept", content=content)

    def _about(self, what: str) -> str:
        stderr = self._stderr.text
        written = f"\nIt wrote:\n{stderr}" if stderr.strip() else ""
        return secrets.mask(f"the MCP server {self.target!r} {what}{written}")


def _about_question(
    params: mcp_types.ElicitRequestFormParams | mcp_types.ElicitRequestURLParams,
) -> dict[str, Any]:
    """Return the fields of a server's question: a form, or an address to open."""
    if isinstance(params, mcp_types.ElicitRequestFormParams):
        return {"kind": "input", "schema": dict(params.requested_schema)}
    return {"kind": "auth", "meta": {"url": params.url}}


async def _on_progress(
    context: CallContext | None, progress: float, total: float | None, message: str | None
) -> None:
    if context is not None:
        context.output.progress(
            e.ToolProgress(id=context.id, message=message, progress=progress, total=total)
        )


async def _finished(task: asyncio.Task[None]) -> bool:
    done, _ = await asyncio.wait([task], timeout=CLOSE_TIMEOUT_S)
    return bool(done)


def _words(target: Any) -> list[str]:
    """Return the words of a command.

    Raises:
        NbagentError: it is none.
    """
    try:
        if isinstance(target, str):
            return shlex.split(target)
        return [str(word) for word in target]
    except (TypeError, ValueError) as error:  # a quotation mark without its other one
        raise NbagentError(
            f'mcp() takes a command, such as "uvx some-server", or an address; got {target!r}: '
            f"{error}"
        ) from None


def _label_of(words: Sequence[str], is_url: bool) -> str:
    """Return a short name for a server: the host of an address, else the last word that is a
    name.
    """
    if is_url:
        return words[0].split("://", 1)[1].split("/", 1)[0].split("@")[-1].split(":")[0]
    names = [Path(word).name for word in words if not word.startswith("-")]
    if len(names) > 1:
        return names[1]
    return names[0]


def _reason(error: BaseException) -> str:
    """Return the message of an error; of a group, those of its members."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(dict.fromkeys(map(_reason, error.exceptions)))
    return str(error) or type(error).__name__


_connections: "weakref.WeakSet[Connection]" = weakref.WeakSet()


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
