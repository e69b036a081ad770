"""Dexto's event stream: `POST /api/message-stream` and `GET /api/sessions/{id}/events`.

The events: https://github.com/truffle-ai/dexto, packages/core/src/events (ea2b186). What an event is stands in `name`; its own
documentation says `type`, and both are read. Calls are `callId` in some events and `toolCallId` in others, counts are
`tokenUsage` where the documentation has `usage`. Partial calls carry the arguments so far, not what is new.

What it cannot say: which step something belongs to (every `llm:response` ends one), files, and hand-offs.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import BaseDecoder, Verdict
from nbagent.adapters.base.fields import count, fields_or_none, look, plain, string
from nbagent.adapters.dexto.vocabulary import DECISIONS, TOKEN_FIELDS

_FAMILIES = (
    "llm:",
    "tool:",
    "approval:",
    "run:",
    "context:",
    "message:",
    "session:",
    "service:",
    "interaction:",
    "state:",
    "mcp:",
    "dexto:",
    "hook:",
    "todo:",
)
_STATUS = {
    "llm:retrying": "Trying again…",
    "llm:unsupported-input": "The model does not take this kind of input",
    "interaction:blocked": "Blocked",
    "context:compacting": "Compacting the conversation…",
    "context:compacted": "The conversation was compacted",
    "context:pruned": "Old tool results were dropped from the context",
    "message:queued": "Queued",
    "message:dequeued": "Taken from the queue",
}
_CUT_SHORT = {"length", "content-filter", "other", "unknown"}


class DextoDecoder(BaseDecoder):
    """Dexto's events to events."""

    system: ClassVar[str] = "dexto"
    reads_frames: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._thought_step = 0  # the last one that had thoughts: a whole response repeats them

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item's name, or its type, is of one of Dexto's families."""
        return _name_of(item) is not None

    def read(self, item: Any) -> None:
        """One event."""
        name = _name_of(item)
        said = fields_or_none(item)
        if isinstance(said.get("event"), str) and "data" in said:
            said = fields_or_none(said["data"])
        self.book.begin()
        match name:
            case "llm:thinking" | "run:start" | "session:title-updated":
                pass  # work has begun: these are no thoughts
            case "llm:chunk":
                self._chunk(said)
            case "llm:tool-call-partial" | "llm:tool-call":
                self._call(said, whole=name == "llm:tool-call")
            case "tool:running":
                block = self._block(said)
                self.book.write(ev.ToolProgress(id=block.id, **self.book.stamp))
            case "llm:tool-result":
                self._result(said)
            case "approval:request":
                self._ask(said)
            case "approval:response":
                self._answer(said)
            case "llm:response":
                self._response(said)
            case "llm:error":
                self._error(said)
            case "run:complete":
                self._complete(said)
            case "service:event":
                self._service(said)
            case _ if name in _STATUS:
                detail = string(said.get("reason")) or string(said.get("message"))
                message = _STATUS[name] + (f": {detail}" if detail else "")
                self.book.write(ev.Status(message=message, **self.book.stamp))
            case _:
                self.book.raw(item, name)

    def _step(self, said: Mapping[str, Any] | None = None) -> None:
        if not self.book.in_step:
            self.book.start_step(string(look(said, "model")))

    # --- text and thoughts ----------------------------------------------------------------------------------------------

    def _chunk(self, said: Mapping[str, Any]) -> None:
        self._step()
        content = string(said.get("content")) or ""
        if said.get("chunkType") == "reasoning":
            self._thought_step = self.book.step
            self.book.thought("thought", content)
        else:
            if content:
                self.book.end_thought("thought")
            self.book.text("text", content)

    def _response(self, said: Mapping[str, Any]) -> None:
        """A response is whole; its text replaces the chunks, once."""
        self._step(said)
        content, thought = string(said.get("content")), string(said.get("reasoning"))
        if thought and self._thought_step != self.book.step:
            self.book.thought("thought", thought)
        self.book.end_thought("thought", thought)
        if content:
            self.book.start_text("text")
        self.book.end_text("text", content)
        usage = _usage_of(said.get("tokenUsage") or said.get("usage"), said.get("estimatedCost"))
        reason = string(said.get("finishReason"))
        self.book.end_step(reason, usage)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _block(self, said: Mapping[str, Any]) -> Block:
        """The call that an event is about, started if it was not announced."""
        call_id = string(said.get("callId")) or string(said.get("toolCallId"))
        block = self._calls.get(call_id or "")
        if block is None:
            self._step()
            block = self.book.start_tool(("call", call_id), string(said.get("toolName")) or "tool", call_id=call_id)
            if call_id:
                self._calls[call_id] = block
        return block

    def _call(self, said: Mapping[str, Any], *, whole: bool) -> None:
        known = self._calls.get(string(said.get("callId")) or "")
        if known is not None and known.closed:  # an id that is used again
            self._calls.pop(known.call_id or "", None)
        block = self._block(said)
        args = said.get("args")
        if whole:
            self.book.tool_args(block, args if isinstance(args, str) else None, args=None if isinstance(args, str) else args)

    def _result(self, said: Mapping[str, Any]) -> None:
        block = self._block(said)
        self.book.tool_args(block)
        content = said.get("rawResult")
        if content is None:
            parts = look(said.get("sanitized"), "content")
            content = parts if parts is not None else said.get("result")
        if said.get("success") is False or said.get("error"):
            denied = said.get("approvalStatus") in ("rejected", "denied")
            error = said.get("error")
            message = string(error) or string(look(error, "message")) or "the tool failed"
            self.book.tool_result(block, content, status="denied" if denied else "error", error=ev.ErrorInfo(message=message))
        else:
            self.book.tool_result(block, content)

    # --- approvals ------------------------------------------------------------------------------------------------------

    def _ask(self, said: Mapping[str, Any]) -> None:
        about = fields_or_none(said.get("metadata"))
        kind = string(said.get("approvalType")) or string(said.get("type")) or ""
        call_id = string(about.get("toolCallId")) or string(about.get("callId"))
        block = self._calls.get(call_id or "")
        schema = about.get("schema")
        words = ("message", "prompt", "title", "command", "toolName")
        prompt = next((text for key in words if (text := string(about.get(key)))), None)
        book = self.book
        book.write(
            ev.ApprovalRequest(
                approval_id=string(said.get("approvalId")) or book.mint("approval"),
                tool_id=block.id if block else None,
                kind="input" if kind in ("elicitation", "custom") else "tool",
                prompt=prompt,
                args=plain(about.get("args", about.get("command"))),
                schema=plain(schema) if isinstance(schema, Mapping) else None,
                **book.stamp,
            )
        )

    def _answer(self, said: Mapping[str, Any]) -> None:
        book = self.book
        book.write(
            ev.ApprovalResponse(
                approval_id=str(said.get("approvalId")),
                decision=DECISIONS.get(str(said.get("status")), "cancel"),
                value=plain(said.get("data")),
                reason=string(said.get("reason")) or string(said.get("message")),
                **book.stamp,
            )
        )

    # --- the rest -------------------------------------------------------------------------------------------------------

    def _error(self, said: Mapping[str, Any]) -> None:
        error = said.get("error")
        message = string(error) or string(look(error, "message")) or ""
        call = self._calls.get(string(said.get("toolCallId")) or "")
        if call is not None and not call.closed:
            self.book.tool_result(call, None, status="error", error=ev.ErrorInfo(message=message or "the tool failed"))
        fatal = said.get("recoverable") is not True and call is None
        self.fail(message, string(look(error, "code")), string(look(error, "name")), fatal=fatal)

    def _service(self, said: Mapping[str, Any]) -> None:
        """What a sub-agent that a tool runs tells."""
        call = self._calls.get(string(said.get("toolCallId")) or "")
        if call is not None:
            self.book.progress(call, f"{said.get('service')}: {said.get('event')}")
        self.book.write(ev.Custom(name=string(said.get("event")) or "service:event", data=plain(said), **self.book.stamp))

    def _complete(self, said: Mapping[str, Any]) -> None:
        """The run is over; an error that was reported before says more than its finish reason."""
        reason = string(said.get("finishReason")) or "unknown"
        error = said.get("error")
        if reason == "error" or error:
            if error or self.verdict.status != "failed":
                self.fail_with(error or "The run failed")
            self.verdict = Verdict("failed", reason, self.verdict.code)
        elif reason == "cancelled":
            self.verdict = Verdict("cancelled", reason)
        elif reason == "max-steps":
            self.verdict = Verdict("max_steps", reason)
        elif reason in _CUT_SHORT:
            self.verdict = Verdict("incomplete", reason, reason)
        else:
            self.verdict = Verdict("completed", reason)


def _name_of(item: Any) -> str | None:
    """The event's name, wherever it stands."""
    for field in ("name", "type", "event"):
        name = look(item, field) if not isinstance(item, str) else None
        if isinstance(name, str) and name.startswith(_FAMILIES):
            return name
    return None


def _usage_of(said: Any, cost: Any) -> ev.Usage | None:
    counts = fields_or_none(said)
    if not counts:
        return None
    found = {ours: count(counts.get(theirs)) for ours, theirs in TOKEN_FIELDS.items()}
    found_cost = float(cost) if isinstance(cost, int | float) else None
    return ev.Usage(**found, cost=found_cost)
