"""Agentor: what `stream_chat` gives as dicts, and what `stream_chat(serialize=True)` and `POST /chat` send.

Source: https://github.com/CelestoAI/agentor at 6fa8fa1, `agentor/output_text_formatter.py`. On the wire the objects follow each
other as JSON over many lines, without any framing, although the body calls itself an event stream. Its own server sends texts
whole; here they come in chunks first, which its clients know too.
"""

import json
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.overlaps import Kind
from nbagent.adapters.base.wording import said


class AgentorEncoder(BaseEncoder):
    """Events to Agentor's outputs.

    Lost on the way:

    - the model's name
    - token counts
    - the provider's own finish reason
    - how a run ended: it is complete if a message was its last word, else incomplete; an error is a message
    - whether a thought is a summary
    - that texts, or thoughts, are written at the same time: they come one after another
    - that a text or thought goes on after something else was said: it is two
    - signatures and encrypted thoughts
    - that a text is a refusal
    - the phase of a text
    - that a text is taken back: what was streamed stays
    - who runs a tool
    - titles of tools
    - ids of calls
    - arguments
    - the progress of a tool
    - preliminary results
    - results that are no text: they become their JSON
    - which of the open calls of a name a result answers: the oldest
    - that a tool failed: its message is its result
    - which call an approval is about, what it offers, and how it was answered
    - sub-agents
    - that something is part of a call or a sub-agent
    - who hands over, if it is not the one to whom was handed over before
    - sources
    - files
    - state
    - status lines
    - errors that do not end the run
    - events of the application's own
    - raw items
    """

    system: ClassVar[str] = "agentor"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        {
            Loss.MODEL,
            Loss.USAGE,
            Loss.FINISH,
            Loss.ENDING,
            Loss.THOUGHT_KINDS,
            Loss.SEALS,
            Loss.REFUSALS,
            Loss.PHASES,
            Loss.OVERLAPS,
            Loss.INTERRUPTIONS,
            Loss.TAKEN_BACK,
            Loss.TOOL_KINDS,
            Loss.TITLES,
            Loss.CALL_IDS,
            Loss.ARGS,
            Loss.OLDEST,
            Loss.PROGRESS,
            Loss.PRELIMINARY,
            Loss.RESULT_TYPES,
            Loss.TOOL_ERRORS,
            Loss.APPROVAL_GIST,
            Loss.AGENTS,
            Loss.NESTING,
            Loss.HANDOFF_FROM,
            Loss.SOURCES,
            Loss.FILES,
            Loss.STATE,
            Loss.STATUS,
            Loss.WARNINGS,
            Loss.CUSTOM,
            Loss.RAW,
        }
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "paused"})
    interrupts: ClassVar[frozenset[Kind] | None] = frozenset({"text", "thought", "call"})

    def message(self, item: Item) -> str:
        """An output as its server writes it."""
        return json.dumps(item, indent=2) + "\n"

    def frame(self, item: Item) -> bytes:
        """The same, without any framing."""
        return self.message(item).encode()

    def _send(self, kind: str, **fields: Any) -> None:
        nothing = dict.fromkeys(("message", "chunk", "tool_action", "reasoning", "raw_event"))
        self.put({"type": kind, **nothing, **fields})

    def __init__(self) -> None:
        super().__init__()
        self._agent: str | None = None

    def _item(self, **fields: Any) -> None:
        self._send("run_item_stream_event", **fields)

    def _act(self, action: str, name: str, message: str | None = None) -> None:
        self._item(message=message, tool_action={"name": name, "type": action})

    def text(self, text: Text, delta: str) -> None:
        """More of a message."""
        if delta:
            self._send("raw_response_event", chunk=delta)

    def end_text(self, text: Text) -> None:
        """The message, whole."""
        whole = text.final or text.streamed
        if whole:
            self._item(message=whole)

    def end_thought(self, thought: Text, event: ev.ReasoningEnd) -> None:
        """A thought comes whole."""
        whole = thought.final or thought.streamed
        if whole:
            self._item(reasoning=whole)

    def start_call(self, call: Call) -> None:
        """A tool is called; with what is not said."""
        self._act("tool_called", call.name)

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned."""
        if call.answered:
            self._act("tool_output", call.name, said(event))

    def other(self, event: ev.Event) -> None:
        """Approvals, and who speaks from now on."""
        match event:
            case ev.ApprovalRequest():
                self._act("mcp_approval_requested", self._about(event), event.prompt)
            case ev.ApprovalResponse():
                self._act("mcp_approval_response", self._about(self.waiting.get(event.approval_id)))
            case ev.AgentHandoff():
                for agent in (event.from_ if self._agent is None else None, event.to):
                    if agent and agent != self._agent:
                        self._agent = agent
                        self._send("agent_updated_stream_event", message=agent)
            case _:
                pass

    def _about(self, request: ev.ApprovalRequest | None) -> str:
        call = self.calls.get(request.tool_id or "") if request is not None else None
        return "approval" if call is None else call.name

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The last message is the end, and an error is a message."""
        if error is not None:
            self._item(message=error.message)
