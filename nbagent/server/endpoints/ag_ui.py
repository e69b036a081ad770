"""Endpoint of AG-UI: `POST /ag-ui/{agent}` with a `RunAgentInput`.

A thread is a session of the agent. A question interrupts the client's run: its next one brings the
answer in `resume`, and goes on with the same run of the agent. A tool of the client ends the run:
the next one brings the result among its messages.

Sources: https://docs.ag-ui.com/concepts/architecture and
https://docs.ag-ui.com/spec/1.0/basic/patterns/interrupt-resume.
"""

import asyncio
import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nbagent import events as e
from nbagent.adapters.ag_ui.encoder import AguiEncoder
from nbagent.adapters.base.encoder import Item
from nbagent.agent.client_options import ClientOptions
from nbagent.agent.model.input_items import Item as HistoryItem
from nbagent.agent.model.input_items import Message, from_prompt
from nbagent.agent.sessions.session import Session
from nbagent.agent.tools.client_tool import ClientTool
from nbagent.events.question import decisions
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.questions import refusal
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.pauses import (
    PERMISSIONS,
    PauseAnswer,
    PausingEncoder,
    pausing_response,
    question_of,
)
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of

MAX_ID_CHARS = 200
"""Characters of an id that a client chooses."""

NO_PROMPT = "the last of the messages must be the user's, or the result of a tool of the client's"

CONVERSATION = frozenset({"developer", "system", "assistant", "user", "tool"})
"""Roles of the messages that a model is sent.

Those of reasoning and activities are for the client's own view.
"""


class ResumeEntry(msgspec.Struct):
    """The answer to an interrupt, whose id names the run and the question."""

    interruptId: str  # noqa: N815 - the name on the wire
    status: Literal["resolved", "cancelled"]
    payload: Any = None


class FrontendTool(msgspec.Struct):
    """A function of the client, which the agent may call and the client runs."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None

    def tool(self) -> ClientTool:
        """Return the tool for the agent."""
        schema = self.parameters or {"type": "object", "properties": {}}
        return ClientTool(name=self.name, description=self.description, schema=schema)


class RunAgentInput(msgspec.Struct):
    """The input of a run: the thread and all its messages, the newest last; or answers to the
    interrupts of the run before.

    The newest message is the user's, or the result of one of the client's `tools`.
    """

    messages: list[dict[str, Any]] = []
    threadId: str | None = None  # noqa: N815 - the name on the wire
    runId: str | None = None  # noqa: N815 - the name on the wire
    resume: list[ResumeEntry] | None = None
    tools: list[FrontendTool] = []


class ThreadEncoder(PausingEncoder, AguiEncoder):
    """Encodes events with the client's ids, and ids of messages unique in a thread: a client keeps
    those of all its runs. A question interrupts the run.

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

    def other_event(self, event: e.Event) -> None:
        """Interrupt the run at a question."""
        if isinstance(event, e.ApprovalRequest):
            suspend = partial(self.suspend, self.interrupt(event))
            self.pause(event.approval_id, suspend, self.go_on)
        else:
            super().other_event(event)

    def interrupt(self, request: e.ApprovalRequest) -> dict[str, Any]:
        """Return a question as an interrupt, with the schema of the payload that answers it."""
        interrupt_id = f"{self.run_id}:{request.approval_id}"
        made = super().interrupt(request) | {"id": interrupt_id}
        if request.kind in PERMISSIONS:
            made["responseSchema"] = _permission_schema(request)
        return made


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Run an agent for a client of AG-UI", body=RunAgentInput, stream=EVENT_STREAM)
    async def run(request: Request) -> Response:
        agent = request.path_params["agent"]
        asked = await body(request, RunAgentInput)
        thread_id, run_id = _id(asked.threadId, "threadId"), _id(asked.runId, "runId")
        answers = []
        if asked.resume:
            resumed = await _resumed(host, agent, thread_id, asked.resume)
            answers = [await _answer(resumed, each) for each in asked.resume]

        async def start() -> HostedRun:
            if asked.resume:
                return resumed
            messages = _conversation(asked, host)
            options = ClientOptions(tools=tuple(each.tool() for each in asked.tools))
            if thread_id is None:
                session = await host.sessions.new(agent)
                return await host.start(agent, messages, session, client_options=options)
            session, new = await _in_thread(host, agent, thread_id, messages)
            return await host.start(agent, new, session, client_options=options)

        return await pausing_response(
            host,
            request,
            start,
            f"ag_ui {thread_id} {run_id}",
            lambda: ThreadEncoder(thread_id, run_id),
            answers,
        )

    return [Route("/ag-ui/{agent}", run, methods=["POST"])]


def _id(given: str | None, name: str) -> str | None:
    if given is not None and not (0 < len(given) <= MAX_ID_CHARS and given.isprintable()):
        raise Problem(422, f"{name} is a text of 1 to {MAX_ID_CHARS} printable characters")
    return given


def _conversation(asked: RunAgentInput, host: Host) -> list[dict[str, Any]]:
    """Return the messages of an input, in the form of Chat Completions.

    Raises:
        Problem: the last one is neither the user's nor a result, or cannot be read (422).
    """
    if not asked.messages or asked.messages[-1].get("role") not in ("user", "tool"):
        raise Problem(422, NO_PROMPT)
    messages = [_message(each) for each in asked.messages if each.get("role") in CONVERSATION]
    content = messages[-1].get("content")
    if messages[-1]["role"] == "user" and not (content and isinstance(content, list)):
        prompt_of(content, host.limits)
    return messages


async def _resumed(
    host: Host, agent: str, thread_id: str | None, resume: Sequence[ResumeEntry]
) -> HostedRun:
    """Return the run whose interrupts are answered.

    Raises:
        Problem: it is none of the thread (404), or the answers are for several runs (422).
    """
    run_ids = {each.interruptId.partition(":")[0] for each in resume}
    if len(run_ids) > 1:
        raise Problem(422, "the entries of resume must answer the interrupts of one run")
    run = await host.find(run_ids.pop())
    if (run.stored.agent, run.stored.session) != (agent, thread_id):
        raise Problem(404, f"the thread has no interrupt {resume[0].interruptId!r}")
    return run


async def _answer(run: HostedRun, entry: ResumeEntry) -> PauseAnswer:
    """Return the answer that an entry has.

    Raises:
        Problem: the run has no such question (404), or the payload is none for a permission (422).
    """
    asked, given = entry.interruptId.partition(":")[2], entry.payload
    request = await question_of(run, asked)
    if entry.status == "cancelled":
        if "cancel" in decisions(request):
            return PauseAnswer(asked, "cancel")
        return PauseAnswer(asked, refusal(request))
    if request.kind not in PERMISSIONS:
        return PauseAnswer(asked, "approve", given)
    if isinstance(given, bool):
        given = {"approved": given}
    if not isinstance(given, dict) or not isinstance(given.get("approved"), bool):
        raise Problem(
            422, f'the payload of a permission is {{"approved": true}} or false, got {given!r:.80}'
        )
    reason = given.get("reason")
    if not given["approved"]:
        return PauseAnswer(asked, "deny", reason=None if reason is None else str(reason))
    return PauseAnswer(asked, "approve", given.get("editedArgs"))


def _permission_schema(request: e.ApprovalRequest) -> dict[str, Any]:
    """Return the schema of the payload that answers a permission; with `editedArgs` if the
    arguments may be changed.
    """
    properties: dict[str, Any] = {"approved": {"type": "boolean"}, "reason": {"type": "string"}}
    if request.schema is not None:
        properties["editedArgs"] = request.schema
    return {"type": "object", "properties": properties, "required": ["approved"]}


async def _in_thread(
    host: Host, agent: str, thread_id: str, messages: list[dict[str, Any]]
) -> tuple[Session, Sequence[dict[str, Any]]]:
    """Return the session of a thread, and those of the client's messages that are new in it.

    A client sends the whole conversation each time. Where its prompts before the last one are those
    of the session, the last one is new, and so are the results of the client's tools that the run
    before has called. Otherwise the user has edited the conversation or asks again: the client's
    messages count, and the session of before is kept under another name.

    A question that waits in the thread is withdrawn: the user has said something else.

    Raises:
        Problem: nothing is new (422).
    """
    results: list[dict[str, Any]] = []
    before = await host.newest(thread_id)
    if before is not None:
        if before.stored.agent == agent and before.has_question:
            await _withdraw_question(before)
        waiting = _client_calls(before)
        results += [each for each in messages if each.get("tool_call_id") in waiting]
    session = await host.sessions.open(agent, thread_id)
    known = _prompts(await asyncio.to_thread(lambda: session.history))
    if not known:
        return session, messages
    sent, role = _prompts(from_prompt(messages)), messages[-1]["role"]
    if known == sent[:-1] and role == "user":
        return session, [*results, messages[-1]]
    if known == sent and role == "tool":
        if not results:
            raise Problem(422, NO_PROMPT)
        return session, results
    await asyncio.to_thread(session.rename, f"{thread_id} {session.id}")
    return await host.sessions.open(agent, thread_id), messages


async def _withdraw_question(run: HostedRun) -> None:
    """End a run that waits for an answer which will not come."""
    with contextlib.suppress(Problem):  # it has just been answered
        await run.cancel(by="the client, which asked something else")
    await run.wait_for_end()


def _client_calls(run: HostedRun) -> set[str | None]:
    """Return the ids of the calls that a run has ended with, for its client to make."""
    last = None
    if run.events:
        last = run.events[-1]
    if not isinstance(last, e.RunEnd) or last.code != e.CLIENT_CALLS:
        return set()
    starts = (event for event in run.events if isinstance(event, e.ToolStart))
    return {start.call_id for start in starts if start.kind == "client"}


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
    if message.get("error"):  # of a tool, in place of its content
        made["content"] = made.get("content") or message["error"]
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
