"""Decoder of Dexto's event stream: `POST /api/message-stream` and `GET /api/sessions/{id}/events`.

Format: https://github.com/truffle-ai/dexto, packages/core/src/events (ea2b186). The event's name is
in `name`, or in `type` as its documentation says. A call's id is `callId` in some events and
`toolCallId` in others. Token counts are in `tokenUsage`, or in `usage` as documented. Partial calls
carry the arguments so far, not deltas.

`llm:response` is the last event of the documentation, whose calls have no ids either: a response
that leaves no call unanswered completes the run. A server sends `run:complete` after it, which then
decides.

The format has no steps (every `llm:response` ends one), files or hand-offs.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    fields_or_empty,
    get_field,
    get_str,
    list_or_empty,
    nonempty_str,
    number_or_none,
    schema_or_none,
    str_field,
    to_jsonable,
    token_count,
)
from nbagent.adapters.base.payload import frame_of
from nbagent.adapters.dexto.vocabulary import DECISIONS, TOKEN_FIELDS
from nbagent.events.growing_text import GrowingText

_EVENT_PREFIXES = (
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
_STATUS_MESSAGES = {
    "llm:retrying": "Trying again…",
    "llm:unsupported-input": "The model does not take this kind of input",
    "context:compacting": "Compacting the conversation…",
    "context:compacted": "The conversation was compacted",
    "context:pruned": "Old tool results were dropped from the context",
    "message:queued": "Queued",
    "message:dequeued": "Taken from the queue",
}
# `llm:thinking` only announces the model call: it has no text
_IGNORED = {"llm:thinking", "run:start", "session:title-updated"}
_CUT_SHORT = {"length", "content-filter", "other", "unknown"}
_CONTENT_EVENTS = {
    "llm:thinking",
    "llm:chunk",
    "llm:tool-call-partial",
    "llm:tool-call",
    "tool:running",
    "llm:tool-result",
}


class DextoDecoder(BaseDecoder):
    """Decoder of Dexto's events."""

    system: ClassVar[str] = "dexto"
    reads_frames: ClassVar[bool] = True
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._texts: list[GrowingText] = []  # of this response, one for each block
        self._calls: dict[str, Block] = {}
        self._reasoning_step = 0  # last step with streamed reasoning: `llm:response` repeats them

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item's name or type has one of Dexto's prefixes."""
        return _event_name(item) is not None

    def read(self, item: Any) -> None:
        """Read one event."""
        name = _event_name(item) or ("llm:error" if frame_of(item).name == "error" else None)
        payload = fields_or_empty(item)
        if isinstance(payload.get("event"), str) and "data" in payload:
            payload = fields_or_empty(payload["data"])
        self._begin(name, payload)
        reader = _READERS.get(name or "")
        if reader is not None:
            reader(self, payload)
        elif name in _STATUS_MESSAGES:
            self._status(_STATUS_MESSAGES[name], payload)
        elif name not in _IGNORED:
            self.builder.raw(item, name)

    def _begin(self, name: str | None, payload: Mapping[str, Any]) -> None:
        self.builder.begin(thread_id=str_field(payload, "sessionId"))
        if name in _CONTENT_EVENTS:
            self.expect_more()  # another response follows

    def _ensure_step(self, payload: Mapping[str, Any] | None = None) -> None:
        self.builder.need_step(get_str(payload, "model"))

    # --- text and reasoning ---

    def _chunk(self, payload: Mapping[str, Any]) -> None:
        self._ensure_step()
        content = str_field(payload, "content", default="")
        if payload.get("chunkType") == "reasoning":
            self._reasoning_step = self.builder.step
            self.builder.reasoning("reasoning", content)
        else:
            if content:
                self.builder.end_reasoning("reasoning")
                if self.builder.text_id("text") is None:
                    self._texts.append(GrowingText())
                self._texts[-1].append(content)
            self.builder.text("text", content)

    def _blocked(self, payload: Mapping[str, Any]) -> None:
        """End a response that a guard of Dexto's gives in place of the model's."""
        self._ensure_step(payload)
        self.builder.status("Blocked", level="warning")
        self._response(payload)

    def _response(self, payload: Mapping[str, Any]) -> None:
        """End a response."""
        self._ensure_step(payload)
        reasoning = str_field(payload, "reasoning")
        if reasoning and self._reasoning_step != self.builder.step:
            self.builder.reasoning("reasoning", reasoning)
        self.builder.end_reasoning("reasoning", reasoning)
        self._end_text(str_field(payload, "content"))
        counts = payload.get("tokenUsage") or payload.get("usage")
        reason = str_field(payload, "finishReason")
        self.builder.end_step(reason, _read_usage(counts, payload.get("estimatedCost")))
        goes_on = reason in ("tool-calls", "error") or self.builder.unanswered()
        if not goes_on and self.stop_info.status != "failed":
            self._complete({"finishReason": reason or "stop"})

    def _end_text(self, whole: str | None) -> None:
        """End the text by the content of the response: its first texts, its last ones, or all,
        joined.

        Content that differs from the chunks replaces the last text.
        """
        texts, self._texts = [str(text) for text in self._texts], []
        streamed = {
            _without_space("".join(part))
            for at in range(len(texts))
            for part in (texts[:at], texts[at:])
        }
        last = texts.pop() if self.builder.text_id("text") is not None else ""
        is_last = whole is not None and _without_space(whole) == _without_space(last)
        if whole and (is_last or _without_space(whole) not in streamed):
            self.builder.start_text("text")
            self.builder.end_text("text", whole if is_last else whole.removeprefix("".join(texts)))
        self.builder.end_text("text")

    # --- tools ---

    def _call_of(self, payload: Mapping[str, Any]) -> Block:
        """Return the call of an event, started if it is not known.

        Without an id it is the oldest open one of its name.
        """
        call_id = _call_id(payload)
        if call_id:
            block = self._calls.get(call_id)
        else:
            waiting = self.builder.unanswered(str_field(payload, "toolName"))
            block = next(iter(waiting), None)
        return block or self._start_call(payload)

    def _start_call(self, payload: Mapping[str, Any]) -> Block:
        self._ensure_step()
        call_id = _call_id(payload)
        key = ("call", call_id or self.builder.mint("call"))
        block = self.builder.start_tool(
            key, str_field(payload, "toolName", default="tool"), call_id=call_id
        )
        if call_id:
            self._calls[call_id] = block
        return block

    def _call_part(self, payload: Mapping[str, Any]) -> Block:
        """Read a part of a call, and return the call.

        An id may be used again for a new call; without an id a complete call is over.
        """
        call_id = _call_id(payload)
        if call_id is None:
            for block in self.builder.unanswered(str_field(payload, "toolName")):
                if not block.args_complete:
                    return block
        elif call_id in self._calls and not self._calls[call_id].closed:
            return self._calls[call_id]
        return self._start_call(payload)

    def _call(self, payload: Mapping[str, Any]) -> None:
        """Read a complete call."""
        block = self._call_part(payload)
        self.builder.final_args(block, payload.get("args"))

    def _running(self, payload: Mapping[str, Any]) -> None:
        block = self._call_of(payload)
        self.builder.write(ev.ToolProgress(id=block.id, **self.builder.envelope))

    def _result(self, payload: Mapping[str, Any]) -> None:
        block = self._call_of(payload)
        self.builder.tool_args(block)
        content = payload.get("rawResult")
        if content is None:
            parts = get_field(payload.get("sanitized"), "content")
            content = parts if parts is not None else payload.get("result")
        if payload.get("success") is False or payload.get("error"):
            denied = payload.get("approvalStatus") in ("rejected", "denied")
            error = payload.get("error")
            message = nonempty_str(error) or get_str(error, "message", default="the tool failed")
            self.builder.tool_result(
                block,
                content,
                status="denied" if denied else "error",
                error=ev.ErrorInfo(message=message),
            )
        else:
            self.builder.tool_result(block, content)

    # --- approvals ---

    def _request_approval(self, payload: Mapping[str, Any]) -> None:
        metadata = fields_or_empty(payload.get("metadata"))
        kind = str_field(payload, "approvalType", "type", default="")
        call_id = str_field(metadata, "toolCallId", "callId")
        block = self._calls.get(call_id or "")
        schema = metadata.get("schema")
        prompt_fields = ("message", "prompt", "title", "command", "toolName")
        prompt = next(
            (text for key in prompt_fields if (text := nonempty_str(metadata.get(key)))), None
        )
        builder = self.builder
        builder.write(
            ev.ApprovalRequest(
                approval_id=str_field(payload, "approvalId") or builder.mint("approval"),
                tool_id=block_id(block),
                kind="input" if kind in ("elicitation", "custom") else "tool",
                prompt=prompt,
                args=to_jsonable(metadata.get("args", metadata.get("command"))),
                schema=schema_or_none(schema),
                meta={"type": kind, "session": str_field(payload, "sessionId")},
                **builder.envelope,
            )
        )

    def _write_approval_response(self, payload: Mapping[str, Any]) -> None:
        builder = self.builder
        builder.write(
            ev.ApprovalResponse(
                approval_id=str(payload.get("approvalId")),
                decision=DECISIONS.get(str(payload.get("status")), "cancel"),
                value=to_jsonable(payload.get("data")),
                reason=str_field(payload, "reason", "message"),
                **builder.envelope,
            )
        )

    # --- the rest ---

    def _error(self, payload: Mapping[str, Any]) -> None:
        error = payload.get("error") or payload  # an Express server's own error is `{message}`
        message = nonempty_str(error) or get_str(error, "message", default="")
        call = self._calls.get(str_field(payload, "toolCallId", default=""))
        if call is not None and not call.closed:
            self.builder.tool_error(call, message)
        fatal = payload.get("recoverable") is not True and call is None
        self.fail(message, get_str(error, "code"), get_str(error, "name"), fatal=fatal)

    def _service(self, payload: Mapping[str, Any]) -> None:
        """Read an event of a sub-agent that a tool runs."""
        call = self._calls.get(str_field(payload, "toolCallId", default=""))
        if call is not None:
            self.builder.progress(call, f"{payload.get('service')}: {payload.get('event')}")
        self.builder.custom(str_field(payload, "event", default="service:event"), payload)

    def _status(self, message: str, payload: Mapping[str, Any]) -> None:
        error = payload.get("error")
        texts = [
            payload.get("reason"),
            payload.get("message"),
            nonempty_str(error) or get_str(error, "message"),
        ]
        errors = payload.get("errors")  # of `llm:unsupported-input`
        texts += list_or_empty(errors)
        detail = "; ".join(text for text in texts if isinstance(text, str))
        self.builder.status(f"{message}: {detail}" if detail else message)

    def _complete(self, payload: Mapping[str, Any]) -> None:
        """Set how the run ended.

        An error that was written before is kept: it has a message, the finish reason has none.
        """
        reason = str_field(payload, "finishReason", default="unknown")
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


def _event_name(item: Any) -> str | None:
    """Return the event's name, from `name`, `type` or the frame; None if it has no prefix of
    Dexto's.
    """
    for field in ("name", "type", "event"):
        name = None
        if not isinstance(item, str):
            name = get_field(item, field)
        if isinstance(name, str) and name.startswith(_EVENT_PREFIXES):
            return name
    return None


def _call_id(payload: Mapping[str, Any]) -> str | None:
    return str_field(payload, "callId", "toolCallId")


def _without_space(text: str) -> str:
    return "".join(text.split())


def _read_usage(usage: Any, cost: Any) -> ev.Usage | None:
    counts = fields_or_empty(usage)
    if not counts:
        return None
    found = {ours: token_count(counts.get(theirs)) for ours, theirs in TOKEN_FIELDS.items()}
    return ev.Usage(**found, cost=number_or_none(cost))


_READERS: dict[str, Callable[[DextoDecoder, Mapping[str, Any]], object]] = {
    "llm:chunk": DextoDecoder._chunk,
    "llm:tool-call-partial": DextoDecoder._call_part,
    "llm:tool-call": DextoDecoder._call,
    "tool:running": DextoDecoder._running,
    "llm:tool-result": DextoDecoder._result,
    "approval:request": DextoDecoder._request_approval,
    "approval:response": DextoDecoder._write_approval_response,
    "llm:response": DextoDecoder._response,
    "interaction:blocked": DextoDecoder._blocked,
    "llm:error": DextoDecoder._error,
    "run:complete": DextoDecoder._complete,
    "service:event": DextoDecoder._service,
}
