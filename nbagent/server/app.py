"""The ASGI application of a server."""

import contextlib
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.gate import Reveal, Tags
from nbagent.run import Run
from nbagent.server.access.access import Access
from nbagent.server.access.guard import LOOPBACK, Guard
from nbagent.server.caller_span import CallerSpan
from nbagent.server.error_responses import ERROR_RESPONSES
from nbagent.server.hosting.function_agent import FunctionAgent, ServedAgent
from nbagent.server.hosting.host import Host
from nbagent.server.lifetime import BeginOnRequest, Lifetime
from nbagent.server.limits import DEFAULTS, Limits
from nbagent.server.openapi import document
from nbagent.server.operation import operation, operation_of
from nbagent.server.services import Services
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
    agents, watched = _split(_named(served))
    access = Access(token, read_token)
    events, sessions = stores_at(store)
    access.logouts = events
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
    services = Services(host, watched, token)
    lifetime = Lifetime(services.opened)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await lifetime.begin()
        try:
            yield
        finally:
            await lifetime.end()

    routes = services.routes(access)
    routes.append(_description(routes, host, access))
    pages = list(origins)
    app = Starlette(
        routes=[*routes, *services.a2a_routes()],
        lifespan=lifespan,
        middleware=[
            *_cors(pages),
            Middleware(
                Guard,
                hosts=hosts,
                origins=pages,
                access=access,
                limits=limits,
                **_by_rights(routes),
            ),
            Middleware(BeginOnRequest, lifetime=lifetime),
            Middleware(CallerSpan),
        ],
        exception_handlers=ERROR_RESPONSES,
    )
    app.state.a2a = services.a2a
    app.state.host = host
    app.state.limits = limits
    app.state.run_ids = services.run_ids
    return app


def _description(routes: list[BaseRoute], host: Host, access: Access) -> Route:
    """Return the route of the OpenAPI document of all routes, itself among them."""

    @operation("Describe this server: this document", result=dict[str, Any], reads=True)
    async def openapi(request: Request) -> Response:
        root = str(request.scope.get("root_path", ""))
        return JSONResponse(
            document(routes, agents=list(host.agents), root=root, has_token=not access.is_open)
        )

    return Route("/openapi.json", openapi, methods=["GET"])


def _cors(pages: list[str]) -> list[Middleware]:
    if not pages:
        return []
    return [Middleware(CORSMiddleware, allow_origins=pages, **CORS)]


def _by_rights(routes: list[BaseRoute]) -> dict[str, list[BaseRoute]]:
    """Return the described routes by what the guard asks of their requests."""
    readable: list[BaseRoute] = []
    changing: list[BaseRoute] = []
    brief: list[BaseRoute] = []
    for route in routes:
        described = operation_of(route)
        if described is None:
            continue
        if described.is_brief:
            brief.append(route)
        if described.reads:
            readable.append(route)
        else:
            changing.append(route)
    return {"readable": readable, "changing": changing, "brief": brief}


def _split(named: Mapping[str, ServedAgent | Run]) -> tuple[dict[str, ServedAgent], dict[str, Run]]:
    """Return what is served as agents and as runs that go on."""
    agents: dict[str, ServedAgent] = {}
    runs: dict[str, Run] = {}
    for name, served in named.items():
        if isinstance(served, Run):
            runs[name] = served
        else:
            agents[name] = served
    return agents, runs


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
    if name == "<lambda>":
        name = "agent"
    return FunctionAgent(served, name)
