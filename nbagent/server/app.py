"""The ASGI application of a server."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from nbagent.agent import Agent
from nbagent.errors import NbagentError
from nbagent.gate import Reveal, secrets
from nbagent.server.endpoints import ag_ui, agentor, dexto, hector, nearai, openai, runs, status_tokens, vercel
from nbagent.server.guard import LOOPBACK, Guard
from nbagent.server.host import Host
from nbagent.server.problem import Problem
from nbagent.server.sqlite_events import SqliteEvents


def asgi(
    agents: Agent | Mapping[str, Agent],
    *,
    store: str | Path = ":memory:",
    reveal: Reveal = "tools",
    hosts: Iterable[str] = LOOPBACK,
    origins: Iterable[str] = (),
    token: str | None = None,
) -> Starlette:
    """Return an ASGI application that serves agents, to be run by any ASGI server or mounted into another application.

        app = FastAPI()
        app.mount("/agents-api", nbagent.asgi(agent, hosts=["example.org"], token=os.environ["TOKEN"]))

    Args:
        agents: one agent, or several by the names that they are served under.
        store: SQLite file that keeps the events of the runs, so that a client goes on after the server has been started again;
            by default this process's memory.
        reveal: how much of a run its clients see; see `nbagent.show`.
        hosts: names by which the server may be addressed; by default those of this machine for itself.
        origins: of web pages elsewhere that may use it.
        token: that each request must bear; None for any.

    Raises:
        NbagentError: `agents` are none.
    """
    host = Host(_named(agents), SqliteEvents(store), reveal=reveal)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        try:
            yield
        finally:
            await host.close()

    rooms = (runs, hector, agentor, dexto, nearai, status_tokens, openai, vercel, ag_ui)
    return Starlette(
        routes=[route for room in rooms for route in room.routes(host)],
        lifespan=lifespan,
        middleware=[Middleware(Guard, hosts=hosts, origins=origins, token=token)],
        exception_handlers={NbagentError: _refuse, HTTPException: _refuse_http},
    )


def _named(agents: Agent | Mapping[str, Agent]) -> dict[str, Agent]:
    given: Any = agents
    named = {given.name: given} if isinstance(given, Agent) else dict(given) if isinstance(given, Mapping) else {}
    if not named or not all(isinstance(each, Agent) for each in named.values()):
        raise NbagentError(f"serve an agent, or a dict of agents by name; got {agents!r}")
    return named


async def _refuse(request: Request, error: Exception) -> Response:
    status = error.status if isinstance(error, Problem) else 422
    return JSONResponse({"error": {"message": secrets.mask(str(error))}}, status)


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": {"message": error.detail}}, error.status_code, error.headers)
