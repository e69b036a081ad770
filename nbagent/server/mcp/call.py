"""`McpCall`: the run of one call of an MCP client: its progress, its questions and its result."""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any, TypeGuard

import mcp_types
import msgspec
from mcp.server.context import ServerRequestContext
from mcp.shared.exceptions import MCPError
from mcp_types.version import MODERN_PROTOCOL_VERSIONS

from nbagent import events as e
from nbagent.server.hosting.hosted_run import HostedRun
from nbagent.server.hosting.results import whole_text
from nbagent.server.problem import Problem

NOT_ASKED = (
    "It needs permission, and the MCP client cannot be asked: it does not support elicitation."
)
"""Reason why a call was not allowed, for a model or for the client."""

NOT_ALLOWED = "The user of the MCP client did not allow it."
"""Reason why a call was not allowed, for a model or for the client."""

PERMISSION = {
    "type": "object",
    "properties": {"allow": {"type": "boolean", "title": "Allow this call", "default": False}},
    "required": ["allow"],
}
"""Form of a question for permission. A client that accepts all forms unread does not give it."""

PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
"""Types of pictures, whose data is base64, that a client gets as pictures."""

STOPPED_BY = "the MCP client"

_PRIMITIVES = ("string", "number", "integer", "boolean")


class McpCall:
    """A call of a client.

    Args:
        run: of the call.
        is_tool: True for a call of an agent's tool, False for an agent.
        seen: number of its events that the client knows.
    """

    def __init__(self, run: HostedRun, *, is_tool: bool, seen: int = 0) -> None:
        self._run = run
        self._is_tool = is_tool
        self._seen = seen
        self._progress: float | None = None  # of the last notification

    async def answer(self, responses: Mapping[str, Any]) -> None:
        """Answer the questions that the client was asked; one without a response is denied."""
        for event in self._run.events[: self._seen]:
            if self._is_open_question(event):
                await self._respond(event, responses.get(event.approval_id))

    async def result(
        self, context: ServerRequestContext[Any, Any]
    ) -> mcp_types.CallToolResult | mcp_types.InputRequiredResult:
        """Follow the run to its end, or to a question that the client answers with its next
        request.

        Raises:
            Problem: the run did not complete, or was stopped.
            CancelledError: the client cancelled the call; the run is stopped.
        """
        run = self._run
        try:
            while not run.ended or self._seen < len(run.events):
                if self._seen == len(run.events):
                    await run.changed(self._seen)
                    continue
                event = run.events[self._seen]
                self._seen += 1
                needed = await self._take(context, event)
                if needed is not None:
                    return needed
        except asyncio.CancelledError:
            stop(run)
            raise
        return await self._ended()

    async def _take(
        self, context: ServerRequestContext[Any, Any], event: e.Event
    ) -> mcp_types.InputRequiredResult | None:
        """Report an event, or ask the client if it is a question.

        Return the question if the client answers it with its next request.
        """
        if not self._is_open_question(event):
            await self._report(context, event)
        elif _supports(context):
            await self._respond(event, await self._elicit(context, event))
        elif context.protocol_version in MODERN_PROTOCOL_VERSIONS and _has_forms(context):
            request = mcp_types.ElicitRequest(params=self._form(event))
            return mcp_types.InputRequiredResult(
                input_requests={event.approval_id: request},
                request_state=f"{self._run.id}:{self._seen}",
            )
        else:
            await self._respond(event, None, NOT_ASKED)
        return None

    async def _ended(self) -> mcp_types.CallToolResult:
        """Return the result of a run that has ended."""
        run = self._run
        text = await whole_text(run)
        results = [event for event in run.events if isinstance(event, e.ToolResult)]
        is_error = self._is_tool and results[-1].status != "ok"
        made = text_result(text, is_error=is_error, run=run.id, session=run.stored.session)
        display = results[-1].display if self._is_tool else None
        if display is not None and (pictures := _pictures(display)):
            for picture in pictures:
                if picture.data:
                    text = text.replace(picture.data, "…")  # it comes as a picture
            made.content[:1] = [mcp_types.TextContent(text=text), *pictures]
        return made

    async def _report(self, context: ServerRequestContext[Any, Any], event: e.Event) -> None:
        """Send an event as progress, if the client asked for that."""
        match event:
            case e.TextDelta():
                message = event.delta
            case e.ToolStart() if not self._is_tool:
                message = f"[{event.name}]"
            case e.ToolProgress(progress=float() as number) if self._is_tool:
                await self._report_number(context, event, number)
                return
            case e.ToolProgress(message=str()):
                message = event.message or ""
            case _:
                return
        self._progress = (self._progress or 0) + 1
        await context.session.report_progress(self._progress, message=message)

    async def _report_number(
        self, context: ServerRequestContext[Any, Any], event: e.ToolProgress, number: float
    ) -> None:
        """Send the progress of a tool as it counts it.

        The protocol has numbers that rise, so one that does not is left out.

        Source: https://modelcontextprotocol.io/specification/2025-11-25/basic/utilities/progress.
        """
        if self._progress is None or number > self._progress:
            self._progress = number
            await context.session.report_progress(number, event.total, event.message)

    # --- questions ---

    def _is_open_question(self, event: e.Event) -> TypeGuard[e.ApprovalRequest]:
        """Return True for a question that a client can answer, and that has no answer yet."""
        if not isinstance(event, e.ApprovalRequest) or event.kind == "stop":
            return False
        return not self._is_answered(event)

    def _is_answered(self, question: e.ApprovalRequest) -> bool:
        return self._run.ended or any(
            isinstance(event, e.ApprovalResponse) and event.approval_id == question.approval_id
            for event in self._run.events
        )

    def _form(self, question: e.ApprovalRequest) -> mcp_types.ElicitRequestFormParams:
        """Return a question as a form of MCP, whose fields are plain values."""
        schema = _schema_of(question) if question.kind == "input" else PERMISSION
        return mcp_types.ElicitRequestFormParams(
            message=self._prompt_of(question), requested_schema=schema
        )

    def _prompt_of(self, question: e.ApprovalRequest) -> str:
        if question.prompt:
            return question.prompt
        starts = [event for event in self._run.events if isinstance(event, e.ToolStart)]
        names = [start.name for start in starts if start.id == question.tool_id]
        if question.kind != "tool" and not names:
            return "An answer is needed."
        name = next(iter(names), "a tool")
        arguments = ""
        if question.args is not None:
            arguments = msgspec.json.encode(question.args).decode()
        return f"{self._run.stored.agent} wants to call {name}({arguments}). Allow it?"

    async def _elicit(
        self, context: ServerRequestContext[Any, Any], question: e.ApprovalRequest
    ) -> Any:
        """Ask the client, in a request of its own.

        Return its response; None if it has none, or another client answers.
        """
        form = self._form(question)
        asking = asyncio.create_task(
            context.session.elicit_form(
                form.message, form.requested_schema, related_request_id=context.request_id
            )
        )
        answered = asyncio.create_task(self._answered(question))
        try:
            await asyncio.wait([asking, answered], return_when=asyncio.FIRST_COMPLETED)
            return await asking if asking.done() else None
        except MCPError:
            return None  # it cannot ask after all
        finally:
            asking.cancel()
            answered.cancel()
            await asyncio.wait([asking, answered])

    async def _answered(self, question: e.ApprovalRequest) -> None:
        while not self._is_answered(question):
            await self._run.changed(len(self._run.events))

    async def _respond(
        self, question: e.ApprovalRequest, response: Any, reason: str = NOT_ALLOWED
    ) -> None:
        """Give the run the client's answer. Anything but a clear permission denies."""
        if self._is_answered(question):
            return
        content = (
            response.content
            if isinstance(response, mcp_types.ElicitResult) and response.action == "accept"
            else None
        )
        with contextlib.suppress(Problem):  # another client was faster
            try:
                if question.kind == "input" and content is not None:
                    await self._run.respond(
                        question.approval_id, "approve", _value_of(question, content)
                    )
                elif content is not None and content.get("allow") is True:
                    await self._run.respond(question.approval_id, "approve")
                else:
                    await self._run.respond(question.approval_id, "deny", reason=reason)
            except Problem as problem:
                await self._run.respond(question.approval_id, "deny", reason=str(problem))


def stop(run: HostedRun) -> None:
    """Stop a run, in a task of its own: a call that is cancelled can wait for nothing any more."""
    if not run.ended:
        task = asyncio.create_task(_stop(run))
        _stopping.add(task)
        task.add_done_callback(_stopping.discard)


_stopping: set[asyncio.Task[None]] = set()


async def _stop(run: HostedRun) -> None:
    with contextlib.suppress(Problem):  # it has ended
        await run.cancel(by=STOPPED_BY)


def text_result(
    text: str, *, is_error: bool = False, **meta: str | None
) -> mcp_types.CallToolResult:
    """Return a result of a call with a text.

    Args:
        text: of the result.
        is_error: True if the call failed.
        meta: ids of the run and its session, for the client.
    """
    content: list[Any] = [mcp_types.TextContent(text=text)]
    if meta.get("session"):
        content.append(mcp_types.TextContent(text=f"session: {meta['session']}"))
    known: Any = {f"nbagent/{name}": value for name, value in meta.items() if value is not None}
    return mcp_types.CallToolResult(content=content, is_error=is_error, _meta=known or None)


def _pictures(display: e.Display) -> list[mcp_types.ImageContent]:
    """Return the pictures of a result: each part of it once, although a part may be there in
    several types.
    """
    found: dict[str, mcp_types.ImageContent] = {}
    for kind, data in display.data.items():
        media_type, _, part = kind.partition(";")
        if media_type in PICTURES and isinstance(data, str) and part not in found:
            found[part] = mcp_types.ImageContent(data=data, mime_type=media_type)
    return list(found.values())


def _has_forms(context: ServerRequestContext[Any, Any]) -> bool:
    """Return True if the client can ask its user with a form."""
    capabilities = context.session.client_capabilities
    elicitation = None if capabilities is None else capabilities.elicitation
    # An empty capability means forms:
    # https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation.
    return elicitation is not None and (elicitation.form is not None or elicitation.url is None)


def _supports(context: ServerRequestContext[Any, Any]) -> bool:
    """Return True if the client takes requests of the server while its own waits, which the
    versions before 2026 do.
    """
    is_modern = context.protocol_version in MODERN_PROTOCOL_VERSIONS
    return not is_modern and context.session.can_send_request and _has_forms(context)


def _schema_of(question: e.ApprovalRequest) -> dict[str, Any]:
    """Return the schema of an input as a form: its own if it is flat, else one field."""
    schema = question.schema or {}
    if _is_flat(schema):
        return schema
    field: dict[str, Any] = {"type": "string", "title": "Answer"}
    if question.options:
        field["enum"] = question.options
    return {"type": "object", "properties": {"answer": field}, "required": ["answer"]}


def _value_of(question: e.ApprovalRequest, content: Mapping[str, Any]) -> Any:
    return dict(content) if _is_flat(question.schema or {}) else content.get("answer")


def _is_flat(schema: Mapping[str, Any]) -> bool:
    fields = schema.get("properties")
    return isinstance(fields, dict) and bool(fields) and all(map(_is_of_form, fields.values()))


def _is_of_form(field: Any) -> bool:
    """Return True if a form may have the field: a single value, or several of a list."""
    if not isinstance(field, dict):
        return False
    items = field.get("items")
    if field.get("type") == "array" and isinstance(items, dict):
        return "enum" in items or "anyOf" in items
    return field.get("type") in _PRIMITIVES
