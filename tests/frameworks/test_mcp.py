"""The Model Context Protocol's own package: its server, whose tool asks the reader."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from frameworks.watching import calls, of_type, watch_and_answer
from mcp.client._memory import InMemoryTransport
from mcp.server.mcpserver import Context, MCPServer
from mcp.shared.message import SessionMessage
from mcp.types import jsonrpc_message_adapter
from pydantic import BaseModel

from nbagent import events as ev

START = {
    "protocolVersion": "2025-06-18",
    "capabilities": {"elicitation": {}},
    "clientInfo": {"name": "test", "version": "1"},
}


class Place(BaseModel):
    city: str


async def book(nights: int, ctx: Context) -> str:
    """Books a hotel."""
    answer = await ctx.elicit("Which city?", Place)
    return (
        f"{nights} nights in {answer.data.city}"
        if answer.action == "accept"
        else f"not booked: {answer.action}"
    )


class Session:
    """A connection to a server: its messages of both directions, until the call has its result."""

    def __init__(self) -> None:
        self._write: Any = None

    async def send(self, message: Any) -> None:
        """Send a message; for `show(send=…)`."""
        await self._write.send(SessionMessage(jsonrpc_message_adapter.validate_python(message)))

    async def __aiter__(self) -> AsyncIterator[Any]:
        server = MCPServer("hotels")
        server.add_tool(book)
        async with InMemoryTransport(server) as (read, self._write):
            await self.send({"jsonrpc": "2.0", "id": 0, "method": "initialize", "params": START})
            await read.receive()
            await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
            params = {"name": "book", "arguments": {"nights": 2}}
            call = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
            await self.send(call)
            yield call
            async for message in read:
                assert isinstance(message, SessionMessage)
                item = message.message.model_dump(mode="json", by_alias=True, exclude_none=True)
                yield item
                if item.get("id") == 1 and "result" in item:
                    return


@pytest.mark.parametrize(
    ("answer", "decision", "result"),
    [
        (lambda question: {"city": "Oslo"}, "approve", "2 nights in Oslo"),
        (lambda question: question.deny(), "deny", "not booked: decline"),
        (lambda question: question.cancel(), "cancel", "not booked: cancel"),
    ],
)
async def test_the_readers_answer_goes_to_the_tool(answer: Any, decision: str, result: str) -> None:
    session = Session()
    run = await watch_and_answer(session, answer, send=session.send)
    (asked,) = of_type(run, ev.ApprovalRequest)
    assert (asked.prompt, asked.schema is not None, asked.tool_id) == (
        "Which city?",
        True,
        of_type(run, ev.ToolStart)[0].id,
    )
    assert [event.decision for event in of_type(run, ev.ApprovalResponse)] == [decision]
    ((name, args, returned, status),) = calls(run)
    assert (name, args, status) == ("book", {"nights": 2}, "ok")
    assert result in str(returned)
    assert run.status == "completed"
