"""Responses to requests that raise an error."""

from typing import Any

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Match, Route, WebSocketRoute

from nbagent.errors import NbagentError
from nbagent.server.problem import Problem


async def _refuse(request: Request, error: Exception) -> Response:
    if isinstance(error, Problem):
        return error.response()
    return Problem(422, str(error)).response()


async def _refuse_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    if error.status_code == 404 and _is_of_socket(request):
        return _socket_problem(request).response()
    headers = error.headers
    if error.status_code == 405:
        headers = {"allow": ", ".join(_methods(request))}
    return Problem(error.status_code, error.detail, headers).response()


def _socket_problem(request: Request) -> Problem:
    detail = "this is the address of a WebSocket: connect to it by ws:// or wss://"
    if request.method == "GET":
        return Problem(400, detail)
    return Problem(405, detail, {"allow": "GET"})


async def _fail(request: Request, error: Exception) -> Response:
    return Problem(500, "the server failed; its log has the reason").response()


ERROR_RESPONSES: dict[Any, Any] = {
    NbagentError: _refuse,
    HTTPException: _refuse_http,
    Exception: _fail,
}
"""Functions that make a response of an error, by its class, as Starlette takes them."""


def _methods(request: Request) -> list[str]:
    """Return the methods of a request's path.

    Starlette names those of the first of its routes only.
    """
    methods: set[str] = set()
    for route in request.app.routes:
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE:
            methods.update(route.methods or ())
    return sorted(methods)


def _is_of_socket(request: Request) -> bool:
    """Return True if a WebSocket is at the path of a request."""
    scope = {**request.scope, "type": "websocket"}
    routes = [route for route in request.app.routes if isinstance(route, WebSocketRoute)]
    return any(route.matches(scope)[0] is not Match.NONE for route in routes)
