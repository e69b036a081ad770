"""Encoder for Agentor: the dicts of `stream_chat`, and the text of `stream_chat(serialize=True)`
and `POST /chat`.

Source: https://github.com/CelestoAI/agentor at 6fa8fa1, `agentor/output_text_formatter.py`. On the
wire the objects follow each other as indented JSON without any framing, although the body has the
content type of an event stream. Agentor's own server sends texts whole; here their chunks come
first, which its clients read too.
"""

import json
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import APPLICATION_DATA, COMMON, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import result_text


class AgentorEncoder(BaseEncoder):
    """Encodes events as Agentor's outputs."""

    system: ClassVar[str] = "agentor"
    loses: ClassVar[frozenset[Loss]] = (
        COMMON - {Loss.HANDOFFS}
        | APPLICATION_DATA
        | {Loss.MODEL, Loss.USAGE, Loss.IMPLICIT_END, Loss.HANDOFF_FROM, Loss.SOURCES}
        | {
            Loss.REASONING_KIND,
            Loss.OPAQUE_REASONING,
            Loss.OVERLAPS,
            Loss.SPLITS,
            Loss.REFUSALS,
            Loss.RETRACTED,
        }
        | {Loss.TOOL_TITLES, Loss.CALL_IDS, Loss.ARGS, Loss.APPROVAL_LINKS}
        | {Loss.PRELIMINARY, Loss.RESULT_TYPES, Loss.RESULT_OF_OLDEST, Loss.TOOL_ERRORS}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"paused"})
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset({"text", "reasoning", "tool"})

    def __init__(self) -> None:
        super().__init__()
        self._agent: str | None = None

    def message(self, item: Item) -> str:
        """Return an output as Agentor's server writes it: indented, with a line end."""
        return json.dumps(item, indent=2) + "\n"

    def frame(self, item: Item, number: int | str | None = None) -> bytes:
        """Return an output as bytes; the body has no framing, and no place for a number."""
        return self.message(item).encode()

    def _emit_output(self, kind: str, **fields: Any) -> None:
        empty = dict.fromkeys(("message", "chunk", "tool_action", "reasoning", "raw_event"))
        self.emit({"type": kind, **empty, **fields})

    def _emit_run_item(self, **fields: Any) -> None:
        self._emit_output("run_item_stream_event", **fields)

    def _emit_action(self, action: str, name: str, message: str | None = None) -> None:
        self._emit_run_item(message=message, tool_action={"name": name, "type": action})

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a chunk."""
        if delta:
            self._emit_output("raw_response_event", chunk=delta)

    def end_text(self, text: StreamedText) -> None:
        """Emit the whole message."""
        whole = text.final or text.streamed
        if whole:
            self._emit_run_item(message=whole)

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Emit the whole reasoning; its deltas are not sent."""
        whole = reasoning.final or reasoning.streamed
        if whole:
            self._emit_run_item(reasoning=whole)

    def start_call(self, call: StreamedCall) -> None:
        """Emit the tool's name; arguments are not sent."""
        self._emit_action("tool_called", call.name)

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a final result."""
        if call.answered:
            self._emit_action("tool_output", call.name, result_text(event))

    def other_event(self, event: ev.Event) -> None:
        """Emit approvals, and a change of the active agent."""
        match event:
            case ev.ApprovalRequest():
                self._emit_action("mcp_approval_requested", self._tool_name(event), event.prompt)
            case ev.ApprovalResponse():
                self._emit_action(
                    "mcp_approval_response",
                    self._tool_name(self.pending_approvals.get(event.approval_id)),
                )
            case ev.AgentHandoff():
                if self._agent is None:
                    self._emit_agent(event.from_)
                self._emit_agent(event.to)

    def _emit_agent(self, name: str | None) -> None:
        if name and name != self._agent:
            self._agent = name
            self._emit_output("agent_updated_stream_event", message=name)

    def _tool_name(self, request: ev.ApprovalRequest | None) -> str:
        return self.tool_of(request) or "approval"

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit an error as a message; the end has no item of its own."""
        if error is not None:
            self._emit_run_item(message=error.message)
