"""nbagent's own endpoints: runs as events, their stop, and the answers to their questions."""

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from nbagent import events as e
from nbagent.adapters.base.encoder import SSE_HEADERS, Item
from nbagent.adapters.base.frames import sse
from nbagent.adapters.nbagent_events.encoder import EventsEncoder
from nbagent.events import Decision
from nbagent.server.access.access import Role
from nbagent.server.access.guard import ROLE
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.problem import Problem
from nbagent.server.request import body, prompt_of
from nbagent.server.stores.event_store import RunList, StoredRun
from nbagent.server.stream_response import stream_response

HEALTH_WAIT_S = 0.5
"""Seconds that the store has to take something while `/health` waits: probes of processes are
impatient.
"""


class NewRun(msgspec.Struct):
    """A prompt, for an agent, in a session."""

    message: str
    agent: str | None = None
    session: str | None = None


class QuestionAnswer(msgspec.Struct):
    """An answer to a question of a run; see `Run.respond`."""

    id: str
    decision: Decision = "approve"
    value: Any = None
    reason: str | None = None
    remember: bool = False


class EventsOverSse(EventsEncoder):
    """Encodes events as themselves, each in a server-sent event."""

    headers: ClassVar[Mapping[str, str]] = SSE_HEADERS

    def feed(self, event: e.Event) -> list[Item]:
        """Return the event itself, without the head that a recording has."""
        return [e.to_json(event).decode()]

    def message(self, item: Item) -> str:
        """Return the JSON of an event, which is its item already."""
        assert isinstance(item, str)
        return item

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an event as a server-sent event."""
        return sse(self.message(item), None, number)


class Health(TypedDict):
    """State of the server, and what its client may do.

    The `status` is `ok`, or the word with which `/ready` says why no prompt is taken.
    """

    status: str
    agents: list[str]
    access: Role


class RunInfo(TypedDict):
    """A run; `prompt` are the first words of its prompt, as its readers may see them."""

    id: str
    agent: str
    prompt: str


class Runs(TypedDict):
    """The runs that go on in any process, and those that have ended, the newest first."""

    runs: list[RunInfo]
    ended: list[RunInfo]


class Begun(TypedDict):
    """A run that has begun, and the path of its events."""

    id: str
    agent: str
    events: str


class Status(TypedDict):
    """Effect of a request."""

    status: str


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Say that the process lives, and which agents it serves", result=Health, reads=True)
    async def health(request: Request) -> Response:
        status = await host.unready(HEALTH_WAIT_S) or "ok"
        return JSONResponse(
            {"status": status, "agents": list(host.agents), "access": request.scope[ROLE]}
        )

    @operation(
        "Say whether the server takes prompts; if not (503), the message is why: `stopping`, "
        "`busy` or `store`",
        result=Status,
        reads=True,
        is_public=True,
    )
    async def ready(request: Request) -> Response:
        reason = await host.unready()
        if reason is not None:
            raise Problem(503, reason, {"cache-control": "no-store"})
        return JSONResponse({"status": "ready"}, headers={"cache-control": "no-store"})

    @operation(
        "List the runs of all processes: those that go on, and the last that have ended",
        result=Runs,
        reads=True,
    )
    async def listed(request: Request) -> Response:
        return JSONResponse(_public(await host.runs()))

    @operation(
        "WebSocket of the list of runs, which is sent again when it changes",
        status=101,
        sends=Runs,
        reads=True,
    )
    async def follow(socket: WebSocket) -> None:
        await socket.accept()
        leaving = asyncio.create_task(socket.receive())
        try:
            while not leaving.done():
                changing = asyncio.create_task(host.listed.changed.wait())
                await socket.send_json(_public(host.corrected(host.listed.runs)))
                await asyncio.wait([leaving, changing], return_when=asyncio.FIRST_COMPLETED)
                changing.cancel()
        except WebSocketDisconnect:
            pass
        finally:
            leaving.cancel()

    @operation("Begin a run", body=NewRun, result=Begun, status=201)
    async def new_run(request: Request) -> Response:
        asked = await body(request, NewRun)
        name, _ = host.agent(asked.agent)
        session = None
        if asked.session is not None:
            session = await host.sessions.find(name, asked.session)
        run = await host.start(name, prompt_of(asked.message, host.limits), session)
        return JSONResponse(
            {
                "id": run.id,
                "agent": name,
                "events": f"{request.scope.get('root_path', '')}/runs/{run.id}/events",
            },
            201,
        )

    @operation("Read the events of a run", stream=EVENT_STREAM, reads=True)
    async def events(request: Request) -> Response:
        async def found() -> HostedRun:
            return await host.find(request.path_params["run"])

        return await stream_response(host, request, found, "nbagent events", EventsOverSse)

    @operation("Stop a run", result=Status, status=202)
    async def cancel(request: Request) -> Response:
        run = await host.find(request.path_params["run"])
        await run.cancel(by="a client")
        return JSONResponse({"status": "stopping"}, 202)

    @operation("Answer a question of a run", body=QuestionAnswer, result=Status)
    async def answer(request: Request) -> Response:
        asked = await body(request, QuestionAnswer)
        run = await host.find(request.path_params["run"])
        await run.respond(
            asked.id, asked.decision, asked.value, reason=asked.reason, remember=asked.remember
        )
        return JSONResponse({"status": "answered"})

    return [
        Route("/health", health, methods=["GET"]),
        Route("/ready", ready, methods=["GET"]),
        Route("/runs", listed, methods=["GET"]),
        WebSocketRoute("/runs", follow),
        Route("/runs", new_run, methods=["POST"]),
        Route("/runs/{run}/events", events, methods=["GET"]),
        Route("/runs/{run}/cancel", cancel, methods=["POST"]),
        Route("/runs/{run}/answers", answer, methods=["POST"]),
    ]


def _public(listed: RunList) -> Runs:
    """Return a list of runs without what only its clients may know: the name of a session opens
    it.
    """
    going_on, ended = ([_info(run) for run in runs] for runs in listed)
    return Runs(runs=going_on, ended=ended)


def _info(run: StoredRun) -> RunInfo:
    return RunInfo(id=run.id, agent=run.agent, prompt=run.prompt)
