"""Endpoint of Dexto's documentation: `POST /chat/stream`, with named events and the session in the data.

Source: https://docs.dexto.ai, "Streaming".
"""

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import stream_response


class Chat(msgspec.Struct):
    """A prompt, and the session that it belongs to; None begins one."""

    message: str
    sessionId: str | None = None  # noqa: N815 - the name on the wire
    agent: str | None = None


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Ask an agent, as Dexto's server is asked", body=Chat, stream=EVENT_STREAM)
    async def stream(request: Request) -> Response:
        asked = await body(request, Chat)

        async def start() -> HostedRun:
            name, _ = host.agent(asked.agent)
            session = await (host.sessions.new(name) if asked.sessionId is None else host.sessions.find(name, asked.sessionId))
            return await host.start(name, prompt_of(asked.message, host.limits), session)

        return await stream_response(host, request, start, "dexto")

    return [Route("/chat/stream", stream, methods=["POST"])]
