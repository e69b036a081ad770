"""Endpoints of NEAR AI's documentation: a thread's runs as the events of OpenAI's Assistants.

Source: https://docs.near.ai, "Agent streaming". The page reads
`/api/v1/threads/{thread}/stream/{run}`; threads, messages and runs are made as in OpenAI's API
(https://platform.openai.com/docs/api-reference/runs/createRun).
"""

from typing import Any, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import stream_response

PREFIXES = ("", "/api/v1", "/v1")
"""Roots under which the API stands."""


class NewThread(msgspec.Struct):
    """A thread with an agent; the only one by default."""

    agent: str | None = None


class NewRun(msgspec.Struct):
    """A run: the user's message, and the agent under its name in either API."""

    message: str
    assistant_id: str | None = None
    agent: str | None = None


class Thread(TypedDict):
    """A thread that has begun."""

    id: str
    object: str
    agent: str


class ThreadRun(TypedDict):
    """A run that has begun."""

    id: str
    object: str
    thread_id: str
    status: str


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Begin a thread", body=NewThread, result=Thread, status=201)
    async def new_thread(request: Request) -> Response:
        name, _ = host.agent((await body(request, NewThread)).agent)
        return JSONResponse(
            {"id": (await host.sessions.new(name)).name, "object": "thread", "agent": name}, 201
        )

    @operation("Begin a run in a thread", body=NewRun, result=ThreadRun, status=201)
    async def new_run(request: Request) -> Response:
        asked = await body(request, NewRun)
        thread = request.path_params["thread"]
        name, _ = host.agent(
            asked.agent or asked.assistant_id, '"assistant_id": "NAME" in the body'
        )
        run = await host.start(
            name,
            prompt_of(asked.message, host.limits),
            await host.sessions.find(name, thread),
            answers="none",
        )
        made: dict[str, Any] = {
            "id": run.id,
            "object": "thread.run",
            "thread_id": thread,
            "status": "in_progress",
        }
        return JSONResponse(made, 201)

    @operation("Read a run of a thread", stream=EVENT_STREAM, reads=True)
    async def stream(request: Request) -> Response:
        run = await host.find(request.path_params["run"])
        if run.stored.session != request.path_params["thread"]:
            raise Problem(404, f"the thread has no run {run.id!r}")

        async def found() -> HostedRun:
            return run

        return await stream_response(host, request, found, "nearai")

    return [
        route
        for prefix in PREFIXES
        for route in (
            Route(f"{prefix}/threads", new_thread, methods=["POST"]),
            Route(f"{prefix}/threads/{{thread}}/runs", new_run, methods=["POST"]),
            Route(f"{prefix}/threads/{{thread}}/stream/{{run}}", stream, methods=["GET"]),
        )
    ]
