"""Endpoints of the AI SDK's `useChat`: `POST /api/chat`, answered with a UI message stream, and
`GET /api/chat/{chat}/stream`, which has the stream of the run that answers, from its beginning.

The client sends the whole conversation each time, which is what the agent is asked with.

Sources: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol and
https://ai-sdk.dev/docs/ai-sdk-ui/chatbot-resume-streams.
"""

import contextlib
import functools
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.agent.client_options import ClientOptions
from nbagent.agent.tools.client_tool import ClientTool
from nbagent.server.asking import AskingVercel
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.position import START, Position
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body
from nbagent.server.stores.event_store import ChatPlace, StoreFault
from nbagent.server.stream_response import (
    KEEP_ALIVE,
    RUN_ID_HEADER,
    RunResponse,
    cancels_on_disconnect,
    place_of,
    stream_response,
)
from nbagent.server.ui_messages import conversation


class Described(msgspec.Struct, rename={"input_schema": "inputSchema"}):
    """A tool of the client: its JSON Schema, under the name of version 5 or of version 4."""

    description: str | None = None
    input_schema: dict[str, Any] | None = None
    parameters: dict[str, Any] | None = None

    def tool(self, name: str) -> ClientTool:
        """Return the tool for the agent."""
        schema = self.input_schema or self.parameters or {"type": "object", "properties": {}}
        return ClientTool(name=name, description=self.description or "", schema=schema)


class Named(Described, kw_only=True):
    """A tool of the client, with its name."""

    name: str


class UseChatRequest(msgspec.Struct):
    """A request of `useChat`.

    `tools` and `system` come with `body` of its transport: the tools that `onToolCall` runs, by
    their names or as a list, and instructions beside the agent's own.
    """

    messages: list[dict[str, Any]]
    id: str | None = None
    agent: str | None = None
    tools: dict[str, Described] | list[Named] = msgspec.field(default_factory=list)
    system: str = ""

    def client_options(self) -> ClientOptions:
        """Return what the client asks for."""
        if isinstance(self.tools, dict):
            tools = [each.tool(name) for name, each in self.tools.items()]
        else:
            tools = [each.tool(each.name) for each in self.tools]
        return ClientOptions(tools=tuple(tools), instructions=self.system)


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Chat, for `useChat`", body=UseChatRequest, stream=EVENT_STREAM)
    async def chat(request: Request) -> Response:
        asked = await body(request, UseChatRequest)
        options = asked.client_options()
        message_id = _message_id(asked.messages)

        async def start() -> HostedRun:
            prompt = conversation(asked.messages, host.limits)
            run = await host.start(
                asked.agent, prompt, answers="permissions", client_options=options
            )
            if asked.id is not None:
                with contextlib.suppress(StoreFault):
                    # The run tells what its store lacks; only `resume` does not find it.
                    await host.keep_chat(asked.id, ChatPlace(run.id, message_id))
            return run

        answers = _answers(asked.messages)
        if request.headers.get("last-event-id"):
            return await stream_response(host, request, start, *_form(message_id))
        if answers:
            run = await host.find(answers[0][0].partition(":")[0])
        else:
            run = await start()
        return await _turn(run, answers, message_id, cancels=cancels_on_disconnect(host, request))

    @operation(
        "Go on reading the answer in a chat, from its beginning, for `resume` of `useChat`; 204 if "
        "no run answers",
        stream=EVENT_STREAM,
        reads=True,
    )
    async def resume(request: Request) -> Response:
        found = await host.in_chat(request.path_params["chat"])
        if found is None:
            return Response(status_code=204)
        answering, message_id = found

        async def start() -> HostedRun:
            return answering

        run, after = await place_of(host, request, start)
        return await _turn(run, [], message_id, after, cancels=cancels_on_disconnect(host, request))

    return [
        Route("/api/chat", chat, methods=["POST"]),
        Route("/api/chat/{chat:path}/stream", resume, methods=["GET"]),
    ]


def _form(message_id: str | None) -> tuple[str, Callable[[], AskingVercel]]:
    """Return the key and the encoder of a stream; see `HostedRun.encoded_by`."""
    key = f"vercel.ui asking, in {message_id}"
    return key, functools.partial(AskingVercel, message_id)


def _message_id(messages: list[dict[str, Any]]) -> str | None:
    """Return the id of the client's message that goes on; None if another one begins."""
    if not messages or messages[-1].get("role") != "assistant":
        return None
    found = messages[-1].get("id")
    if not isinstance(found, str):
        return None
    return found


async def _turn(
    run: HostedRun,
    answers: list[tuple[str, bool, str | None]],
    message_id: str | None,
    after: Position = START,
    *,
    cancels: bool,
) -> Response:
    """Return the response with a run up to its next question: the client answers when its stream
    has ended.

    Args:
        run: that goes on.
        answers: of the client to the question before, each with the question's id, whether it
            allows, and why.
        message_id: of the client's message that goes on.
        after: place behind which the client reads.
        cancels: whether the run is cancelled if the client leaves before.
    """
    feed = run.encoded_by(*_form(message_id))
    for asked, allows, reason in answers:
        approval_id = asked.partition(":")[2]
        with contextlib.suppress(Problem):
            # Nobody waits for it any more: the client sees what came of it.
            await run.respond(approval_id, "approve" if allows else "deny", reason=reason)
        after = max([after, *(at for at, item in feed.so_far() if _question_in(item) == asked)])

    async def body() -> AsyncIterator[bytes]:
        if answers:
            # the part of the feed behind a question has no start of its own
            yield feed.encoder.frame({"type": "start", "messageId": message_id or run.id})
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
