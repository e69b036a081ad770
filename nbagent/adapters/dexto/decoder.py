"""Dexto's event stream: `POST /api/message-stream` and `GET /api/sessions/{id}/events`.

The events: https://github.com/truffle-ai/dexto, packages/core/src/events (ea2b186). What an event is stands in `name`; its own
documentation says `type`, and both are read. Calls are `callId` in some events and `toolCallId` in others, counts are
`tokenUsage` where the documentation has `usage`. Partial calls carry the arguments so far, not what is new.

What it cannot say: which step something belongs to (every `llm:response` ends one), files, and hand-offs.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, get_field, get_str, nonempty_str, str_field, to_jsonable, token_count

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
_DECISIONS: dict[str, Literal["approve", "deny", "cancel"]] = {"approved": "approve", "denied": "deny", "cancelled": "cancel"}


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
        """Return True if the item's name, or its type, is of one of Dexto's families."""
        return _name_of(item) is not None

    def read(self, item: Any) -> None:
        """Read one event."""
        name = _name_of(item)
        payload = fields_or_empty(item)
        if isinstance(payload.get("event"), str) and "data" in payload:
            payload = fields_or_empty(payload["data"])
        self.builder.begin()
        match name:
            case "llm:thinking" | "run:start" | "session:title-updated":
                pass  # work has begun: these are no thoughts
            case "llm:chunk":
                self._chunk(payload)
            case "llm:tool-call-partial" | "llm:tool-call":
                self._call(payload, whole=name == "llm:tool-call")
            case "tool:running":
                block = self._block(payload)
                self.builder.write(ev.ToolProgress(id=block.id, **self.builder.envelope))
            case "llm:tool-result":
                self._result(payload)
            case "approval:request":
                self._ask(payload)
            case "approval:response":
                self._answer(payload)
            case "llm:response":
                self._response(payload)
            case "llm:error":
                self._error(payload)
            case "run:complete":
                self._complete(payload)
            case "service:event":
                self._service(payload)
            case _ if name in _STATUS:
                detail = str_field(payload, "reason") or str_field(payload, "message")
                message = _STATUS[name] + (f": {detail}" if detail else "")
                self.builder.status(message)
            case _:
                self.builder.raw(item, name)

    def _step(self, payload: Mapping[str, Any] | None = None) -> None:
        if not self.builder.in_step:
            self.builder.start_step(get_str(payload, "model"))

    # --- text and thoughts ----------------------------------------------------------------------------------------------

    def _chunk(self, payload: Mapping[str, Any]) -> None:
        self._step()
        content = str_field(payload, "content") or ""
        if payload.get("chunkType") == "reasoning":
            self._thought_step = self.builder.step
            self.builder.thought("thought", content)
        else:
            if content:
                self.builder.end_thought("thought")
            self.builder.text("text", content)

    def _response(self, payload: Mapping[str, Any]) -> None:
        """A response is whole; its text replaces the chunks, once."""
        self._step(payload)
        content, thought = str_field(payload, "content"), str_field(payload, "reasoning")
        if thought and self._thought_step != self.builder.step:
            self.builder.thought("thought", thought)
        self.builder.end_thought("thought", thought)
        if content:
            self.builder.start_text("text")
        self.builder.end_text("text", content)
        usage = _read_usage(payload.get("tokenUsage") or payload.get("usage"), payload.get("estimatedCost"))
        reason = str_field(payload, "finishReason")
        self.builder.end_step(reason, usage)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _block(self, payload: Mapping[str, Any]) -> Block:
        """The call that an event is about, started if it was not announced."""
        call_id = str_field(payload, "callId") or str_field(payload, "toolCallId")
        block = self._calls.get(call_id or "")
        if block is None:
            self._step()
            block = self.builder.start_tool(("call", call_id), str_field(payload, "toolName") or "tool", call_id=call_id)
            if call_id:
                self._calls[call_id] = block
        return block

    def _call(self, payload: Mapping[str, Any], *, whole: bool) -> None:
        known = self._calls.get(str_field(payload, "callId") or "")
        if known is not None and known.closed:  # an id that is used again
            self._calls.pop(known.call_id or "", None)
        block = self._block(payload)
        args = payload.get("args")
        if whole:
            self.builder.tool_args(block, args if isinstance(args, str) else None, args=None if isinstance(args, str) else args)

    def _result(self, payload: Mapping[str, Any]) -> None:
        block = self._block(payload)
        self.builder.tool_args(block)
        content = payload.get("rawResult")
        if content is None:
            parts = get_field(payload.get("sanitized"), "content")
            content = parts if parts is not None else payload.get("result")
        if payload.get("success") is False or payload.get("error"):
            denied = payload.get("approvalStatus") in ("rejected", "denied")
            error = payload.get("error")
            message = nonempty_str(error) or get_str(error, "message") or "the tool failed"
            self.builder.tool_result(
                block, content, status="denied" if denied else "error", error=ev.ErrorInfo(message=message)
            )
        else:
            self.builder.tool_result(block, content)

    # --- approvals ------------------------------------------------------------------------------------------------------

    def _ask(self, payload: Mapping[str, Any]) -> None:
        about = fields_or_empty(payload.get("metadata"))
        kind = str_field(payload, "approvalType") or str_field(payload, "type") or ""
        call_id = str_field(about, "toolCallId") or str_field(about, "callId")
        block = self._calls.get(call_id or "")
        schema = about.get("schema")
        words = ("message", "prompt", "title", "command", "toolName")
        prompt = next((text for key in words if (text := nonempty_str(about.get(key)))), None)
        builder = self.builder
        builder.write(
            ev.ApprovalRequest(
                approval_id=str_field(payload, "approvalId") or builder.mint("approval"),
                tool_id=block.id if block else None,
                kind="input" if kind in ("elicitation", "custom") else "tool",
                prompt=prompt,
                args=to_jsonable(about.get("args", about.get("command"))),
                schema=to_jsonable(schema) if isinstance(schema, Mapping) else None,
                **builder.envelope,
            )
        )

    def _answer(self, payload: Mapping[str, Any]) -> None:
        builder = self.builder
        builder.write(
            ev.ApprovalResponse(
                approval_id=str(payload.get("approvalId")),
                decision=_DECISIONS.get(str(payload.get("status")), "cancel"),
                value=to_jsonable(payload.get("data")),
                reason=str_field(payload, "reason") or str_field(payload, "message"),
                **builder.envelope,
            )
        )

    # --- the rest -------------------------------------------------------------------------------------------------------

    def _error(self, payload: Mapping[str, Any]) -> None:
        error = payload.get("error")
        message = nonempty_str(error) or get_str(error, "message") or ""
        call = self._calls.get(str_field(payload, "toolCallId") or "")
        if call is not None and not call.closed:
            self.builder.tool_result(call, None, status="error", error=ev.ErrorInfo(message=message or "the tool failed"))
        fatal = payload.get("recoverable") is not True and call is None
        self.fail(message, get_str(error, "code"), get_str(error, "name"), fatal=fatal)

    def _service(self, payload: Mapping[str, Any]) -> None:
        """What a sub-agent that a tool runs tells."""
        call = self._calls.get(str_field(payload, "toolCallId") or "")
        if call is not None:
            self.builder.progress(call, f"{payload.get('service')}: {payload.get('event')}")
        self.builder.write(
            ev.Custom(name=str_field(payload, "event") or "service:event", data=to_jsonable(payload), **self.builder.envelope)
        )

    def _complete(self, payload: Mapping[str, Any]) -> None:
        """The run is over; an error that was reported before says more than its finish reason."""
        reason = str_field(payload, "finishReason") or "unknown"
        error = payload.get("error")
        if reason == "error" or error:
            if error or self.stop_info.status != "failed":
                self.fail_with(error or "The run failed")
            self.stop_info = StopInfo("failed", reason, self.stop_info.code)
        elif reason == "cancelled":
            self.stop_info = StopInfo("cancelled", reason)
        elif reason == "max-steps":
            self.stop_info = StopInfo("max_steps", reason)
        elif reason in _CUT_SHORT:
            self.stop_info = StopInfo("incomplete", reason, reason)
        else:
            self.stop_info = StopInfo("completed", reason)


def _name_of(item: Any) -> str | None:
    """The event's name, wherever it stands."""
    for field in ("name", "type", "event"):
        name = get_field(item, field) if not isinstance(item, str) else None
        if isinstance(name, str) and name.startswith(_FAMILIES):
            return name
    return None


def _read_usage(payload: Any, cost: Any) -> ev.Usage | None:
    counts = fields_or_empty(payload)
    if not counts:
        return None
    names = {
        "input": "inputTokens",
        "output": "outputTokens",
        "total": "totalTokens",
        "reasoning": "reasoningTokens",
        "cache_read": "cacheReadTokens",
        "cache_write": "cacheWriteTokens",
    }
    found = {ours: token_count(counts.get(theirs)) for ours, theirs in names.items()}
    found_cost = float(cost) if isinstance(cost, int | float) else None
    return ev.Usage(**found, cost=found_cost)
