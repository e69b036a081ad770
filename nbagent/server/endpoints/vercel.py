"""Endpoint of the AI SDK's `useChat`: `POST /api/chat`, answered with a UI message stream.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol. The client sends the whole conversation
each time, which is what the agent is asked with.
"""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.server.asking import AskingVercel
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.position import START
from nbagent.server.limits import Limits
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import (
    KEEP_ALIVE,
    RUN_ID_HEADER,
    RunResponse,
    cancels_on_disconnect,
    stream_response,
)

FEED = "vercel.ui asking"


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
            conversation = _conversation(asked.messages, host.limits)
            return await host.start(asked.agent, conversation, answers="permissions")

        if request.headers.get("last-event-id"):
            return await stream_response(host, request, start, FEED, AskingVercel)
        answers = _answers(asked.messages)
        run = await (start() if not answers else host.find(answers[0][0].partition(":")[0]))
        return await _turn(run, answers, cancels=cancels_on_disconnect(host, request))

    return [Route("/api/chat", chat, methods=["POST"])]


async def _turn(
    run: HostedRun, answers: list[tuple[str, bool, str | None]], *, cancels: bool
) -> Response:
    """Return the response with a run up to its next question: the client answers when its stream
    has ended.

    Args:
        run: that goes on.
        answers: of the client to the question before, each with the question's id, whether it
            allows, and why.
        cancels: whether the run is cancelled if the client leaves before.
    """
    feed = run.encoded_by(FEED, AskingVercel)
    after = START
    for asked, allows, reason in answers:
        approval_id = asked.partition(":")[2]
        with contextlib.suppress(Problem):
            # Nobody waits for it any more: the client sees what came of it.
            await run.respond(approval_id, "approve" if allows else "deny", reason=reason)
        after = max([after, *(at for at, item in feed.so_far() if _question_in(item) == asked)])

    async def body() -> AsyncIterator[bytes]:
        if answers:
            yield feed.encoder.frame({"type": "start", "messageId": run.id})
        async for piece in feed.items(after):
            if piece is None:
                yield KEEP_ALIVE
                continue
            at, item = piece
            yield feed.encoder.frame(item, at.id_in(run.id))
            question = _question_in(item)
            if question is not None and run.waits_for(question.partition(":")[2]):
                response.cancels = False
                yield feed.encoder.frame({"type": "finish", "finishReason": "tool-calls"})
                yield feed.encoder.frame("[DONE]")
                return

    headers = {**feed.encoder.headers, RUN_ID_HEADER: run.id}
    response = RunResponse(run, body(), headers, cancels=cancels)
    return response


def _question_in(item: Any) -> str | None:
    """Return the id of the question that an item of the stream is; None if it is none."""
    is_question = isinstance(item, dict) and item["type"] == "tool-approval-request"
    return item["approvalId"] if is_question else None


def _answers(messages: list[dict[str, Any]]) -> list[tuple[str, bool, str | None]]:
    """Return the answers in the last message: each question's id, whether it is allowed, and the
    reason.

    Source: `addToolApprovalResponse` of `ai` 6 and 7, which changes the assistant's message.
    """
    last = messages[-1] if messages else {}
    parts = last.get("parts")
    if last.get("role") != "assistant" or not isinstance(parts, list):
        return []
    given = [
        part.get("approval")
        for part in parts
        if isinstance(part, dict) and part.get("state") == "approval-responded"
    ]
    return [
        (
            str(each.get("id")),
            each.get("approved") is True,
            each.get("reason") if isinstance(each.get("reason"), str) else None,
        )
        for each in given
        if isinstance(each, dict)
    ]


def _conversation(messages: list[dict[str, Any]], limits: Limits) -> list[dict[str, str]]:
    """Return the texts of a conversation, as messages of Chat Completions.

    Raises:
        Problem: the last one is not the user's (422).
    """
    made = [{"role": str(message.get("role")), "content": _text(message)} for message in messages]
    made = [
        message
        for message in made
        if message["role"] in ("user", "assistant") and message["content"]
    ]
    if not made or made[-1]["role"] != "user":
        raise Problem(422, "the last of the messages must be the user's, with a text")
    prompt_of(made[-1]["content"], limits)
    return made


def _text(message: dict[str, Any]) -> str:
    parts = message.get("parts")
    if not isinstance(parts, list):
        content = message.get("content")
        return content if isinstance(content, str) else ""
    texts = [
        part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text"
    ]
    return "\n\n".join(text for text in texts if isinstance(text, str))
