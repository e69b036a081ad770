"""The web page: `/`, its files below `/static`, and the WebSocket `/view` of each run or chat that
it shows.
"""

from collections.abc import Mapping
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.websockets import WebSocket, WebSocketDisconnect

from nbagent.server.access.guard import ROLE
from nbagent.server.operation import operation
from nbagent.server.page.view import PageView
from nbagent.server.page.views import Views
from nbagent.server.problem import Problem

STATIC = Path(__file__).parents[2] / "static"
"""Folder of the built front end."""

_PARTS = ("math.js", "highlight.js", "inspector.js", "answering.js", "forks.js", "media.js")
FILES = frozenset({"page.js", "page.css", *_PARTS, "THIRD-PARTY-LICENSES.txt"})
"""Files of the page."""

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # results and formulas have styles of their own
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
"""Content-Security-Policy of the page."""

HEADERS: Mapping[str, str] = {
    # asked for with its ETag each time: a new version of nbagent has other files
    "cache-control": "no-cache",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def routes(views: Views) -> list[BaseRoute]:
    """Return the routes."""
    files = StaticFiles(directory=STATIC, check_dir=False)

    @operation("Show the web page", media_type="text/html", reads=True, is_public=True)
    async def page(request: Request) -> Response:
        found = STATIC / "page.html"
        if not found.is_file():
            raise HTTPException(404, "the web page is not built: run `npm run build` in js/")
        return FileResponse(found, headers={**HEADERS, "content-security-policy": POLICY})

    @operation("Read a file of the web page", media_type="*/*", reads=True, is_public=True)
    async def static(request: Request) -> Response:
        name = request.path_params["name"]
        if name not in FILES:
            raise HTTPException(404, f"the page has no file {name!r}")
        response = await files.get_response(name, request.scope)
        response.headers.update(HEADERS)
        return response

    @operation(
        "Show a run or a chat, in the messages of `nbagent.protocol`", status=101, reads=True
    )
    async def view(socket: WebSocket) -> None:
        only_reads = socket.scope.get(ROLE) == "read"
        # before it may be refused: a browser tells its page nothing about one that was not accepted
        await socket.accept()
        asked = socket.query_params
        try:
            if "run" in asked:
                shown = await views.of_run(asked["run"])
            elif only_reads:
                raise Problem(403, "the read token shows runs, and no chats")
            else:
                shown = await views.of_chat(asked.get("agent", ""), asked.get("session", ""))
            await PageView(socket, shown, only_reads=only_reads).serve()
        except Problem as problem:
            await socket.close(4000 + problem.status, str(problem)[:100])
        except WebSocketDisconnect:
            pass

    return [
        Route("/", page, methods=["GET"]),
        Route("/static/{name}", static, methods=["GET"]),
        WebSocketRoute("/view", view),
    ]
