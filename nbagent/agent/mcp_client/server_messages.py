"""`ServerMessages`: logs, progress and questions of an MCP server while a tool of it is called."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeAlias

import mcp_types
import msgspec
from mcp.shared.dispatcher import ProgressFnT

from nbagent import events as e
from nbagent.agent.calls.context import CURRENT_CALL, CallContext
from nbagent.agent.tools.json_schema import check
from nbagent.errors import ToolError
from nbagent.events.jsonable import json_safe

Elicitation: TypeAlias = mcp_types.ElicitRequestFormParams | mcp_types.ElicitRequestURLParams


class ServerMessages:
    """Hands a server's log, progress and questions to the calls of its tools."""

    def __init__(self) -> None:
        self._calls: list[CallContext] = []
        self._questions = 0

    @contextmanager
    def of_call(self, context: CallContext | None) -> Iterator[ProgressFnT]:
        """Give the function that takes the progress of a call, which goes on during the block.

        Args:
            context: of the call; None outside a run.
        """
        if context is None:
            yield _no_progress
            return
        self._calls.append(context)
        try:
            yield partial(_on_progress, context)
        finally:
            self._calls.remove(context)

    @property
    def _asking(self) -> CallContext | None:
        """The call that a message belongs to: most transports do not say, so it is the one that
        began last.
        """
        context = CURRENT_CALL.get()
        if context in self._calls:
            return context
        if self._calls:
            return self._calls[-1]
        return None

    async def on_log(self, params: mcp_types.LoggingMessageNotificationParams) -> None:
        """Write a line of the server's log into the output of the call."""
        if isinstance(params.data, str):
            text = params.data
        else:
            text = msgspec.json.encode(json_safe(params.data)).decode()
        logger = f" {params.logger}" if params.logger else ""
        self.write(f"{params.level.upper()}{logger}: {text}\n")

    def write(self, text: str) -> None:
        """Write a text into the output of the call; without one it is dropped."""
        context = self._asking
        if context is not None:
            context.output.write(text)

    async def on_question(self, context: Any, params: Elicitation) -> mcp_types.ElicitResult:
        """Ask the reader, as often as the answer does not fit."""
        call = self._asking
        if call is None:
            return mcp_types.ElicitResult(action="cancel")
        about = _about_question(params)
        schema = about.get("schema")
        problem = ""
        while True:
            self._questions += 1
            question = e.ApprovalRequest(
                approval_id=f"{call.id}-mcp-{self._questions}",
                tool_id=call.id,
                prompt=params.message + problem,
                **about,
            )
            response = await call.questions.ask(question, partial(check, schema or {}))
            if response.decision == "deny":
                return mcp_types.ElicitResult(action="decline")
            if response.decision != "approve":
                return mcp_types.ElicitResult(action="cancel")
            if schema is None:
                return mcp_types.ElicitResult(action="accept")
            content = {} if response.value is None else response.value
            try:
                check(schema, content)
            except ToolError as error:
                problem = f"\n({error})"
                continue
            return mcp_types.ElicitResult(action="accept", content=content)


def _about_question(params: Elicitation) -> dict[str, Any]:
    """Return the fields of a server's question: a form, or an address to open."""
    if isinstance(params, mcp_types.ElicitRequestFormParams):
        return {"kind": "input", "schema": dict(params.requested_schema)}
    return {"kind": "auth", "meta": {"url": params.url}}


async def _on_progress(
    context: CallContext, progress: float, total: float | None, message: str | None
) -> None:
    context.output.progress(
        e.ToolProgress(id=context.id, message=message, progress=progress, total=total)
    )


async def _no_progress(progress: float, total: float | None, message: str | None) -> None:
    pass
