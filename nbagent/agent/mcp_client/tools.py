"""`mcp`: the tools of an MCP server, for an agent."""

import weakref
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbagent.errors import MissingExtra

if TYPE_CHECKING:
    from nbagent.agent.mcp_client.connection import McpConnection
    from nbagent.agent.mcp_client.tool import McpTool


START_TIMEOUT_S = 60
"""Seconds in which a server must answer for the first time; a package runner may have to download
it.
"""


class McpServer:
    """The tools of a server, made by `mcp`.

    A toolset: `nbagent.agent.tools.toolset` says what its methods are for.

    Args:
        connection: to the server.
    """

    def __init__(self, connection: "McpConnection") -> None:
        self._connection = connection
        # the end of the process ends connections itself, and waits
        weakref.finalize(self, connection.stop).atexit = False

    @property
    def label(self) -> str:
        """Name in messages, and before the names of tools that collide."""
        return self._connection.label

    @property
    def closes(self) -> int:
        """How often `close` was called."""
        return self._connection.closes

    @property
    def is_open(self) -> bool:
        """True if the server runs and is connected."""
        return self._connection.is_open

    async def tools(self) -> Sequence["McpTool"]:
        """Return its tools as they are now.

        Raises:
            ToolError: it cannot be started or reached.
        """
        return await self._connection.tools()

    def close(self) -> None:
        """End the connection, and the server's process with all that it has started, within some
        seconds.

        The next run starts it again. One that goes on does without its tools.
        """
        self._connection.stop()

    def __repr__(self) -> str:
        return f"mcp({self._connection.target!r})"


def mcp(
    target: str | Sequence[str],
    *,
    name: str | None = None,
    headers: Mapping[str, str] | None = None,
    env: Mapping[str, str] | None = None,
    cwd: str | Path | None = None,
    approve: bool | Callable[[dict[str, Any]], bool] = False,
    timeout: float | None = None,
    start_timeout: float | None = START_TIMEOUT_S,
    result_chars: int | None = None,
) -> McpServer:
    """Return the tools of an MCP server, for `Agent(tools=[…])`.

    The server starts with the first run.

        nbagent.Agent("gpt-5-mini", tools=[nbagent.mcp("uvx mcp-server-time"), nbagent.mcp("https://example.org/mcp")])

    Its progress, log messages, stderr and questions are shown in the panel of the call. It ends
    with the process, with the agent, or with `close()`. One that has died is started again for the
    next call; a call that it died in is not repeated. If it cannot be reached any more, its calls
    fail and the run goes on. So do they where a message has more than 16 MB.

    Args:
        target: a command that speaks MCP on stdin and stdout, as text or as a list of words; or the
            address of a server that speaks it over HTTP ("streamable HTTP").
        name: its name in messages, and before the names of tools that another one has too.
        headers: sent with every request to an address; credentials in them are masked in all that
            is shown.
        env: variables of the command's environment. It gets these and the few that a command needs,
            such as PATH and HOME, and nothing else of this process's environment.
        cwd: folder that the command runs in.
        approve: True asks before each call of its tools; or a function of the arguments, as for
            `@tool`.
        timeout: seconds that a call may take; None is no limit.
        start_timeout: seconds in which the server must be ready.
        result_chars: characters of a result that the model gets at most; None leaves it to the
            agent.

    Raises:
        MissingExtra: the package `mcp` is not installed.
        NbagentError: an option is invalid.
    """
    if find_spec("mcp") is None or find_spec("mcp_types") is None:
        raise MissingExtra("mcp(): tools of an MCP server", "mcp")
    from nbagent.agent.mcp_client.connection import McpConnection

    options = {
        "name": name,
        "headers": headers,
        "env": env,
        "cwd": cwd,
        "approve": approve,
        "timeout": timeout,
        "start_timeout": start_timeout,
        "result_chars": result_chars,
    }
    return McpServer(McpConnection(target, options))
