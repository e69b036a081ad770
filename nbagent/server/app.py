"""The ASGI application of a server."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route, WebSocketRoute

from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.gate import Reveal, Tags
from nbagent.run import Run
from nbagent.server.a2a.mount import A2A, is_installed
from nbagent.server.access.access import Access
from nbagent.server.access.guard import LOOPBACK, Guard
from nbagent.server.caller_span import CallerSpan
from nbagent.server.endpoints import (
    ag_ui,
    agentor,
    dexto,
    hector,
    login,
    nearai,
    openai,
    page,
    runs,
    status_tokens,
    vercel,
)
from nbagent.server.endpoints.mcp import McpEndpoint
from nbagent.server.hosting.function_agent import FunctionAgent, ServedAgent
from nbagent.server.hosting.host import Host, new_run_id
from nbagent.server.lifetime import BeginOnRequest, Lifetime
from nbagent.server.limits import DEFAULTS, Limits
from nbagent.server.openapi import document
from nbagent.server.operation import operation, operation_of
from nbagent.server.page.views import Views
from nbagent.server.problem import Problem
from nbagent.server.stores.stores import stores_at

CORS: Any = {"allow_methods": ["*"], "allow_headers": ["*"], "expose_headers": ["*"]}
"""Rights of pages elsewhere that may use the server; without cookies, which are for its own
page.
"""

Served: TypeAlias = Agent | Run | Callable[..., Any]
"""An agent, a run that is being watched, or a function from a prompt to the stream of its
answer.
"""


def asgi(
    served: Served | Mapping[str, Served],
    *,
    store: str | Path = ":memory:",
    reveal: Reveal | None = None,
    tags: Tags | None = None,
    hosts: Iterable[str] = LOOPBACK,
    origins: Iterable[str] = (),
    token: str | None = None,
    read_token: str | None = None,
    cancel_on_disconnect: bool = False,
    default_agent: str | None = None,
    limits: Limits | None = None,
) -> Starlette:
    """Return an ASGI application that serves agents, to be run by any ASGI server or mounted into
    another application.

        app = FastAPI()
        agents = nbagent.asgi(agent, hosts=["example.org"], token=os.environ["TOKEN"])
        app.mount("/agents-api", agents)

    Args:
        served: an agent, a run that is being watched, or a function that is called with each
            prompt and returns the stream of the answer, whatever `nbagent.show` takes; or several
            by the names that they are served under. A parameter of the function that is named
            `messages` gets the conversation.
        store: keeps the runs and the sessions, so that a client goes on after the server has been
            started again, and at any other server process with the same store: an SQLite file, or
            the URL of a Redis, such as `"redis://host:6379/0?keep_s=86400"`, which keeps ended runs
            for a day. By default this process's memory.
        reveal: how much of a run its clients see; see `nbagent.show`. None is `"tools"`, and
            `"thinking"` for an agent whose configuration says `show_thinking: true`.
        tags: thoughts and calls in the agents' texts that are recognised besides; see
            `nbagent.show`.
        hosts: names by which the server may be addressed; by default those of this machine for
            itself.
        origins: of web pages elsewhere that may use it.
        token: that each request must bear, or the cookie that `POST /login` gives for it; None if
            none is needed.
        read_token: token of clients that may read lists and runs, but start, stop and answer
            nothing.
        cancel_on_disconnect: whether a run is cancelled when its last reader has left. A request
            may say otherwise, by `?cancel_on_disconnect=true` or `false`.
        default_agent: name of the agent that a request without one is for; by default the first.
        limits: how much it takes of its clients; see `nbagent.Limits`. Those of connections are the
            ASGI server's.

    Raises:
        ValueError: `tags` names what there is not.
        TypeError: `tags` is of another form.
        NbagentError: there is no agent, run or function, no agent of the name `default_agent`, a
            function takes no prompt, a
            `read_token` without a `token`, or the store cannot be reached.
    """
    named = _named(served)
    agents = {name: each for name, each in named.items() if not isinstance(each, Run)}
    runs_by_id = {
        new_run_id(): (name, each) for name, each in named.items() if isinstance(each, Run)
    }
    access = Access(token, read_token)
    events, sessions = stores_at(store)
    access.logouts = events
    pages = list(origins)
    limits = limits or DEFAULTS
    host = Host(
        agents,
        events,
        sessions=sessions,
        reveal=reveal,
        tags=tags,
        limits=limits,
        cancel_on_disconnect=cancel_on_disconnect,
        default_agent=default_agent,
    )
    mcp = McpEndpoint(host)
    views = Views(host)
    a2a = A2A(host, token) if is_installed() else None

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[None]:
        try:
            host.open()
            for run_id, (name, run) in runs_by_id.items():
                await host.host(run, name, run_id=run_id, has_reader=True)
            if a2a is not None:
                await a2a.start()
            yield
        finally:
            await mcp.aclose()
            views.close()
            if a2a is not None:
                await a2a.close()
            await host.close()

    lifetime = Lifetime(opened)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await lifetime.begin()
        try:
            yield
        finally:
            await lifetime.end()

    rooms = (runs, hector, agentor, dexto, nearai, status_tokens, openai, vercel, ag_ui)
    routes = (
        [route for room in rooms for route in room.routes(host)]
        + login.routes(access)
        + mcp.routes()
        + page.routes(views)
    )

    @operation("Describe this server: this document", result=dict[str, Any], reads=True)
    async def openapi(request: Request) -> Response:
        root = str(request.scope.get("root_path", ""))
        return JSONResponse(
            document(routes, agents=list(host.agents), root=root, has_token=not access.is_open)
        )

    routes.append(Route("/openapi.json", openapi, methods=["GET"]))
    described = [(route, each) for route in routes if (each := operation_of(route)) is not None]
    readable = [route for route, each in described if each.reads]
    brief = [route for route, each in described if each.is_brief]
    changing = [route for route, each in described if not each.reads]
    app = Starlette(
        routes=[*routes, *(() if a2a is None else a2a.routes())],
        lifespan=lifespan,
        middleware=[
            *([Middleware(CORSMiddleware, allow_origins=pages, **CORS)] if pages else []),
            Middleware(
                Guard,
                hosts=hosts,
                origins=pages,
                access=access,
                readable=readable,
                changing=changing,
                brief=brief,
                limits=limits,
            ),
            Middleware(BeginOnRequest, lifetime=lifetime),
            Middleware(CallerSpan),
        ],
        exception_handlers={NbagentError: _refuse, HTTPException: _refuse_http, Exception: _fail},
    )
    app.state.a2a = a2a
    app.state.host = host
    app.state.limits = limits
    app.state.run_ids = {run.id: run_id for run_id, (_, run) in runs_by_id.items()}
    return app


def _named(served: Any) -> dict[str, ServedAgent | Run]:
    """Return what is served by its names.

    Raises:
        NbagentError: something is neither an agent, a run nor a function, or there is nothing.
    """
    if isinstance(served, Mapping) and served:
        return {name: _checked(each, name) for name, each in served.items()}
    checked = _checked(served, getattr(served, "__name__", "agent"))
    return {checked.name: checked}


def _checked(served: Any, name: str) -> ServedAgent | Run:
    if isinstance(served, Agent | FunctionAgent | Run):
        return served
    if not callable(served) or isinstance(served, type):
        raise NbagentError(
            f"serve an agent, a run, or a function from a prompt to a stream, or a dict of them by "
            f"name; got {served!r}"
        )
    return FunctionAgent(served, "agent" if name == "<lambda>" else name)


async def _refuse(request: Request, error: Exception) -> Response:
    problem = error if isinstance(error, Problem) else Problem(422, str(error))
    return problem.response()


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    headers = {"allow": ", ".join(_methods(request))} if error.status_code == 405 else error.headers
    if error.status_code == 404 and _is_of_socket(request):
        detail = "this is the address of a WebSocket: connect to it by ws:// or wss://"
        return (
            Problem(400, detail)
            if request.method == "GET"
            else Problem(405, detail, {"allow": "GET"})
        ).response()
    return Problem(error.status_code, error.detail, headers).response()


async def _fail(request: Request, error: Exception) -> Response:
    return Problem(500, "the server failed; its log has the reason").response()


def _methods(request: Request) -> list[str]:
    """Return the methods of a request's path.

    Starlette names those of the first of its routes only.
    """
    routes = [route for route in request.app.routes if isinstance(route, Route)]
    matching = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return sorted({method for route in matching for method in route.methods or ()})


def _is_of_socket(request: Request) -> bool:
    """Return True if a WebSocket is at the path of a request."""
    scope = {**request.scope, "type": "websocket"}
    routes = [route for route in request.app.routes if isinstance(route, WebSocketRoute)]
    return any(route.matches(scope)[0] is not Match.NONE for route in routes)
