"""`Services`: the parts of an application that are opened before it serves, and closed after it."""

import contextlib
from collections.abc import AsyncIterator, Mapping

from starlette.routing import BaseRoute

from nbagent.run import Run
from nbagent.server.a2a.mount import A2A, is_installed
from nbagent.server.access.access import Access
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
from nbagent.server.hosting.host import Host, new_run_id
from nbagent.server.page.views import Views

_ROOMS = (runs, hector, agentor, dexto, nearai, status_tokens, openai, vercel, ag_ui)


class Services:
    """The host of the agents, and what speaks for it over MCP, A2A and in web pages.

    Args:
        host: runs the agents.
        watched: runs that are served besides, by their names.
        token: that each request must bear; None if none is needed.

    Attributes:
        a2a: None where its packages are not installed.
        run_ids: ids under which the watched runs are served, by their own.
    """

    def __init__(self, host: Host, watched: Mapping[str, Run], token: str | None) -> None:
        self._host = host
        self._watched = watched
        self._mcp = McpEndpoint(host)
        self._views = Views(host)
        self.a2a: A2A | None = None
        if is_installed():
            self.a2a = A2A(host, token)
        self.run_ids = {run.id: new_run_id() for run in watched.values()}

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[None]:
        """Serve until the context ends."""
        try:
            self._host.open()
            for name, run in self._watched.items():
                await self._host.host(run, name, run_id=self.run_ids[run.id], has_reader=True)
            if self.a2a is not None:
                await self.a2a.start()
            yield
        finally:
            await self._mcp.aclose()
            self._views.close()
            if self.a2a is not None:
                await self.a2a.close()
            await self._host.close()

    def routes(self, access: Access) -> list[BaseRoute]:
        """Return the routes of all endpoints but those of A2A."""
        routes: list[BaseRoute] = []
        for room in _ROOMS:
            routes += room.routes(self._host)
        return [*routes, *login.routes(access), *self._mcp.routes(), *page.routes(self._views)]

    def a2a_routes(self) -> list[BaseRoute]:
        """Return the routes of A2A, which its agents' cards describe."""
        if self.a2a is None:
            return []
        return self.a2a.routes()
