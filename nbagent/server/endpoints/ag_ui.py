"""Endpoint of AG-UI: `POST /ag-ui/{agent}` with a `RunAgentInput`.

A thread is a session of the agent.

Source: https://docs.ag-ui.com/concepts/architecture.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent.adapters.ag_ui.encoder import AguiEncoder
from nbagent.adapters.base.encoder import Item
from nbagent.agent.model.input_items import Item as HistoryItem
from nbagent.agent.model.input_items import Message, from_prompt
from nbagent.agent.sessions.session import Session
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import stream_response

MAX_ID_CHARS = 200
"""Characters of an id that a client chooses."""

CONVERSATION = frozenset({"developer", "system", "assistant", "user", "tool"})
"""Roles of the messages that a model is sent.

Those of reasoning and activities are for the client's own view.
"""


class RunAgentInput(msgspec.Struct):
    """The input of a run: the thread and all its messages, the newest last."""

    messages: list[dict[str, Any]]
    threadId: str | None = None  # noqa: N815 - the name on the wire
    runId: str | None = None  # noqa: N815 - the name on the wire


class ThreadEncoder(AguiEncoder):
    """Encodes events with the client's ids, and ids of messages unique in a thread: a client keeps
    those of all its runs.

    Args:
        thread_id: of the client; None takes the session's.
        client_run_id: of the client; None takes the run's own.
    """

    def __init__(self, thread_id: str | None, client_run_id: str | None) -> None:
        super().__init__()
        self._given = {"threadId": thread_id, "runId": client_run_id}

    def _ids(self) -> dict[str, str]:
        return super()._ids() | {name: id for name, id in self._given.items() if id is not None}

    def emit(self, *items: Item) -> None:
        """Add items, with the run's id in those of their messages."""
        for item in items:
            if isinstance(item, dict) and "messageId" in item:
                item["messageId"] = f"{self.run_id}:{item['messageId']}"
        super().emit(*items)


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Run an agent for a client of AG-UI", body=RunAgentInput, stream=EVENT_STREAM)
    async def run(request: Request) -> Response:
        agent = request.path_params["agent"]
        asked = await body(request, RunAgentInput)
        thread_id, run_id = _id(asked.threadId, "threadId"), _id(asked.runId, "runId")
        if not asked.messages or asked.messages[-1].get("role") != "user":
            raise Problem(422, "the last of the messages must be the user's")
        messages = [_message(each) for each in asked.messages if each.get("role") in CONVERSATION]
        if isinstance(messages[-1].get("content"), str) or not messages[-1].get("content"):
            prompt_of(messages[-1].get("content"), host.limits)

        async def start() -> HostedRun:
            if thread_id is None:
                return await host.start(
                    agent, messages, await host.sessions.new(agent), answers="none"
                )
            session, new = await _in_thread(host, agent, thread_id, messages)
            return await host.start(agent, new, session, answers="none")

        return await stream_response(
            host,
            request,
            start,
            f"ag_ui {thread_id} {run_id}",
            lambda: ThreadEncoder(thread_id, run_id),
        )

    return [Route("/ag-ui/{agent}", run, methods=["POST"])]


def _id(given: str | None, name: str) -> str | None:
    if given is not None and not (0 < len(given) <= MAX_ID_CHARS and given.isprintable()):
        raise Problem(422, f"{name} is a text of 1 to {MAX_ID_CHARS} printable characters")
    return given


async def _in_thread(
    host: Host, agent: str, thread_id: str, messages: list[dict[str, Any]]
) -> tuple[Session, Sequence[dict[str, Any]]]:
    """Return the session of a thread, and those of the client's messages that are new in it.

    A client sends the whole conversation each time. Where its prompts before the last one are those
    of the session, the last one is new. Otherwise the user has edited the conversation or asks
    again: the client's messages count, and the session of before is kept under another name.
    """
    session = await host.sessions.open(agent, thread_id)
    known, sent = (
        _prompts(await asyncio.to_thread(lambda: session.history)),
        _prompts(from_prompt(messages)),
    )
    if known and known == sent[:-1]:
        return session, messages[-1:]
    if known:
        await asyncio.to_thread(session.rename, f"{thread_id} {session.id}")
        session = await host.sessions.open(agent, thread_id)
    return session, messages


def _prompts(items: Sequence[HistoryItem]) -> list[Any]:
    return [item.content for item in items if isinstance(item, Message) and item.role == "user"]


def _message(message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in the form of Chat Completions.

    Raises:
        Problem: it has a part that is neither a text nor a picture (422).
    """
    made = {name: value for name, value in message.items() if name in ("role", "content")}
    if isinstance(made.get("content"), list):
        made["content"] = [_part(each) for each in made["content"]]
    if "toolCalls" in message:
        made["tool_calls"] = message["toolCalls"]
    if "toolCallId" in message:
        made["tool_call_id"] = message["toolCallId"]
    return made


def _part(part: Any) -> dict[str, Any]:
    match part:
        case {"type": "text", "text": str(text)}:
            return {"type": "text", "text": text}
        case {"type": "image", "source": {"type": "url", "value": str(url)}}:
            return {"type": "image_url", "image_url": {"url": url}}
        case {
            "type": "image",
            "source": {"type": "data", "value": str(data), "mimeType": str(media_type)},
        }:
            return {"type": "image_url", "image_url": {"url": f"data:{media_type};base64,{data}"}}
        case {"type": "image", "source": {"type": str(kind)}}:
            raise Problem(
                422, f"an image of type {kind!r} cannot be read here: give its data or its URL"
            )
        case {"type": str(kind)}:
            raise Problem(
                422, f"a part of type {kind!r} cannot be read here: give texts and images"
            )
    raise Problem(422, f"a part of a message has a type, got {part!r:.80}")
