"""Encoder for Dexto: the events of `POST /api/message-stream`, whose source `vocabulary` names.

Every model response ends with an `llm:response` that has its whole text and its tokens. Tokens that are known only at the end
of the run are sent in one more. Arguments are sent whole, because Dexto's partial calls repeat them with every delta.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import APPLICATION_DATA, COMMON, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import PARAGRAPH_BREAK, as_text, error_message, without_none
from nbagent.adapters.dexto.vocabulary import DECISIONS, TOKEN_FIELDS
from nbagent.wire.frames import sse

_FINISH_REASONS = {
    "completed": "stop",
    "paused": "stop",
    "cancelled": "cancelled",
    "max_steps": "max-steps",
    "failed": "error",
}
_APPROVAL_TYPES = {"tool": "tool_approval", "input": "elicitation", "auth": "custom"}
_APPROVAL_STATUSES = {decision: status for status, decision in DECISIONS.items()}


class DextoEncoder(BaseEncoder):
    """Encodes events as Dexto's events."""

    system: ClassVar[str] = "dexto"
    loses: ClassVar[frozenset[Loss]] = (
        COMMON - {Loss.WARNINGS}
        | APPLICATION_DATA
        | {Loss.MODEL, Loss.COST, Loss.ERROR_CODES, Loss.MISSING_ERROR_TYPES, Loss.PAUSED, Loss.SOURCES}
        | {Loss.OVERLAPS, Loss.SPLITS, Loss.STEP_BOUNDARIES, Loss.REFUSALS, Loss.RETRACTED}
        | {Loss.REASONING_KIND, Loss.OPAQUE_REASONING, Loss.REPLACED_REASONING}
        | {Loss.TOOL_TITLES, Loss.MISSING_ARGS, Loss.ARGS_TEXT, Loss.FREE_ARGS, Loss.PRELIMINARY, Loss.NULL_RESULTS}
        | {Loss.APPROVAL_OPTIONS, Loss.SIGN_IN, Loss.MISSING_PROMPTS}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset({"paused", "cancelled", "max_steps", "incomplete"})
    limit_names: ClassVar[dict[str, str]] = {"length": "length", "content_filter": "content-filter"}
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset({"text", "step"})

    def __init__(self) -> None:
        super().__init__()
        self._final_texts: list[str] = []  # of this response
        self._last_in: dict[str, StreamedText] = {}  # the last text of this response in each type of chunk
        self._has_content = False  # whether this response has any
        self._sent_usage: ev.Usage | None = None
        self._responses = 0

    def frame(self, item: Item) -> bytes:
        """Return an event as a server-sent event with its name."""
        return sse(self.message(item), item["name"] if isinstance(item, dict) else None)

    def _emit_event(self, name: str, **fields: Any) -> None:
        self.emit({"name": name, **fields, "sessionId": self.run_start.thread_id or self.run_id})

    # --- run and responses ----------------------------------------------------------------------------------------------

    def start_run(self) -> None:
        """Emit that work begins; despite its name, the event is not reasoning."""
        self._emit_event("llm:thinking")

    def start_step(self, event: ev.StepStart) -> None:
        """Emit a response for content outside of a step."""
        self._emit_response("stop")

    def end_step(self, event: ev.StepEnd) -> None:
        """Emit the response."""
        self._emit_response("tool-calls" if self.open_calls() else "stop")

    def _emit_response(self, reason: str) -> None:
        counts = _unsent(self.usage, self._sent_usage)
        if not (self._has_content or counts):
            return
        usage = {} if counts is None else {"tokenUsage": {TOKEN_FIELDS[name]: count for name, count in counts.items()}}
        content = PARAGRAPH_BREAK.join(filter(None, self._final_texts))
        self._emit_event("llm:response", content=content, **without_none(model=self.model), finishReason=reason, **usage)
        self._sent_usage = self.usage or self._sent_usage
        self._responses += 1
        self._final_texts, self._has_content = [], False
        self._last_in.clear()

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the last response, the error and the end."""
        self._emit_response("stop")
        incomplete = "unknown" if end.code == ev.STREAM_TRUNCATED else "other"
        reason = self.limit_name(end) or _FINISH_REASONS.get(end.status) or incomplete
        if error is not None:
            self._emit_error(error, recoverable=False)
            reason = "error"
        duration_ms = max(0, round((end.ts - self.run_start.ts) * 1000))
        self._emit_event("run:complete", finishReason=reason, stepCount=self._responses, durationMs=duration_ms)

    def _emit_error(self, error: ev.Error, *, recoverable: bool) -> None:
        payload = {"message": error.message, "name": error.error_type or "Error", **without_none(code=error.code)}
        self._emit_event("llm:error", error=payload, recoverable=recoverable)

    # --- text and reasoning ---------------------------------------------------------------------------------------------

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a chunk of text."""
        self._emit_chunk("text", text, delta)

    def end_text(self, text: StreamedText) -> None:
        """Keep the text for the response."""
        self._final_texts.append(text.final or text.streamed)
        self._has_content = True

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Emit a chunk of reasoning."""
        self._emit_chunk("reasoning", reasoning, delta)

    def _emit_chunk(self, kind: str, text: StreamedText, delta: str) -> None:
        if not delta:
            return
        if kind == "text":
            self._last_in.pop("reasoning", None)  # clients end the reasoning at a text
        is_first = self._last_in.get(kind, text) is text
        self._last_in[kind] = text
        self._has_content = True
        self._emit_event("llm:chunk", chunkType=kind, content=delta if is_first else PARAGRAPH_BREAK + delta)

    # --- tool calls and other events ------------------------------------------------------------------------------------

    def start_call(self, call: StreamedCall) -> None:
        """Emit an incomplete call without arguments."""
        self._has_content = True
        self._emit_event("llm:tool-call-partial", **_call_fields(call), args={}, isComplete=False)

    def end_args(self, call: StreamedCall) -> None:
        """Emit the complete call."""
        self._emit_event("llm:tool-call", **_call_fields(call), args=call.args_value)

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a final result."""
        if not call.answered:
            return
        meta = {"toolName": call.name, "toolCallId": call.call_id, "success": event.status == "ok"}
        fields: dict[str, Any] = {**_call_fields(call), "success": event.status == "ok"}
        if event.status == "ok" or event.content is not None:
            parts = [] if event.content is None else [{"type": "text", "text": as_text(event.content)}]
            fields |= {"sanitized": {"content": parts, "meta": meta}, **without_none(rawResult=event.content)}
        if event.status != "ok":
            fields["error"] = error_message(event)
        if event.status == "denied":
            fields |= {"requireApproval": True, "approvalStatus": "rejected"}
        self._emit_event("llm:tool-result", **fields)

    def other_event(self, event: ev.Event) -> None:
        """Emit progress of tools, approvals and non-fatal errors."""
        match event:
            case ev.ToolProgress() if call := self.calls.get(event.id):
                self._emit_event("tool:running", toolName=call.name, toolCallId=call.call_id)
            case ev.ApprovalRequest():
                self._emit_request(event)
            case ev.ApprovalResponse():
                answer = without_none(reason=event.reason, data=event.value)
                status = _APPROVAL_STATUSES[event.decision]
                self._emit_event("approval:response", approvalId=event.approval_id, status=status, **answer)
            case ev.Error():
                self._emit_error(event, recoverable=True)
            case _:
                pass

    def _emit_request(self, event: ev.ApprovalRequest) -> None:
        call = self.calls.get(event.tool_id or "")
        tool = {} if call is None else {"toolName": call.name, "toolCallId": call.call_id}
        metadata = {**tool, **without_none(args=event.args, message=event.prompt, schema=event.schema)}
        fields = {"approvalId": event.approval_id, "type": _APPROVAL_TYPES[event.kind], "metadata": metadata}
        self._emit_event("approval:request", **fields, timestamp=_iso_time(event.ts))


def _call_fields(call: StreamedCall) -> dict[str, Any]:
    return {"toolName": call.name, "callId": call.call_id}


def _iso_time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unsent(usage: ev.Usage | None, sent: ev.Usage | None) -> dict[str, int] | None:
    """Return the token counts that are not sent yet; None if there are none, or if a provider lowered a count."""
    if usage is None:
        return None
    counts = without_none(**{name: getattr(usage, name) for name in TOKEN_FIELDS})
    if sent is None:
        return counts
    has_new = any(getattr(sent, name) is None for name in counts)
    rest = {name: count - (getattr(sent, name) or 0) for name, count in counts.items()}
    return rest if (has_new or any(rest.values())) and min(rest.values()) >= 0 else None
