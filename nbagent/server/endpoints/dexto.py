"""Endpoint of Dexto's documentation: `POST /chat/stream`, with named events and the session in the
data.

Source: https://docs.dexto.ai, "Streaming".
"""

from typing import Any, Literal, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from nbagent.adapters.dexto.vocabulary import DECISIONS
from nbagent.server.asking import AskingDexto
from nbagent.server.hosting.host import Host
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.operation import EVENT_STREAM, operation
from nbagent.server.request import body, prompt_of
from nbagent.server.stream_response import stream_response


class DextoRequest(msgspec.Struct):
    """A prompt, and the session that it belongs to; None begins one."""

    message: str
    sessionId: str | None = None  # noqa: N815 - the name on the wire
    agent: str | None = None


class Approval(msgspec.Struct):
    """An answer to a question; see `packages/server/src/hono/routes/approvals.ts` of Dexto."""

    status: Literal["approved", "denied", "cancelled"]
    formData: dict[str, Any] | None = None  # noqa: N815 - the name on the wire
    rememberChoice: bool = False  # noqa: N815 - the name on the wire
    reason: str | None = None
    message: str | None = None


class Answered(TypedDict):
    """An answer that the run has."""

    ok: bool
    approvalId: str
    status: str


def routes(host: Host) -> list[BaseRoute]:
    """Return the routes."""

    @operation("Ask an agent, as Dexto's server is asked", body=DextoRequest, stream=EVENT_STREAM)
    async def stream(request: Request) -> Response:
        asked = await body(request, DextoRequest)

        async def start() -> HostedRun:
            name, _ = host.agent(asked.agent)
            session = await (
                host.sessions.new(name)
                if asked.sessionId is None
                else host.sessions.find(name, asked.sessionId)
            )
            return await host.start(name, prompt_of(asked.message, host.limits), session)

        return await stream_response(host, request, start, "dexto asking", AskingDexto)

    @operation("Answer a question, as Dexto's server is answered", body=Approval, result=Answered)
    async def approve(request: Request) -> Response:
        given = await body(request, Approval)
        approval = request.path_params["approval"]
        run_id, _, question = approval.partition(":")
        run = await host.find(run_id)
        value = None
        if given.formData is not None:
            value = given.formData.get("response", given.formData)
        decision = DECISIONS[given.status]
        reason = given.message or given.reason
        await run.respond(question, decision, value, reason=reason, remember=given.rememberChoice)
        return JSONResponse({"ok": True, "approvalId": approval, "status": given.status})

    return [
        Route("/chat/stream", stream, methods=["POST"]),
        Route("/api/approvals/{approval}", approve, methods=["POST"]),
    ]
