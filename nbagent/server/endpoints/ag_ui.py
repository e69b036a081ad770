"""Endpoint of AG-UI: `POST /ag-ui/{agent}` with a `RunAgentInput`.

Source: https://docs.ag-ui.com/concepts/architecture.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.adapters.ag_ui.encoder import AguiEncoder
from nbagent.adapters.base.encoder import Item
from nbagent.server.host import Host
from nbagent.server.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body
from nbagent.server.stream_response import stream_response


class RunAgentInput(msgspec.Struct):
    """The input of a run: the thread and its messages, the newest last."""

    messages: list[dict[str, Any]]
    threadId: str | None = None  # noqa: N815 - the name on the wire
    runId: str | None = None  # noqa: N815 - the name on the wire


class ThreadEncoder(AguiEncoder):
    """Encodes events with ids of messages unique in a thread: a client keeps the messages of all its runs by them."""

    def emit(self, *items: Item) -> None:
        """Add items, with the run's id in those of their messages."""
        for item in items:
            if isinstance(item, dict) and "messageId" in item:
                item["messageId"] = f"{self.run_id}:{item['messageId']}"
        super().emit(*items)


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Run an agent for a client of AG-UI", body=RunAgentInput, stream=EVENT_STREAM)
    async def run(request: Request) -> Response:
        asked = await body(request, RunAgentInput)
        if not asked.messages or asked.messages[-1].get("role") != "user":
            raise Problem(422, "the last of the messages must be the user's")

        async def start() -> HostedRun:
            return await host.start(request.path_params["agent"], [_message(each) for each in asked.messages])

        return await stream_response(host, request, start, "ag_ui thread", ThreadEncoder)

    return [Route("/ag-ui/{agent}", run, methods=["POST"])]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in the form of Chat Completions, of which AG-UI's differs in two names."""
    made = {name: value for name, value in message.items() if name in ("role", "content")}
    if "toolCalls" in message:
        made["tool_calls"] = message["toolCalls"]
    if "toolCallId" in message:
        made["tool_call_id"] = message["toolCallId"]
    return made
