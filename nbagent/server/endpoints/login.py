"""Endpoints of a browser session: `POST /login` with the server's token, and `POST /logout`."""

from typing import TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.server.access.access import COOKIE, SESSION_S, Access, Role
from nbagent.server.operation import operation
from nbagent.server.problem import Problem
from nbagent.server.request import body


class Login(msgspec.Struct):
    """A token of the server."""

    token: str = ""


class LoggedIn(TypedDict):
    """Access of the session."""

    access: Role


def routes(access: Access) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Begin a browser session with a token", body=Login, result=LoggedIn, is_public=True)
    async def log_in(request: Request) -> Response:
        begun = access.log_in((await body(request, Login)).token)
        if begun is None:
            raise Problem(401, "that is not a token of this server")
        cookie, role = begun
        response = JSONResponse({"access": role})
        response.set_cookie(
            COOKIE,
            cookie,
            max_age=SESSION_S,
            path=_path(request),
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )
        return response

    @operation("End the browser session", status=204, is_public=True)
    async def log_out(request: Request) -> Response:
        await access.log_out(request.headers)
        response = Response(status_code=204)
        response.delete_cookie(COOKIE, path=_path(request), httponly=True, samesite="strict")
        return response

    return [Route("/login", log_in, methods=["POST"]), Route("/logout", log_out, methods=["POST"])]


def _path(request: Request) -> str:
    """Return the path that the application is mounted at."""
    return str(request.scope.get("root_path", "")) or "/"
