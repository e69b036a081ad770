"""AG-UI 1.0: the events that CopilotKit and other front ends of that protocol read.

The format: https://docs.ag-ui.com/concepts/events and `ag_ui.core` of `ag-ui-protocol` 1.0.0.
"""

from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.wording import known, said

_COUNTS = {
    "inputTokens": "input",
    "outputTokens": "output",
    "totalTokens": "total",
    "reasoningTokens": "reasoning",
    "cachedInputTokens": "cache_read",
    "cacheWriteInputTokens": "cache_write",
}
_REASONS = {"tool": "tool_approval", "input": "input_required", "auth": "auth_required"}


class AguiEncoder(BaseEncoder):
    """Events to the events of AG-UI.

    Lost on the way:

    - the model's name
    - what the run cost
    - the provider's own finish reason
    - how a run ended that is neither complete nor failed: it fails, and says why
    - whether a thought is a summary
    - whether what a provider wants back with a thought is its signature or its encrypted form: it is one of them
    - that a text is a refusal
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - that a thought is replaced at its end: what was streamed stays
    - who runs a tool
    - titles of tools
    - arguments whose text is not their JSON: they are what a reader makes of the text
    - that a call has no whole arguments: it has what was written
    - that arguments are replaced at their end: what was streamed stays
    - the progress of a tool
    - preliminary results
    - results that are no text: they become their JSON
    - that a tool failed: its message is its result
    - requests for approval that were answered, or that the run does not wait for
    - arguments and options of a request for approval
    - that a request is about signing in: it asks for input
    - how a sub-agent ended
    - that anything but a sub-agent is part of a call
    - hand-offs
    - sources
    - files
    - status lines
    - errors that do not end the run
    - the type of an error
    """

    system: ClassVar[str] = "ag_ui"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.MODEL,
            Loss.COST,
            Loss.FINISH,
            Loss.ENDS,
            Loss.THOUGHT_KINDS,
            Loss.ONE_SEAL,
            Loss.REFUSALS,
            Loss.PHASES,
            Loss.REPLACED,
            Loss.REPLACED_THOUGHTS,
            Loss.TOOL_KINDS,
            Loss.TITLES,
            Loss.TEXT_ARGS,
            Loss.UNFINISHED,
            Loss.REPLACED_ARGS,
            Loss.PROGRESS,
            Loss.PRELIMINARY,
            Loss.RESULT_TYPES,
            Loss.TOOL_ERRORS,
            Loss.ANSWERED_APPROVALS,
            Loss.APPROVAL_ARGS,
            Loss.SIGN_IN,
            Loss.AGENT_STATUS,
            Loss.NESTING_IN_CALLS,
            Loss.HANDOFFS,
            Loss.SOURCES,
            Loss.FILES,
            Loss.STATUS,
            Loss.WARNINGS,
            Loss.ERROR_TYPES,
        }
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "cancelled", "paused"})

    def __init__(self) -> None:
        super().__init__()
        self._agents: dict[str, ev.AgentStart] = {}
        self._step: dict[str, Any] | None = None
        self._steps = 0
        self._span: tuple[str, str | None] | None = None  # id and agent of the span that all open thoughts are in
        self._thinking = 0

    def _send(self, kind: str, parent: str | None, **fields: Any) -> None:
        """Send an event; what a sub-agent says carries its run's id."""
        item = {"type": kind, **fields}
        if parent in self._agents:
            item["subagentRunId"] = parent
        self.put(item)

    # --- run and steps --------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The run starts."""
        self._send("RUN_STARTED", None, **self._ids(), protocolVersion="1.0")

    def _ids(self) -> dict[str, str]:
        return {"threadId": self.run.thread_id or self.run_id, "runId": self.run_id}

    def start_step(self, event: ev.StepStart) -> None:
        """A model response begins; its name has to be its own."""
        self._steps += 1
        self._send("STEP_STARTED", None, stepName=event.name or f"step {self._steps}")
        self._step = {"stepName": event.name or f"step {self._steps}"}

    def end_step(self, event: ev.StepEnd) -> None:
        """A model response is over."""
        self._send("STEP_FINISHED", None, **(self._step or {}))

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The run is over, with everything that is open; requests that nobody answered are what it waits for."""
        for call in self.unanswered():
            if call.args is None:
                self._send("TOOL_CALL_END", call.start.parent_id, toolCallId=call.call_id)
        for agent in reversed(list(self._agents.values())):
            self._end_agent(ev.AgentEnd(id=agent.id, status="failed" if error else end.status))
        usage = {"usage": [self._counted(self.usage)]} if self.usage is not None else {}
        if error is not None:
            self._send("RUN_ERROR", None, message=error.message, **known(code=error.code), **usage)
            return
        outcome: dict[str, Any] = {"type": "success"}
        if end.status == "cancelled":
            outcome = {"type": "cancelled"}
        elif end.status == "paused":
            asked = [self._asked(request) for request in self.waiting.values()]
            outcome = {"type": "interrupt", "interrupts": asked or [{"id": self.mint("interrupt"), "reason": "paused"}]}
        self._send("RUN_FINISHED", None, **self._ids(), outcome=outcome, **usage)

    def _counted(self, usage: ev.Usage) -> dict[str, Any]:
        return known(model=self.model, **{theirs: getattr(usage, ours) for theirs, ours in _COUNTS.items()})

    def _asked(self, request: ev.ApprovalRequest) -> dict[str, Any]:
        call = self.calls.get(request.tool_id or "")
        return known(
            id=request.approval_id,
            reason=_REASONS[request.kind],
            message=request.prompt,
            toolCallId=call.call_id if call is not None else None,
            responseSchema=request.schema,
        )

    # --- text and thoughts ----------------------------------------------------------------------------------------------

    def start_text(self, text: Text) -> None:
        """A message begins."""
        self._send("TEXT_MESSAGE_START", text.start.parent_id, messageId=text.id, role="assistant")

    def text(self, text: Text, delta: str) -> None:
        """More of a message; the protocol allows no empty piece."""
        if delta:
            self._send("TEXT_MESSAGE_CONTENT", text.start.parent_id, messageId=text.id, delta=delta)

    def end_text(self, text: Text) -> None:
        """A message is whole."""
        self._send("TEXT_MESSAGE_END", text.start.parent_id, messageId=text.id)

    def start_thought(self, thought: Text) -> None:
        """A thought begins. Thoughts that overlap share one span."""
        parent = thought.start.parent_id
        self._thinking += 1
        if self._span is None:
            self._span = (thought.id, parent)
            self._send("REASONING_START", parent, messageId=thought.id)
        self._send("REASONING_MESSAGE_START", parent, messageId=thought.id, role="reasoning")

    def thought(self, thought: Text, delta: str) -> None:
        """More of a thought."""
        if delta:
            self._send("REASONING_MESSAGE_CONTENT", thought.start.parent_id, messageId=thought.id, delta=delta)

    def end_thought(self, thought: Text, event: ev.ReasoningEnd) -> None:
        """A thought is whole; the opaque part that its provider wants back belongs to it."""
        parent = thought.start.parent_id
        opaque = event.encrypted or event.signature
        self._send("REASONING_MESSAGE_END", parent, messageId=thought.id)
        if opaque:
            about = {"subtype": "message", "entityId": thought.id}
            self._send("REASONING_ENCRYPTED_VALUE", parent, **about, encryptedValue=opaque)
        self._thinking -= 1
        if self._span is not None and not self._thinking:
            span, self._span = self._span, None
            self._send("REASONING_END", span[1], messageId=span[0])

    # --- tools ----------------------------------------------------------------------------------------------------------

    def start_call(self, call: Call) -> None:
        """A tool call begins."""
        self._send("TOOL_CALL_START", call.start.parent_id, toolCallId=call.call_id, toolCallName=call.name)

    def call_delta(self, call: Call, delta: str) -> None:
        """More of the arguments' text."""
        if delta:
            self._send("TOOL_CALL_ARGS", call.start.parent_id, toolCallId=call.call_id, delta=delta)

    def end_args(self, call: Call) -> None:
        """The arguments are whole."""
        self._send("TOOL_CALL_END", call.start.parent_id, toolCallId=call.call_id)

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned, which is a message of its own."""
        if not call.answered:
            return
        parent = call.start.parent_id
        if call.args is None:  # the result is here, so the arguments are no longer on their way
            self._send("TOOL_CALL_END", parent, toolCallId=call.call_id)
        about = {"messageId": f"{call.call_id}-result", "toolCallId": call.call_id}
        self._send("TOOL_CALL_RESULT", parent, **about, content=said(event), role="tool")

    # --- the rest -------------------------------------------------------------------------------------------------------

    def other(self, event: ev.Event) -> None:
        """Sub-agents, state, the application's own events, raw items."""
        match event:
            case ev.AgentStart():
                self._start_agent(event)
            case ev.AgentEnd():
                self._end_agent(event)
            case ev.State(patch=list(patch), snapshot=None):
                self._send("STATE_DELTA", event.parent_id, delta=patch)
            case ev.State():
                self._send("STATE_SNAPSHOT", event.parent_id, snapshot=event.snapshot)
            case ev.Custom():
                self._send("CUSTOM", event.parent_id, name=event.name, value=event.data)
            case ev.Raw():
                self._send("RAW", event.parent_id, event=event.data, **known(source=event.name))
            case _:
                pass

    def _start_agent(self, event: ev.AgentStart) -> None:
        call = self.calls.get(event.tool_id or event.parent_id or "")
        optional = known(
            parentSubagentRunId=event.parent_id if event.parent_id in self._agents else None,
            parentToolCallId=call.call_id if call is not None else None,
        )
        self._send("SUBAGENT_STARTED", None, subagentRunId=event.id, name=event.name, **optional)
        self._agents[event.id] = event

    def _end_agent(self, event: ev.AgentEnd) -> None:
        if self._agents.pop(event.id, None) is None:
            return
        if event.status in ("completed", "paused"):
            self._send("SUBAGENT_FINISHED", None, subagentRunId=event.id)
        else:
            message = f"The sub-agent's run ended: {event.status}"
            self._send("SUBAGENT_ERROR", None, subagentRunId=event.id, message=message, code=event.status)
