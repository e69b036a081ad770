"""`Conversation`: a client at a WebSocket, which sends prompts, stops and answers while runs stream
to it.
"""

import asyncio
import contextlib
from functools import partial
from typing import Any, Literal, TypedDict

import msgspec
from starlette.websockets import WebSocket, WebSocketDisconnect

from nbagent.agent.sessions.session import Session
from nbagent.errors import NbagentError
from nbagent.events import Decision
from nbagent.events.json_text import decode_json
from nbagent.gate import secrets
from nbagent.server.access.rate import Rate
from nbagent.server.asking import AskingHector
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.problem import Problem
from nbagent.server.request import prompt_of, root_path
from nbagent.server.stream_response import cancels_on_disconnect, reading

MAX_WAITING_PROMPTS = 16
"""Prompts that may wait for the answer before them; further ones are refused."""

TOO_MANY_MESSAGES = 4429
"""Code with which a connection is closed whose client sends more messages than the server takes."""


class Frame(msgspec.Struct):
    """A message of the client. It has one of the four.

    Attributes:
        message: a prompt.
        stop: true to stop the run.
        answer: id of a question, with `decision`, `value`, `reason` and `remember`.
        session: session of the prompts; a new one by default.
    """

    message: str | None = None
    stop: bool = False
    answer: str | None = None
    decision: Decision = "approve"
    value: Any = None
    reason: str | None = None
    remember: bool = False
    session: str | None = None


class Sent(TypedDict, total=False):
    """A message of the server: a chunk, a named event, or the error of a message that it refused.

    Attributes:
        chunk: piece of the answer, in which a tool's call and output are lines.
        question: beside a `chunk` with its words, the question that the run waits with: its `id`,
            `kind`, `tool`, `args` and more.
        event: `thinking`, `done` or `error`.
        data: of the event: `{"thinking": text}`, `[DONE]` or `{"error": {"message": …}}`.
        error: why a message of the client was refused: `{"message": …}`. The answer goes on.
    """

    chunk: str
    question: dict[str, Any]
    event: Literal["thinking", "done", "error"]
    data: Any
    error: dict[str, str]


class Conversation:
    """A client at a WebSocket.

    Its prompts are one session; a prompt waits for the answer before it.

    Args:
        host: runs the agent.
        socket: of the client, accepted.
        agent: its name.
    """

    def __init__(self, host: Host, socket: WebSocket, agent: str) -> None:
        self._host = host
        self._socket = socket
        self._agent = agent
        self._root = root_path(socket)
        self._session: Session | None = None
        self._run: HostedRun | None = None
        self._prompts: asyncio.Queue[str] = asyncio.Queue(MAX_WAITING_PROMPTS)
        self._rate = Rate(host.limits.messages_per_s, host.limits.messages_at_once)
        self._answering: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Serve the client until it leaves. A message may be a text, or its bytes in UTF-8.

        Raises:
            WebSocketDisconnect: the client left while a message was being sent.
        """
        self._answering = asyncio.create_task(self._answer_prompts())
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if self._rate.wait_s():
                await self._socket.close(
                    TOO_MANY_MESSAGES, "more messages than messages_per_s and messages_at_once"
                )
                return
            try:
                await self._take(
                    decode_json(message.get("text") or message.get("bytes") or "", type=Frame)
                )
            except (msgspec.DecodeError, NbagentError) as error:
                await self._tell(str(error))

    def close(self) -> None:
        """Stop sending.

        The run goes on, unless the connection cancels: another one can read the rest.
        """
        if self._answering is not None:
            self._answering.cancel()

    async def _take(self, frame: Frame) -> None:
        if frame.session is not None and self._session is None:
            self._session = await self._host.sessions.find(self._agent, frame.session)
        running = None if self._run is None or self._run.ended else self._run
        if frame.stop:
            if running is not None:
                await running.cancel(by="the client")
        elif frame.answer is not None:
            if running is None:
                raise Problem(409, "no run goes on whose question could be answered")
            await running.respond(
                frame.answer,
                frame.decision,
                frame.value,
                reason=frame.reason,
                remember=frame.remember,
            )
        else:
            try:
                self._prompts.put_nowait(prompt_of(frame.message, self._host.limits))
            except asyncio.QueueFull:
                raise Problem(429, "too many prompts wait for an answer") from None

    async def _answer_prompts(self) -> None:
        with contextlib.suppress(WebSocketDisconnect):  # `run` finds out too
            await self._answer_each()

    async def _answer_each(self) -> None:
        while True:
            prompt = await self._prompts.get()
            try:
                session = self._session = self._session or await self._host.sessions.new(
                    self._agent
                )
                self._run = await self._host.start(self._agent, prompt, session)
            except NbagentError as error:
                await self._tell(str(error))
                continue
            feed = self._run.encoded_by(f"hector {self._root}", partial(AskingHector, self._root))
            with reading(
                self._run, cancels=partial(cancels_on_disconnect, self._host, self._socket)
            ):
                async for piece in feed.items():
                    if piece is not None:
                        await self._socket.send_text(feed.encoder.message(piece[1]))

    async def _tell(self, problem: str) -> None:
        await self._socket.send_text(
            msgspec.json.encode({"error": {"message": secrets.mask(problem)}}).decode()
        )
