"""Endpoints of OpenAI's API: `/v1/chat/completions`, `/v1/responses` and `/v1/models`.

A model is a served agent.

Sources: https://platform.openai.com/docs/api-reference/chat and
https://platform.openai.com/docs/api-reference/responses. The agent's own tool calls are hidden: a
client runs every call that it sees.
"""

import functools
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.adapters.openai_chat.encoder import ChatEncoder
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.results import usage_of, whole_text
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import stream_response


class StreamOptions(msgspec.Struct):
    """Options of a streamed completion."""

    include_usage: bool | None = False


class Completion(msgspec.Struct):
    """A request for a completion; parameters of the model are the agent's own affair."""

    model: str
    messages: list[dict[str, Any]]
    stream: bool | None = False
    stream_options: StreamOptions | None = None


class ModelResponse(msgspec.Struct):
    """A request for a response; parameters of the model are the agent's own affair."""

    model: str
    input: str | list[dict[str, Any]]
    stream: bool | None = False


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("List the agents as models", result=dict[str, Any], reads=True)
    async def models(request: Request) -> Response:
        listed = [
            {"id": name, "object": "model", "created": 0, "owned_by": "nbagent"}
            for name in host.agents
        ]
        return JSONResponse({"object": "list", "data": listed})

    @operation("Complete a chat", body=Completion, result=dict[str, Any], stream=EVENT_STREAM)
    async def complete(request: Request) -> Response:
        asked = await body(request, Completion)

        async def start() -> HostedRun:
            return await host.start(asked.model, asked.messages, answers="none", reveal="answer")

        if asked.stream:
            if asked.stream_options is not None and asked.stream_options.include_usage:
                return await stream_response(host, request, start, "openai.chat")
            # The usual loop, `chunk.choices[0].delta`, fails at a chunk without choices.
            encoder = functools.partial(ChatEncoder, usage=False)
            return await stream_response(host, request, start, "openai.chat without usage", encoder)
        run = await start()
        text, usage = await whole_text(run), usage_of(run)
        message = {"role": "assistant", "content": text}
        return JSONResponse(
            {
                "id": f"chatcmpl-{run.id}",
                "object": "chat.completion",
                "created": int(run.stored.created),
                "model": asked.model,
                "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
                "usage": {
                    "prompt_tokens": usage.input or 0,
                    "completion_tokens": usage.output or 0,
                    "total_tokens": usage.total or (usage.input or 0) + (usage.output or 0),
                },
            }
        )

    @operation("Make a response", body=ModelResponse, result=dict[str, Any], stream=EVENT_STREAM)
    async def respond(request: Request) -> Response:
        asked = await body(request, ModelResponse)
        given = prompt_of(asked.input, host.limits) if isinstance(asked.input, str) else asked.input

        async def start() -> HostedRun:
            return await host.start(asked.model, given, answers="none", reveal="answer")

        if asked.stream:
            return await stream_response(host, request, start, "openai.responses")
        run = await start()
        await whole_text(run)
        last: dict[str, Any] = {}
        async for piece in run.feed("openai.responses").items():
            if piece is not None:
                last = piece[1]
        return JSONResponse(last["response"])

    return [
        Route("/v1/models", models, methods=["GET"]),
        Route("/v1/chat/completions", complete, methods=["POST"]),
        Route("/v1/responses", respond, methods=["POST"]),
    ]
