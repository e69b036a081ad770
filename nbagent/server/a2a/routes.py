"""Endpoints of A2A: an agent's card, and JSON-RPC and REST (HTTP+JSON) at `/agents/{agent}`.

Source: https://a2a-protocol.org/latest/specification/. The routes are those of `a2a-sdk`.
"""

import logging
from typing import Any
from urllib.parse import quote

import msgspec
from a2a.server.context import ServerCallContext
from a2a.server.jsonrpc_models import JSONParseError
from a2a.server.request_handlers import build_error_response
from a2a.server.routes import (
    DefaultServerCallContextBuilder,
    create_agent_card_routes,
    create_jsonrpc_routes,
    create_rest_routes,
)
from a2a.utils.constants import AGENT_CARD_WELL_KNOWN_PATH
from a2a.utils.error_handlers import build_rest_error_payload
from a2a.utils.errors import ContentTypeNotSupportedError, InvalidRequestError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nbagent.events.json_text import decode_json
from nbagent.server.a2a.card import card_of, interfaces_at
from nbagent.server.a2a.handler import Handler
from nbagent.server.a2a.tasks import AGENT
from nbagent.server.hosting.host import Host
from nbagent.server.log import shorten
from nbagent.server.problem import Problem
from nbagent.server.request import json_bytes
from nbagent.server.stream_response import timed_send

PATH = "/agents/{agent}"

LOGGERS = (
    "a2a.compat.v0_3.jsonrpc_adapter",
    "a2a.server.routes.jsonrpc_dispatcher",
    "a2a.utils.error_handlers",
    "a2a.utils.version_validator",
)
"""Loggers of `a2a-sdk` that have a record for each request that is refused."""

CACHE_CONTROL = "private, max-age=60"
"""For cards: a server that is started again may have others."""


class AgentCalls(DefaultServerCallContextBuilder):
    """Puts the agent of the path into the context of a call."""

    def build(self, request: Request) -> ServerCallContext:
        """Return the context of a call."""
        call = super().build(request)
        call.state[AGENT] = request.path_params["agent"]
        return call


class KnownAgent:
    """Refuses a request for an agent that is not served, and one whose body is no JSON within the
    limits.

    Args:
        app: takes the requests that pass.
        host: has the agents.
        is_rpc: whether errors have the form of JSON-RPC, instead of REST's.
    """

    def __init__(self, app: ASGIApp, host: Host, *, is_rpc: bool) -> None:
        self._app = app
        self._host = host
        self._is_rpc = is_rpc

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        body: bytes | None
        try:
            self._host.agent(scope["path_params"]["agent"])
            body = await json_bytes(Request(scope, receive))
            if self._is_rpc and body:
                decode_json(body)
        except Problem as problem:
            await self._refusal(problem)(scope, receive, send)
            return
        except msgspec.DecodeError as error:
            # The SDK would answer that it failed itself, if the body is nested too deeply.
            unread = JSONParseError(message=f"the body is not JSON: {error}")
            await JSONResponse(build_error_response(None, unread))(scope, receive, send)
            return

        async def receive_again() -> Message:
            nonlocal body
            if body is None:
                return await receive()
            message, body = {"type": "http.request", "body": body, "more_body": False}, None
            return message

        await self._app(scope, receive_again, timed_send(send))

    def _refusal(self, problem: Problem) -> Response:
        is_type = problem.status == 415
        error = (
            ContentTypeNotSupportedError(str(problem))
            if is_type
            else InvalidRequestError(str(problem))
        )
        if self._is_rpc:
            return JSONResponse(build_error_response(None, error), problem.status)
        payload = build_rest_error_payload(error)
        payload["error"]["code"] = problem.status
        return JSONResponse(payload, problem.status)


def routes(host: Host, handler: Handler, *, needs_token: bool, grpc_port: Any) -> list[BaseRoute]:
    """Return the routes.

    Args:
        host: has the agents.
        handler: takes the requests.
        needs_token: whether requests have to bear a token.
        grpc_port: returns the port of the gRPC server, or None.
    """

    async def card(request: Request) -> Response:
        name, agent = host.agent(request.path_params.get("agent"))
        port = grpc_port()
        address = None if port is None else f"{request.url.hostname}:{port}"
        url = str(request.url_for("a2a", agent=quote(name, safe="")))
        made = card_of(
            name,
            agent.description or f"The agent {name}.",
            interfaces_at(url, name, address),
            needs_token=needs_token,
        )
        answer: Response = await create_agent_card_routes(made, cache_control=CACHE_CONTROL)[
            0
        ].endpoint(request)
        return answer

    for name in LOGGERS:
        logging.getLogger(name).addFilter(shorten)
    calls = AgentCalls()
    guarded = [
        *create_jsonrpc_routes(handler, PATH, context_builder=calls, enable_v0_3_compat=True),
        # With a slash at its end, as clients may write it.
        *create_jsonrpc_routes(handler, f"{PATH}/", context_builder=calls, enable_v0_3_compat=True),
        *create_rest_routes(handler, calls, path_prefix=PATH),
    ]
    return [
        Route(AGENT_CARD_WELL_KNOWN_PATH, card, methods=["GET"]),
        Route(PATH + AGENT_CARD_WELL_KNOWN_PATH, card, methods=["GET"]),
        *(
            Route(
                route.path,
                KnownAgent(route.app, host, is_rpc=route.path.rstrip("/") == PATH),
                methods=route.methods,
                name="a2a" if route.path == PATH else None,
            )
            for route in guarded
            if isinstance(route, Route)  # and not the mount for tenants: the path names the agent
        ),
    ]
