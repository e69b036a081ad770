"""Endpoint of status, token, tool_result and done: `GET /stream?query=`, for an EventSource."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.server.asking import AskingStatus
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.request import prompt_of, root_path
from nbagent.server.stream_response import stream_response


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation(
        "Ask an agent",
        query={"query": "The prompt.", "agent": "Name of the agent, if several are."},
        stream=EVENT_STREAM,
    )
    async def stream(request: Request) -> Response:
        query = request.query_params

        async def start() -> HostedRun:
            name, _ = host.agent(query.get("agent"))
            return await host.start(name, prompt_of(query.get("query"), host.limits))

        root = root_path(request)
        return await stream_response(
            host, request, start, f"status.tokens {root}", lambda: AskingStatus(root)
        )

    return [Route("/stream", stream, methods=["GET"])]
