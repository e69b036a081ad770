"""The ASGI application of a server."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeAlias

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.gate import Reveal, secrets
from nbagent.run import Run
from nbagent.server.access import Access
from nbagent.server.endpoints import ag_ui, agentor, dexto, hector, login, nearai, openai, page, runs, status_tokens, vercel
from nbagent.server.endpoints.mcp import McpEndpoint
from nbagent.server.guard import LOOPBACK, Guard
from nbagent.server.host import Host, new_run_id
from nbagent.server.operation import operation_of
from nbagent.server.problem import Problem
from nbagent.server.sqlite_events import SqliteEvents
from nbagent.server.views import Views

Served: TypeAlias = Agent | Run
"""An agent, or a run that is being watched."""


def asgi(
    served: Served | Mapping[str, Served],
    *,
    store: str | Path = ":memory:",
    reveal: Reveal = "tools",
    hosts: Iterable[str] = LOOPBACK,
    origins: Iterable[str] = (),
    token: str | None = None,
    read_token: str | None = None,
) -> Starlette:
    """Return an ASGI application that serves agents, to be run by any ASGI server or mounted into another application.

        app = FastAPI()
        app.mount("/agents-api", nbagent.asgi(agent, hosts=["example.org"], token=os.environ["TOKEN"]))

    Args:
        served: an agent, or a run that is being watched; or several by the names that they are served under. Runs need a server
            that runs the application's lifespan; a mounted application has none of its own.
        store: SQLite file that keeps the events of the runs, so that a client goes on after the server has been started again;
            by default this process's memory.
        reveal: how much of a run its clients see; see `nbagent.show`.
        hosts: names by which the server may be addressed; by default those of this machine for itself.
        origins: of web pages elsewhere that may use it.
        token: that each request must bear, or the cookie that `POST /login` gives for it; None if none is needed.
        read_token: token of clients that may read lists and runs, but start, stop and answer nothing.

    Raises:
        NbagentError: there is neither an agent nor a run, or a `read_token` without a `token`.
    """
    named = _named(served)
    agents = {name: each for name, each in named.items() if isinstance(each, Agent)}
    runs_by_id = {new_run_id(): (name, each) for name, each in named.items() if isinstance(each, Run)}
    access = Access(token, read_token)
    host = Host(agents, SqliteEvents(store), reveal=reveal)
    mcp = McpEndpoint(host, reveal)
    views = Views(host, reveal)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        for run_id, (name, run) in runs_by_id.items():
            await host.host(run, name, run_id=run_id)
        try:
            yield
        finally:
            await mcp.aclose()
            views.close()
            await host.close()

    rooms = (runs, hector, agentor, dexto, nearai, status_tokens, openai, vercel, ag_ui)
    routes = [route for room in rooms for route in room.routes(host)] + login.routes(access) + mcp.routes() + page.routes(views)
    readable = [route for route in routes if (described := operation_of(route)) is not None and described.reads]
    app = Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, origins=origins, access=access, readable=readable)],
        exception_handlers={NbagentError: _refuse, HTTPException: _refuse_http},
    )
    app.state.host = host
    app.state.run_ids = {run.id: run_id for run_id, (_, run) in runs_by_id.items()}
    return app


def _named(served: Any) -> dict[str, Served]:
    named = {served.name: served} if isinstance(served, Served) else dict(served) if isinstance(served, Mapping) else {}
    if not named or not all(isinstance(each, Served) for each in named.values()):
        raise NbagentError(f"serve an agent or a run, or a dict of them by name; got {served!r}")
    return named


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Problem) else 422
    return JSONResponse({"error": {"message": secrets.mask(str(error))}}, status)


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": {"message": error.detail}}, error.status_code, error.headers)
