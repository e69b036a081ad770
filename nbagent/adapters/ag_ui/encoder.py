"""Encoder for AG-UI 1.0, the protocol of CopilotKit and other front ends.

Source: https://docs.ag-ui.com/concepts/events and `ag_ui.core` of `ag-ui-protocol` 1.0.0.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.ag_ui.vocabulary import TOKEN_FIELDS
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import UI_PROTOCOL, Loss
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import result_text, token_counts, without_none

_INTERRUPT_REASONS = {
    "tool": "tool_approval",
    "input": "input_required",
    "auth": "auth_required",
    "stop": "breakpoint",
}


class AguiEncoder(BaseEncoder):
    """Encodes events as the events of AG-UI."""

    system: ClassVar[str] = "ag_ui"
    loses: ClassVar[frozenset[Loss]] = (
        UI_PROTOCOL - {Loss.AGENTS, Loss.NESTING, Loss.RAW}
        | {Loss.TOOL_TITLES, Loss.PARSED_ARGS, Loss.UNFINISHED_ARGS, Loss.REPLACED_ARGS}
        | {Loss.PRELIMINARY, Loss.RESULT_TYPES, Loss.TOOL_ERRORS}
        | {Loss.ANSWERED_APPROVALS, Loss.APPROVAL_ARGS, Loss.APPROVAL_MEMORY, Loss.SIGN_IN}
        | {Loss.AGENT_STATUS, Loss.NESTING_IN_CALLS, Loss.SOURCES, Loss.FILES}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"cancelled", "paused"})

    def __init__(self) -> None:
        super().__init__()
        self._open_agents: dict[str, ev.AgentStart] = {}
        self._step_name = ""
        self._step_count = 0
        self._reasoning_span: tuple[str, str | None] | None = (
            None  # message id and parent of the span with all open reasoning
        )
        self._open_reasoning = 0

    def _emit_event(self, kind: str, parent_id: str | None, **fields: Any) -> None:
        """Emit an event; one of a sub-agent carries the id of its run."""
        item = {"type": kind, **fields}
        if parent_id in self._open_agents:
            item["subagentRunId"] = parent_id
        self.emit(item)

    # --- run and steps ---

    def start_run(self) -> None:
        """Emit the start of the run."""
        self._emit_event("RUN_STARTED", None, **self._ids(), protocolVersion="1.0")

    def _ids(self) -> dict[str, str]:
        return {"threadId": self.run_start.thread_id or self.run_id, "runId": self.run_id}

    def start_step(self, event: ev.StepStart) -> None:
        """Emit the start of a step, under a name that no other open step has."""
        self._step_count += 1
        self._step_name = event.name or f"step {self._step_count}"
        self._emit_event("STEP_STARTED", None, stepName=self._step_name)

    def end_step(self, event: ev.StepEnd) -> None:
        """Emit the end of the step."""
        self._emit_event("STEP_FINISHED", None, stepName=self._step_name)

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the ends of open calls and sub-agents, and of the run.

        Pending approvals are the interrupts of a paused run.
        """
        self._end_open_args()
        for agent in reversed(list(self._open_agents.values())):
            self._end_agent(ev.AgentEnd(id=agent.id, status="failed" if error else end.status))
        if self.usage is not None:
            usage = {"usage": [self._usage_entry(self.usage)]}
        else:
            usage = {}
        if error is not None:
            self._emit_event(
                "RUN_ERROR", None, message=error.message, **without_none(code=error.code), **usage
            )
            return
        outcome: dict[str, Any] = {"type": "success"}
        if end.status == "cancelled":
            outcome = {"type": "cancelled"}
        elif end.code == ev.CLIENT_CALLS:
            waiting = [call.call_id for call in self.open_calls() if call.start.kind == "client"]
            outcome = {"type": "success", "pendingToolCallIds": waiting}
        elif end.status == "paused":
            pending = [self.interrupt(request) for request in self.pending_approvals.values()]
            outcome = {
                "type": "interrupt",
                "interrupts": pending or [{"id": self.new_id("interrupt"), "reason": "paused"}],
            }
        self._emit_event("RUN_FINISHED", None, **self._ids(), outcome=outcome, **usage)

    def _end_open_args(self) -> None:
        for call in self.open_calls():
            if call.final_args is None:
                self._emit_event("TOOL_CALL_END", call.start.parent_id, toolCallId=call.call_id)

    def suspend(self, interrupt: dict[str, Any]) -> None:
        """Emit the end of a run that is interrupted, and of all that is open in it.

        Args:
            interrupt: what it waits for.
        """
        self._end_open_args()
        for text in self._texts.values():
            self.end_text(text)
        for reasoning in self._reasoning.values():
            ids = {"messageId": reasoning.id}
            self._emit_event("REASONING_MESSAGE_END", reasoning.start.parent_id, **ids)
        if self._reasoning_span is not None:
            span_id, parent_id = self._reasoning_span
            self._emit_event("REASONING_END", parent_id, messageId=span_id)
        if self._in_step:
            self._emit_event("STEP_FINISHED", None, stepName=self._step_name)
        suspended = {"type": "suspended", "interruptIds": [interrupt["id"]]}
        for agent_id in reversed(list(self._open_agents)):
            self._emit_event("SUBAGENT_FINISHED", None, subagentRunId=agent_id, outcome=suspended)
        outcome = {"type": "interrupt", "interrupts": [interrupt]}
        self._emit_event("RUN_FINISHED", None, **self._ids(), outcome=outcome)

    def go_on(self) -> None:
        """Emit the start of the run that goes on after an interrupted one, and of all that was
        open in that one.
        """
        self.start_run()
        for agent in self._open_agents.values():
            self._emit_agent_start(agent)
        if self._in_step:
            self._emit_event("STEP_STARTED", None, stepName=self._step_name)
        if self._reasoning_span is not None:
            span_id, parent_id = self._reasoning_span
            self._emit_event("REASONING_START", parent_id, messageId=span_id)
        for reasoning in self._reasoning.values():
            ids = {"messageId": reasoning.id, "role": "reasoning"}
            self._emit_event("REASONING_MESSAGE_START", reasoning.start.parent_id, **ids)
        for text in self._texts.values():
            self.start_text(text)
        for call in self.open_calls():
            if call.final_args is None:
                self.start_call(call)

    def _usage_entry(self, usage: ev.Usage) -> dict[str, Any]:
        return {**without_none(model=self.model), **token_counts(usage, TOKEN_FIELDS)}

    def interrupt(self, request: ev.ApprovalRequest) -> dict[str, Any]:
        """Return a question as an interrupt."""
        call = self.call_of(request)
        return without_none(
            id=request.approval_id,
            reason=_INTERRUPT_REASONS[request.kind],
            message=request.prompt,
            toolCallId=call.call_id if call is not None else None,
            responseSchema=request.schema,
        )

    # --- text and reasoning ---

    def start_text(self, text: StreamedText) -> None:
        """Emit the start of a message."""
        self._emit_event(
            "TEXT_MESSAGE_START", text.start.parent_id, messageId=text.id, role="assistant"
        )

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a delta of a message; the protocol forbids empty ones."""
        if delta:
            self._emit_event(
                "TEXT_MESSAGE_CONTENT", text.start.parent_id, messageId=text.id, delta=delta
            )

    def end_text(self, text: StreamedText) -> None:
        """Emit the end of a message."""
        self._emit_event("TEXT_MESSAGE_END", text.start.parent_id, messageId=text.id)

    def start_reasoning(self, reasoning: StreamedText) -> None:
        """Emit the start of a reasoning message, and of the span that it shares with those that
        overlap it.
        """
        parent_id = reasoning.start.parent_id
        self._open_reasoning += 1
        if self._reasoning_span is None:
            self._reasoning_span = (reasoning.id, parent_id)
            self._emit_event("REASONING_START", parent_id, messageId=reasoning.id)
        self._emit_event(
            "REASONING_MESSAGE_START", parent_id, messageId=reasoning.id, role="reasoning"
        )

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Emit a delta of a reasoning message; the protocol forbids empty ones."""
        if delta:
            self._emit_event(
                "REASONING_MESSAGE_CONTENT",
                reasoning.start.parent_id,
                messageId=reasoning.id,
                delta=delta,
            )

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Emit the end of a reasoning message, its opaque data, and the end of a span in which no
        other is open.
        """
        parent_id = reasoning.start.parent_id
        opaque = event.encrypted or event.signature
        self._emit_event("REASONING_MESSAGE_END", parent_id, messageId=reasoning.id)
        if opaque:
            entity = {"subtype": "message", "entityId": reasoning.id}
            self._emit_event(
                "REASONING_ENCRYPTED_VALUE", parent_id, **entity, encryptedValue=opaque
            )
        self._open_reasoning -= 1
        if self._reasoning_span is not None and not self._open_reasoning:
            (span_id, span_parent_id), self._reasoning_span = self._reasoning_span, None
            self._emit_event("REASONING_END", span_parent_id, messageId=span_id)

    # --- tool calls ---

    def start_call(self, call: StreamedCall) -> None:
        """Emit the start of a call."""
        self._emit_event(
            "TOOL_CALL_START", call.start.parent_id, toolCallId=call.call_id, toolCallName=call.name
        )

    def args_delta(self, call: StreamedCall, delta: str) -> None:
        """Emit a delta of the arguments; the protocol forbids empty ones."""
        if delta:
            self._emit_event(
                "TOOL_CALL_ARGS", call.start.parent_id, toolCallId=call.call_id, delta=delta
            )

    def end_args(self, call: StreamedCall) -> None:
        """Emit the end of the arguments."""
        self._emit_event("TOOL_CALL_END", call.start.parent_id, toolCallId=call.call_id)

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a final result, which is a message of its own."""
        if not call.answered:
            return
        parent_id = call.start.parent_id
        if call.final_args is None:  # no arguments follow a result, but clients wait for their end
            self._emit_event("TOOL_CALL_END", parent_id, toolCallId=call.call_id)
        ids = {"messageId": f"{call.call_id}-result", "toolCallId": call.call_id}
        self._emit_event(
            "TOOL_CALL_RESULT", parent_id, **ids, content=result_text(event), role="tool"
        )

    # --- other events ---

    def other_event(self, event: ev.Event) -> None:
        """Emit sub-agents, state, custom events and raw items."""
        match event:
            case ev.AgentStart():
                self._start_agent(event)
            case ev.AgentEnd():
                self._end_agent(event)
            case ev.State(patch=list(patch), snapshot=None):
                self._emit_event("STATE_DELTA", event.parent_id, delta=patch)
            case ev.State():
                self._emit_event("STATE_SNAPSHOT", event.parent_id, snapshot=event.snapshot)
            case ev.Custom():
                self._emit_event("CUSTOM", event.parent_id, name=event.name, value=event.data)
            case ev.Raw():
                self._emit_event(
                    "RAW", event.parent_id, event=event.data, **without_none(source=event.name)
                )

    def _start_agent(self, event: ev.AgentStart) -> None:
        if event.id in self._open_agents:  # it has another name now, which the protocol cannot say
            return
        self._emit_agent_start(event)
        self._open_agents[event.id] = event

    def _emit_agent_start(self, event: ev.AgentStart) -> None:
        call = self.calls.get(event.tool_id or event.parent_id or "")
        parents = without_none(
            parentSubagentRunId=event.parent_id if event.parent_id in self._open_agents else None,
            parentToolCallId=call.call_id if call is not None else None,
        )
        self._emit_event(
            "SUBAGENT_STARTED", None, subagentRunId=event.id, name=event.name, **parents
        )

    def _end_agent(self, event: ev.AgentEnd) -> None:
        if self._open_agents.pop(event.id, None) is None:
            return
        if event.status in ("completed", "paused"):
            self._emit_event("SUBAGENT_FINISHED", None, subagentRunId=event.id)
        else:
            message = f"The sub-agent's run ended: {event.status}"
            self._emit_event(
                "SUBAGENT_ERROR", None, subagentRunId=event.id, message=message, code=event.status
            )
