"""Endpoints of OpenAI's API: `/v1/chat/completions`, `/v1/responses` and `/v1/models`.

A model is a served agent.

Sources: https://platform.openai.com/docs/api-reference/chat and
https://platform.openai.com/docs/api-reference/responses. The agent's own tool calls are hidden: a
client runs every call that it sees.
"""

import functools
import re
from collections.abc import AsyncIterator, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent import events as e
from nbagent.adapters.base.encoder_protocol import Encoder
from nbagent.adapters.openai_chat.completion import CompletionEncoder
from nbagent.adapters.openai_chat.encoder import ChatEncoder
from nbagent.adapters.openai_responses.encoder import ResponsesEncoder
from nbagent.server.hosting.feed import Feed
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.openai import chat_request, responses_request
from nbagent.server.openai.chat_request import ChatRequest
from nbagent.server.openai.conversations import Conversations
from nbagent.server.openai.parameters import Json, answering, parameters
from nbagent.server.openai.response import FEED, response_of, run_of
from nbagent.server.openai.responses_request import ResponsesRequest
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import NO_RETRY, Problem
from nbagent.server.stream_response import (
    KEEP_ALIVE,
    RUN_ID_HEADER,
    RunResponse,
    cancels_on_disconnect,
    stream_response,
    wait_for_end,
)

_NUMBER = re.compile(r"-?\d{1,9}", re.ASCII)


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""
    conversations = Conversations(host)
    return [
        *_routes_of_models(host, conversations),
        _route_of_completions(host, conversations),
        *_routes_of_responses(host, conversations),
    ]


def _routes_of_models(host: Host, conversations: Conversations) -> list[BaseRoute]:
    @operation("List the agents as models", result=dict[str, Any], reads=True)
    async def models(request: Request) -> Response:
        return JSONResponse({"object": "list", "data": [_model(name) for name in host.agents]})

    @operation("Describe an agent as a model", result=dict[str, Any], reads=True)
    @answering
    async def model(request: Request) -> Response:
        name, _ = conversations.agent(request.path_params["model"])
        return JSONResponse(_model(name))

    return [
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/models/{model:path}", model, methods=["GET"]),
    ]


def _route_of_completions(host: Host, conversations: Conversations) -> BaseRoute:
    @operation("Complete a chat", body=ChatRequest, result=dict[str, Any], stream=EVENT_STREAM)
    @answering
    async def complete(request: Request) -> Response:
        asked = await parameters(request, ChatRequest, chat_request.FIXED)
        name, _ = conversations.agent(asked.model)
        if asked.stream:
            options = asked.stream_options
            usage = options is not None and bool(options.include_usage)
            # The usual loop, `chunk.choices[0].delta`, fails at a chunk without choices.
            encoder = functools.partial(ChatEncoder, usage=usage, model=name)
            key = f"openai.chat served, usage {usage}"
            start = functools.partial(conversations.complete, asked)
            return await stream_response(host, request, start, key, encoder)
        run = await conversations.complete(asked)
        await wait_for_end(host, request, run)
        whole = _last_item(run, "openai.chat whole", lambda: CompletionEncoder(name))
        if "error" in whole:
            raise _failure(run, whole["error"])
        return JSONResponse(whole)

    return Route("/v1/chat/completions", complete, methods=["POST"])


def _routes_of_responses(host: Host, conversations: Conversations) -> list[BaseRoute]:
    @operation("Make a response", body=ResponsesRequest, result=dict[str, Any], stream=EVENT_STREAM)
    @answering
    async def respond(request: Request) -> Response:
        asked = await parameters(request, ResponsesRequest, responses_request.FIXED)
        name, _ = conversations.agent(asked.model)
        encoder = functools.partial(ResponsesEncoder, model=name, request=asked.echo())
        if asked.stream:
            start = functools.partial(conversations.respond, asked)
            return await stream_response(host, request, start, FEED, encoder)
        run = await conversations.respond(asked)
        run.encoded_by(FEED, encoder)
        if not asked.background:
            await wait_for_end(host, request, run)
        made = response_of(run)
        if made["status"] == "failed" and not asked.background:
            raise _failure(run, made["error"])
        return JSONResponse(made)

    @operation(
        "Read a response",
        query={
            "stream": "`true` streams it.",
            "starting_after": "Number of the event that the stream begins behind.",
        },
        result=dict[str, Any],
        stream=EVENT_STREAM,
        reads=True,
    )
    @answering
    async def retrieve(request: Request) -> Response:
        run = await run_of(host, request.path_params["response"])
        if request.query_params.get("stream") != "true":
            return JSONResponse(response_of(run))
        after = request.query_params.get("starting_after", "-1")
        if not _NUMBER.fullmatch(after):
            raise Problem(400, "starting_after is a number", param="starting_after")
        run = await host.find(run.id)
        feed = run.encoded_by(FEED, functools.partial(ResponsesEncoder, model=run.stored.agent))
        headers = {**feed.encoder.headers, RUN_ID_HEADER: run.id}
        cancels = cancels_on_disconnect(host, request)
        return RunResponse(run, _behind(run, feed, int(after)), headers, cancels=cancels)

    @operation("Stop a response", result=dict[str, Any])
    @answering
    async def cancel(request: Request) -> Response:
        run = await run_of(host, request.path_params["response"])
        if not run.ended:
            run = await host.find(run.id)
            await run.cancel(by="a client")
            await wait_for_end(host, request, run)
        return JSONResponse(response_of(run))

    return [
        Route("/v1/responses", respond, methods=["POST"]),
        Route("/v1/responses/{response}", retrieve, methods=["GET"]),
        Route("/v1/responses/{response}/cancel", cancel, methods=["POST"]),
    ]


async def _behind(run: HostedRun, feed: Feed, after: int) -> AsyncIterator[bytes]:
    """Yield the events of a response behind the one of a number."""
    async for piece in feed.items():
        if piece is None:
            yield KEEP_ALIVE
        elif piece[1]["sequence_number"] > after:
            yield feed.encoder.frame(piece[1], piece[0].id_in(run.id))


def _model(name: str) -> Json:
    return {"id": name, "object": "model", "created": 0, "owned_by": "nbagent"}


def _last_item(run: HostedRun, key: str, encoder: Callable[[], Encoder]) -> Json:
    """Return the last item of a run that has ended."""
    item: Json = run.encoded_by(key, encoder).so_far()[-1][1]
    return item


def _failure(run: HostedRun, error: Json) -> Problem:
    """Return the refusal of a request whose run did not complete."""
    end = run.events[-1]
    if isinstance(end, e.RunEnd) and end.status == "cancelled":
        return Problem(409, "the run was stopped", NO_RETRY, code="cancelled")
    return Problem(502, error["message"], NO_RETRY, code=error["code"])
