"""Endpoints of Hector's documentation: agents and sessions over server-sent events and a WebSocket.

Source: https://github.com/kadirpekel/hector, `docs/core-concepts/streaming.md` at 7bc71ac.
"""

from collections.abc import AsyncIterator
from typing import TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from nbagent import events as e
from nbagent.adapters.base.encoder import Item
from nbagent.adapters.hector.encoder import HectorEncoder
from nbagent.agent.sessions.session import Session
from nbagent.server.asking import AskingHector
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.position import START, Position, parse_id
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of, root_path
from nbagent.server.socket import Conversation, Frame, Sent
from nbagent.server.stream_response import KEEP_ALIVE, reading, stream_response


class Message(msgspec.Struct):
    """A prompt."""

    message: str


class DebugEncoder(AskingHector):
    """Encodes events as Hector's chunks, each event also by itself under the name `debug`."""

    def feed(self, event: e.Event) -> list[Item]:
        """Return the items of one event, after the event itself."""
        return [{"event": "debug", "data": e.to_dict(event)}, *super().feed(event)]


class NewSession(TypedDict):
    """A session that has begun."""

    session_id: str


DEBUG = {"debug": "`true` for each event by itself too."}


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Ask an agent", body=Message, query=DEBUG, stream=EVENT_STREAM)
    async def stream(request: Request) -> Response:
        asked = await body(request, Message)
        return await answer(request, asked.message)

    async def answer(request: Request, message: str, session: Session | None = None) -> Response:
        root = root_path(request)
        name, encoder = "hector", AskingHector
        if _is_on(request, "debug"):
            name, encoder = "hector debug", DebugEncoder
        return await stream_response(
            host,
            request,
            lambda: host.start(
                request.path_params["agent"], prompt_of(message, host.limits), session
            ),
            f"{name} {root}",
            lambda: encoder(root),
        )

    @operation("Begin a session", result=NewSession, status=201)
    async def new_session(request: Request) -> Response:
        session = await host.sessions.new(request.path_params["agent"])
        return JSONResponse({"session_id": session.name}, 201)

    @operation(
        "Ask in a session; with GET and no message: follow the session",
        body=Message,
        query={"message": "The prompt of a GET.", **DEBUG},
        stream=EVENT_STREAM,
    )
    async def stream_in_session(request: Request) -> Response:
        session = await host.sessions.find(
            request.path_params["agent"], request.path_params["session"]
        )
        if request.method == "POST":
            message: str | None = (await body(request, Message)).message
        else:
            message = request.query_params.get("message")
        if message is None:
            last = parse_id(request.headers.get("last-event-id", ""))
            return StreamingResponse(
                _follow(host, session, last, root_path(request)),
                headers=dict(HectorEncoder.headers),
            )
        return await answer(request, message, session)

    @operation(
        "WebSocket of an agent: prompts, stops and answers one way, the stream the other",
        status=101,
        takes=Frame,
        sends=Sent,
    )
    async def talk(socket: WebSocket) -> None:
        try:
            agent, _ = host.agent(socket.path_params["agent"])
        except Problem as problem:
            await socket.close(4404, str(problem)[:100])
            return
        await socket.accept()
        conversation = Conversation(host, socket, agent)
        try:
            await conversation.run()
        except WebSocketDisconnect:
            pass
        finally:
            conversation.close()

    return [
        Route("/agents/{agent}/messages/stream", stream, methods=["POST"]),
        Route("/agents/{agent}/sessions", new_session, methods=["POST"]),
        Route(
            "/agents/{agent}/sessions/{session}/messages/stream",
            stream_in_session,
            methods=["GET", "POST"],
        ),
        WebSocketRoute("/agents/{agent}/stream", talk),
    ]


def _is_on(request: Request, option: str) -> bool:
    return request.query_params.get(option, "").lower() in ("1", "true", "yes")


async def _follow(
    host: Host, session: Session, last: tuple[str, Position] | None, root: str
) -> AsyncIterator[bytes]:
    """Yield the runs of a session, one after the other: the one that goes on, then each that
    begins.

    The connection stays open after a run, for a client that watches the session.
    """
    after = START
    if last is not None:
        run: HostedRun | None = await host.find(last[0])
        after = last[1]
    else:
        run = await host.newest(session.name)
        if run is not None and run.ended:
            run = await host.next_in(session.name, run)
    while True:
        if run is not None:
            feed = run.encoded_by(f"hector {root}", lambda: AskingHector(root))
            with reading(run, cancels=lambda: False):
                async for frames in feed.frames(after):
                    yield KEEP_ALIVE if frames is None else frames
        run, after = await host.next_in(session.name, run), START
