"""Endpoint of Agentor's documentation: `POST /chat`.

Source: https://github.com/CelestoAI/agentor at 6fa8fa1. Its server writes `data: {chunk}` with an
indented object, of which only the first line is a field of an event stream. Here each line of it is
one, so that a reader gets the whole object.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.adapters.base.encoder import SSE_HEADERS, Item
from nbagent.adapters.base.frames import sse
from nbagent.server.asking import AskingAgentor
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.results import whole_text
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.request import body, prompt_of, root_path
from nbagent.server.stream_response import stream_response


class Chat(msgspec.Struct):
    """A prompt, under the name of the page or that of the project's server."""

    message: str | None = None
    input: str | None = None
    stream: bool | None = None
    agent: str | None = None


class AgentorEvents(AskingAgentor):
    """Encodes events as Agentor's outputs, each in a server-sent event."""

    headers: ClassVar[Mapping[str, str]] = SSE_HEADERS

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an output as a server-sent event with several lines of data."""
        return sse(self.message(item).rstrip("\n"), None, number)


class Answer(TypedDict):
    """A whole answer, for `"stream": false`."""

    message: str


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation(
        "Ask an agent, as Agentor's server is asked",
        body=Chat,
        query={"message": "The prompt, if the body has none."},
        result=Answer,
        stream=EVENT_STREAM,
    )
    async def chat(request: Request) -> Response:
        asked = await body(request, Chat)
        message: Any = asked.message or asked.input or request.query_params.get("message")
        if asked.stream is False:
            run = await host.start(asked.agent, prompt_of(message, host.limits), answers="none")
            return JSONResponse({"message": await whole_text(run)})
        start = lambda: host.start(asked.agent, prompt_of(message, host.limits))  # noqa: E731 - the same call, later
        root = root_path(request)
        return await stream_response(
            host, request, start, f"agentor events {root}", lambda: AgentorEvents(root)
        )

    return [Route("/chat", chat, methods=["POST"])]
