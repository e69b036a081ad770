"""Endpoint of the AI SDK's `useChat`: `POST /api/chat`, answered with a UI message stream.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. The client sends the whole conversation each time, which is
what the agent is asked with.
"""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.limits import Limits
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import stream_response


class Chat(msgspec.Struct):
    """A request of `useChat`."""

    messages: list[dict[str, Any]]
    id: str | None = None
    agent: str | None = None


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Chat, for `useChat`", body=Chat, stream=EVENT_STREAM)
    async def chat(request: Request) -> Response:
        asked = await body(request, Chat)

        async def start() -> HostedRun:
            return await host.start(asked.agent, _conversation(asked.messages, host.limits))

        return await stream_response(host, request, start, "vercel.ui")

    return [Route("/api/chat", chat, methods=["POST"])]


def _conversation(messages: list[dict[str, Any]], limits: Limits) -> list[dict[str, str]]:
    """Return the texts of a conversation, as messages of Chat Completions.

    Raises:
        Problem: the last one is not the user's (422).
    """
    made = [{"role": str(message.get("role")), "content": _text(message)} for message in messages]
    made = [message for message in made if message["role"] in ("user", "assistant") and message["content"]]
    if not made or made[-1]["role"] != "user":
        raise Problem(422, "the last of the messages must be the user's, with a text")
    prompt_of(made[-1]["content"], limits)
    return made


def _text(message: dict[str, Any]) -> str:
    parts = message.get("parts")
    if not isinstance(parts, list):
        content = message.get("content")
        return content if isinstance(content, str) else ""
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"]
    return "\n\n".join(text for text in texts if isinstance(text, str))
