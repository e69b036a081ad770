"""`AgentTools`: the served agents and their tools as an MCP server's tools, on the official SDK."""

import asyncio
import sys
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, TypeAlias

import mcp_types
from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.shared.exceptions import MCPError

from nbagent.agent import Agent
from nbagent.agent.tools.tool import AnyTool, Tool
from nbagent.agent.tools.toolset import merged, model_name
from nbagent.errors import NbagentError, ToolError, did_you_mean
from nbagent.gate import secrets
from nbagent.runtime.loop import submit
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.mcp.call import McpCall, text_result
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of

NEW_SESSION = "new"
"""Value of the argument `session` that begins a session."""

Context: TypeAlias = ServerRequestContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Served:
    """A tool of the MCP server.

    Attributes:
        tool: with its name, its description and its schema.
        agent: that answers, or that the tool is of.
        is_agent: True if it is the agent itself.
    """

    tool: AnyTool
    agent: str
    is_agent: bool


class McpServer:
    """Lists the agents and their tools, and runs the calls of MCP clients.

    Each call is a served run.

    Args:
        host: runs the agents.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._agents = [_as_tool(name, agent.description) for name, agent in host.agents.items()]

    def sessions(self, max_sessions: int) -> StreamableHTTPSessionManager:
        """Return the server as the sessions of its clients over Streamable HTTP, at most so many at
        a time.
        """
        instructions = (
            "Each agent is a tool that takes a message. Tools of the agents can be called by "
            "themselves."
        )
        server = Server(
            "nbagent",
            version=version("jupyter-nbagent"),
            instructions=instructions,
            on_list_tools=self._list,
            on_call_tool=self._call,
        )
        # The Guard limits bodies.
        return StreamableHTTPSessionManager(
            server, max_sessions=max_sessions, max_request_body_size=sys.maxsize
        )

    async def _list(self, context: Context, params: Any) -> mcp_types.ListToolsResult:
        tools = [
            mcp_types.Tool(
                name=name, description=served.tool.description, input_schema=served.tool.schema
            )
            for name, served in (await self._served()).items()
        ]
        return mcp_types.ListToolsResult(tools=tools)

    async def _served(self) -> dict[str, Served]:
        """Return the tools by name, agents first.

        A name that comes twice gets the agent's name before it: `sales_search`. Where a server
        reveals answers only, the agents' own tools are not served.
        """
        agents = list(self._host.agents)
        own = merged({}, [(name, [tool]) for name, tool in zip(agents, self._agents, strict=True)])
        made = {
            tool.name: Served(tool, name, True)
            for name, tool in zip(agents, own.values(), strict=True)
        }
        shown = [name for name in agents if self._host.reveal_of(name) != "answer"]
        sets = [(name, await self._tools_of(name)) for name in shown]
        owners = [name for name, tools in sets for _ in tools]
        others = list(merged(own, sets).values())[len(own) :]
        return made | {
            tool.name: Served(tool, owner, False)
            for tool, owner in zip(others, owners, strict=True)
        }

    async def _tools_of(self, agent: str) -> list[AnyTool]:
        """Return the tools of an agent; if a server of its tools cannot be reached, only those of
        its own.
        """
        found = self._host.agents[agent]
        try:
            return await asyncio.wrap_future(submit(found.served_tools()))
        except ToolError:
            return found.tools

    async def _call(
        self, context: Context, params: mcp_types.CallToolRequestParams
    ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
        served = await self._served()
        if params.name not in served:
            raise MCPError(
                mcp_types.INVALID_PARAMS,
                f"there is no tool {params.name!r}{did_you_mean(params.name, served)}",
            )
        entry = served[params.name]
        try:
            if params.request_state is not None:
                run, seen = await self._resumed(params.request_state)
                call = McpCall(run, is_tool=not entry.is_agent, seen=seen)
                await call.answer(params.input_responses or {})
            else:
                run = await self._start(entry, params.arguments or {})
                call = McpCall(run, is_tool=not entry.is_agent)
            return await call.result(context)
        except NbagentError as error:
            return text_result(secrets.mask(str(error)), is_error=True)

    async def _resumed(self, state: str) -> tuple[HostedRun, int]:
        """Return the run that a client goes on with, and the number of events that it knows.

        `state` may be anything.

        Raises:
            Problem: there is no such run, or it does not wait in this process.
        """
        run_id, _, seen = state.partition(":")
        run = await self._host.find(run_id)
        if not seen.isdecimal() or len(seen) > 9:
            raise Problem(409, f"the run {run_id!r} does not wait for an answer here")
        return run, int(seen)

    async def _start(self, served: Served, arguments: dict[str, Any]) -> HostedRun:
        """Begin the run of a call.

        Raises:
            NbagentError: the arguments do not fit, there is no such session, or too many runs go
                on.
        """
        served.tool.check(arguments)
        if not served.is_agent:
            agent = self._host.agents[served.agent]
            assert isinstance(agent, Agent)  # a function has no tools
            stream = agent.stream_call(served.tool, arguments)
            return await self._host.host(
                self._host.watch(stream, served.agent, name=served.tool.name), served.agent
            )
        message, name = prompt_of(arguments["message"], self._host.limits), arguments.get("session")
        if name is None:
            return await self._host.start(served.agent, message)
        is_new = name == NEW_SESSION
        session = await (
            self._host.sessions.new(served.agent)
            if is_new
            else self._host.sessions.find(served.agent, name)
        )
        return await self._host.start(served.agent, message, session)


def _as_tool(agent: str, description: str) -> AnyTool:
    """Return an agent as a tool. Its function is not called."""

    def ask(message: str, session: str | None = None) -> None:
        """Ask an agent.

        Args:
            message: What to say to it.
            session: Conversation that the message belongs to; "new" begins one, whose id comes with
                the answer. Without it the agent knows of no other message.
        """

    return Tool(ask, name=model_name(agent), description=description or f"Ask the agent {agent}.")
