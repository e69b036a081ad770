"""Endpoints of NEAR AI's documentation: threads and their runs, as in OpenAI's Assistants API.

Sources: https://docs.near.ai, "Agent streaming", which reads
`/api/v1/threads/{thread}/stream/{run}`; and OpenAI's API, in whose form threads, messages and runs
are made: https://platform.openai.com/docs/api-reference/threads. A thread is a session.
"""

import asyncio
from collections import OrderedDict
from typing import Any, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.pauses import answer, pausing_response, question_of
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of
from nbagent.server.threads import (
    AskingAssistants,
    AskingNear,
    answer_in,
    chat_message,
    message_object,
    run_object,
    text_of,
)

PREFIXES = ("", "/api/v1", "/v1")
"""Roots under which the API stands."""

MAX_WAITING_MESSAGES = 100
"""Messages of a thread that may wait for its next run."""

MAX_WAITING_THREADS = 1_000
"""Threads with messages that wait for a run."""

MAX_LISTED = 100
"""Messages that a request lists at most."""

Json = dict[str, Any]

ASSISTANTS = ("openai.assistants asking", AskingAssistants)
"""Form of the streams of OpenAI's clients."""


class NewMessage(msgspec.Struct):
    """A message that waits in its thread for the next run."""

    content: str | list[Json]
    role: str = "user"


class NewThread(msgspec.Struct):
    """A thread with an agent, the only one by default, and with its first messages."""

    agent: str | None = None
    assistant_id: str | None = None
    messages: list[Json] = []


class NewRun(msgspec.Struct):
    """A run, which answers the messages that wait in the thread, those that it brings, and its own
    `message`; with the agent under its name in either API.
    """

    message: str | None = None
    assistant_id: str | None = None
    agent: str | None = None
    additional_messages: list[Json] | None = None
    stream: bool | None = None


class Output(msgspec.Struct):
    """The output of a call that a run requires: the answer to its question."""

    tool_call_id: str
    output: str = ""


class Outputs(msgspec.Struct):
    """The outputs of all calls that a run requires."""

    tool_outputs: list[Output]
    stream: bool | None = None


class Thread(TypedDict):
    """A thread that has begun."""

    id: str
    object: str
    agent: str


class Waiting:
    """The messages that wait in their threads for the next run, in this process."""

    def __init__(self) -> None:
        self._messages: OrderedDict[str, list[Json]] = OrderedDict()

    def of(self, thread: str) -> list[Json]:
        """Return the messages of a thread."""
        return list(self._messages.get(thread, ()))

    def add(self, thread: str, messages: list[Json]) -> None:
        """Let messages wait.

        Raises:
            Problem: too many wait (429).
        """
        if not messages:
            return
        waiting = self.of(thread)
        is_full = not waiting and len(self._messages) >= MAX_WAITING_THREADS
        if is_full or len(waiting) + len(messages) > MAX_WAITING_MESSAGES:
            raise Problem(429, "too many messages wait for a run; begin one")
        self._messages[thread] = [*waiting, *messages]

    def take(self, thread: str) -> None:
        """Let go of the messages of a thread: a run has them."""
        self._messages.pop(thread, None)


class Threads:
    """The endpoints.

    Args:
        host: runs the agents.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._waiting = Waiting()

    def paths(self) -> list[tuple[str, str, Any]]:
        """Return the method, the path and the endpoint of each operation."""
        return [
            ("POST", "/threads", self._new_thread),
            ("POST", "/threads/{thread}/messages", self._new_message),
            ("GET", "/threads/{thread}/messages", self._messages),
            ("POST", "/threads/{thread}/runs", self._new_run),
            ("GET", "/threads/{thread}/runs/{run}", self._read_run),
            ("POST", "/threads/{thread}/runs/{run}/cancel", self._cancel),
            ("POST", "/threads/{thread}/runs/{run}/submit_tool_outputs", self._submit),
            ("GET", "/threads/{thread}/stream/{run}", self._stream),
        ]

    def _agent_in(self, asked: NewThread | NewRun) -> str:
        named = asked.agent or asked.assistant_id
        if named is not None and named not in self._host.agents:
            named = _agent_of(named)
        return self._host.agent(named)[0]

    @operation("Begin a thread", body=NewThread, result=Thread, status=201)
    async def _new_thread(self, request: Request) -> Response:
        asked = await body(request, NewThread)
        name = self._agent_in(asked)
        messages = [chat_message(each) for each in asked.messages]
        thread = (await self._host.sessions.new(name)).name
        self._waiting.add(thread, messages)
        return JSONResponse({"id": thread, "object": "thread", "agent": name}, 201)

    @operation("Add a message to a thread, for its next run", body=NewMessage, result=Json)
    async def _new_message(self, request: Request) -> Response:
        asked, thread = await body(request, NewMessage), request.path_params["thread"]
        await _session_of(self._host, thread)
        message = chat_message({"role": asked.role, "content": asked.content})
        self._waiting.add(thread, [message])
        return JSONResponse(message_object(message, len(self._waiting.of(thread)), thread))

    @operation(
        "List the messages of a thread, the newest first",
        result=Json,
        query={"order": "`asc` for the oldest first.", "limit": "How many at most; 20 by default."},
        reads=True,
    )
    async def _messages(self, request: Request) -> Response:
        thread = request.path_params["thread"]
        session = await _session_of(self._host, thread)
        said = [*await asyncio.to_thread(lambda: session.messages), *self._waiting.of(thread)]
        made = [
            message_object(each, number, thread)
            for number, each in enumerate(said, 1)
            if each["role"] in ("user", "assistant") and text_of(each)
        ]
        if request.query_params.get("order") != "asc":
            made.reverse()
        shown = made[: _limit(request.query_params.get("limit", "20"))]
        first = last = None
        if shown:
            first, last = shown[0]["id"], shown[-1]["id"]
        more = {"first_id": first, "last_id": last, "has_more": len(shown) < len(made)}
        return JSONResponse({"object": "list", "data": shown, **more})

    @operation("Begin a run in a thread", body=NewRun, result=Json, stream=EVENT_STREAM, status=201)
    async def _new_run(self, request: Request) -> Response:
        asked, thread = await body(request, NewRun), request.path_params["thread"]
        name = self._agent_in(asked)
        added = [chat_message(each) for each in asked.additional_messages or ()]
        prompt = [*self._waiting.of(thread), *added]
        if asked.message is not None:
            prompt.append({"role": "user", "content": asked.message})
        if not prompt or prompt[-1]["role"] != "user":
            raise Problem(422, "the thread has no new message of the user to answer")
        if isinstance(prompt[-1]["content"], str):
            prompt_of(prompt[-1]["content"], self._host.limits)
        session = await self._host.sessions.find(name, thread)

        async def start() -> HostedRun:
            given: Any = prompt
            if len(prompt) == 1 and isinstance(prompt[0]["content"], str):
                given = prompt[0]["content"]
            run = await self._host.start(name, given, session)
            self._waiting.take(thread)
            return run

        if asked.stream:
            return await pausing_response(self._host, request, start, *ASSISTANTS)
        return JSONResponse(run_object(await start()) | {"status": "in_progress"}, 201)

    async def _found(self, request: Request) -> HostedRun:
        run = await self._host.find(request.path_params["run"])
        if run.stored.session != request.path_params["thread"]:
            raise Problem(404, f"the thread has no run {run.id!r}")
        return run

    @operation("Read the state of a run of a thread", result=Json, reads=True)
    async def _read_run(self, request: Request) -> Response:
        return JSONResponse(run_object(await self._found(request)))

    @operation("Stop a run of a thread", result=Json)
    async def _cancel(self, request: Request) -> Response:
        run = await self._found(request)
        await run.cancel(by="a client")
        return JSONResponse(run_object(run) | {"status": "cancelling"})

    @operation(
        "Answer the questions of a run that requires action",
        body=Outputs,
        result=Json,
        stream=EVENT_STREAM,
    )
    async def _submit(self, request: Request) -> Response:
        asked, run = await body(request, Outputs), await self._found(request)
        given = [
            answer_in(await question_of(run, each.tool_call_id), each.output)
            for each in asked.tool_outputs
        ]
        if asked.stream:
            return await pausing_response(
                self._host, request, lambda: self._found(request), *ASSISTANTS, answers=given
            )
        for each in given:
            await answer(run, each)
        return JSONResponse(run_object(run))

    @operation(
        "Read a run of a thread, up to the end or a question", stream=EVENT_STREAM, reads=True
    )
    async def _stream(self, request: Request) -> Response:
        run = await self._found(request)

        async def given() -> HostedRun:
            return run

        return await pausing_response(self._host, request, given, "nearai asking", AskingNear)


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""
    paths = Threads(host).paths()
    return [
        Route(f"{prefix}{path}", endpoint, methods=[method])
        for prefix in PREFIXES
        for method, path, endpoint in paths
    ]


def _agent_of(assistant_id: str) -> str:
    """Return the name of an agent in the forms in which our own objects have it."""
    if assistant_id.startswith("nbagent/"):
        return assistant_id.split("/")[1]
    return assistant_id.removeprefix("asst_")


async def _session_of(host: Host, thread: str) -> Any:
    """Return the session of a thread, whichever agent's it is.

    Raises:
        Problem: there is none (404).
    """
    for name in host.agents:
        try:
            return await host.sessions.find(name, thread)
        except Problem as problem:
            if problem.status != 404:
                raise
    raise Problem(404, f"there is no thread {thread!r}")


def _limit(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= MAX_LISTED:
        raise Problem(422, f"limit is a number from 1 to {MAX_LISTED}, got {text[:20]!r}")
    return int(text)
