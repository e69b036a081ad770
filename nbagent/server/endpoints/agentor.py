"""Endpoint of Agentor's documentation: `POST /chat`.

Source: https://github.com/CelestoAI/agentor at 6fa8fa1. Its server writes `data: {chunk}` with an
indented object, of which only the first line is a field of an event stream. Here each line of it is
one, so that a reader gets the whole object.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.adapters.base.encoder import SSE_HEADERS, Item
from nbagent.adapters.base.frames import sse
from nbagent.server.asking import AskingAgentor
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.results import whole_text
from nbagent.server.limits import Limits
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.request import body, prompt_of, root_path
from nbagent.server.stream_response import stream_response, wait_for_end


class AgentorRequest(msgspec.Struct):
    """A prompt: a `message`, as the page has it, or the `input` of the project's own server, which
    may be messages too, the newest last.

    Attributes:
        stream: by default what either does: the page's endpoint streams, the server's answers.
    """

    message: str | None = None
    input: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    agent: str | None = None

    @property
    def streams(self) -> bool:
        """True if the answer is streamed."""
        return self.input is None if self.stream is None else self.stream


class AgentorEvents(AskingAgentor):
    """Encodes events as Agentor's outputs, each in a server-sent event."""

    headers: ClassVar[Mapping[str, str]] = SSE_HEADERS

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an output as a server-sent event with several lines of data."""
        return sse(self.message(item).rstrip("\n"), None, number)


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation(
        "Ask an agent, as Agentor's server is asked",
        body=AgentorRequest | str,
        query={"message": "The prompt, if the body has none."},
        result=str,
        stream=EVENT_STREAM,
    )
    async def chat(request: Request) -> Response:
        form: Any = AgentorRequest | str
        given: AgentorRequest | str = await body(request, form)
        asked = AgentorRequest(input=given) if isinstance(given, str) else given
        prompt = _prompt(asked, request, host.limits)
        if not asked.streams:
            run = await host.start(asked.agent, prompt, answers="none")
            await wait_for_end(host, request, run)
            return JSONResponse(await whole_text(run))
        root = root_path(request)
        return await stream_response(
            host,
            request,
            lambda: host.start(asked.agent, prompt),
            f"agentor events {root}",
            lambda: AgentorEvents(root),
        )

    return [Route("/chat", chat, methods=["POST"])]


def _prompt(asked: AgentorRequest, request: Request, limits: Limits) -> str | list[dict[str, Any]]:
    """Return what an agent is asked.

    Raises:
        Problem: there is no text, or the last of the messages has none (422).
    """
    if isinstance(asked.input, list):
        content = None
        if asked.input:
            content = asked.input[-1].get("content")
        prompt_of(content, limits)
        return asked.input
    return prompt_of(asked.message or asked.input or request.query_params.get("message"), limits)
