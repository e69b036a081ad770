"""Encoder for Dexto: the events of `POST /api/message-stream`, whose source `vocabulary` names.

The name of an event is in the frame, in `name` as Dexto's server writes it, and in `type` as its
documentation reads it, except for `approval:request`, whose `type` is the kind of approval. Token
counts are in `tokenUsage` and `usage` for the same reason.

The documentation's clients append the content of every `llm:chunk` to the answer, and take
`llm:response` for the end. So reasoning is not sent in chunks, but whole in `llm:response`, of
which there is one: at the end, however the run ends. Arguments are sent whole, because Dexto's
partial calls repeat them with every delta.
"""

from datetime import UTC, datetime
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import BaseEncoder, Item
from nbagent.adapters.base.losses import APPLICATION_DATA, COMMON, Loss
from nbagent.adapters.base.overlaps import Trigger
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import (
    PARAGRAPH_BREAK,
    as_text,
    error_message,
    token_counts,
    without_none,
)
from nbagent.adapters.dexto.vocabulary import DECISIONS, TOKEN_FIELDS

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
        | {
            Loss.MODEL,
            Loss.COST,
            Loss.MISSING_TOTALS,
            Loss.ERROR_CODES,
            Loss.MISSING_ERROR_TYPES,
            Loss.PAUSED,
            Loss.SOURCES,
        }
        | {
            Loss.OVERLAPS,
            Loss.SPLITS,
            Loss.ANSWER_BOUNDARIES,
            Loss.REFUSALS,
            Loss.EARLIER_TEXT,
            Loss.RETRACTED,
        }
        | {Loss.REASONING_KIND, Loss.OPAQUE_REASONING, Loss.REASONING_PLACE}
        | {
            Loss.TOOL_TITLES,
            Loss.MISSING_ARGS,
            Loss.ARGS_TEXT,
            Loss.FREE_ARGS,
            Loss.PRELIMINARY,
            Loss.NULL_RESULTS,
        }
        | {Loss.APPROVAL_OPTIONS, Loss.APPROVAL_MEMORY, Loss.SIGN_IN, Loss.MISSING_PROMPTS}
    )
    end_statuses: ClassVar[frozenset[str]] = frozenset(
        {"paused", "cancelled", "max_steps", "incomplete"}
    )
    limit_names: ClassVar[dict[str, str]] = {"length": "length", "content_filter": "content-filter"}
    split_on: ClassVar[frozenset[Trigger] | None] = frozenset({"call"})

    def __init__(self) -> None:
        super().__init__()
        self._last_text: StreamedText | None = None
        self._answer: list[str] = []  # texts since the last call
        self._thoughts: list[str] = []
        self._steps = 0

    def sse_fields(self, item: Item) -> tuple[str | None, str]:
        """Return the event's name, and the whole event as the data."""
        return item["name"] if isinstance(item, dict) else None, self.message(item)

    def _emit_event(self, name: str, **fields: Any) -> None:
        self.emit(
            {
                "name": name,
                "type": name,
                **fields,
                "sessionId": self.run_start.thread_id or self.run_id,
            }
        )

    # --- run ---

    def start_run(self) -> None:
        """Emit that work begins; despite its name, the event is not reasoning."""
        self._emit_event("llm:thinking")

    def end_step(self, event: ev.StepEnd) -> None:
        """Count the response of the model."""
        self._steps += 1

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the error, the response and the end."""
        incomplete = "unknown" if end.code == ev.STREAM_TRUNCATED else "other"
        reason = self.limit_name(end) or _FINISH_REASONS.get(end.status) or incomplete
        if error is not None:
            self._emit_error(error, recoverable=False)
            reason = "error"
        self._emit_response(reason)
        duration_ms = max(0, round((end.ts - self.run_start.ts) * 1000))
        self._emit_event(
            "run:complete", finishReason=reason, stepCount=self._steps, durationMs=duration_ms
        )

    def _emit_response(self, reason: str) -> None:
        """Emit the answer, the reasoning and the token counts of the whole run."""
        fields: dict[str, Any] = {
            "content": PARAGRAPH_BREAK.join(self._answer),
            "finishReason": reason,
        }
        if self._thoughts:
            fields["reasoning"] = PARAGRAPH_BREAK.join(self._thoughts)
        if self.usage is not None:
            fields["tokenUsage"] = fields["usage"] = _counts(self.usage)
        self._emit_event("llm:response", **without_none(model=self.model), **fields)

    def _emit_error(self, error: ev.Error, *, recoverable: bool) -> None:
        payload = {
            "message": error.message,
            "name": error.error_type or "Error",
            **without_none(code=error.code),
        }
        self._emit_event("llm:error", error=payload, recoverable=recoverable)

    # --- text and reasoning ---

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a chunk, set apart from an earlier text."""
        if delta:
            before, self._last_text = self._last_text, text
            content = delta if before in (None, text) else PARAGRAPH_BREAK + delta
            self._emit_event("llm:chunk", chunkType="text", content=content)

    def end_text(self, text: StreamedText) -> None:
        """Keep the text for the response."""
        if whole := text.final or text.streamed:
            self._answer.append(whole)

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Keep the reasoning for the response."""
        if whole := reasoning.final or reasoning.streamed:
            self._thoughts.append(whole)

    # --- tool calls and other events ---

    def start_call(self, call: StreamedCall) -> None:
        """Emit an incomplete call without arguments."""
        self._answer.clear()
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
            if event.content is None:
                parts = []
            else:
                parts = [{"type": "text", "text": as_text(event.content)}]
            fields |= {
                "sanitized": {"content": parts, "meta": meta},
                **without_none(rawResult=event.content),
            }
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
                status = _APPROVAL_STATUSES[event.verdict]
                self._emit_event(
                    "approval:response", approvalId=event.approval_id, status=status, **answer
                )
            case ev.Error():
                self._emit_error(event, recoverable=True)

    def _emit_request(self, event: ev.ApprovalRequest) -> None:
        call = self.call_of(event)
        if call is None:
            tool = {}
        else:
            tool = {"toolName": call.name, "toolCallId": call.call_id}
        metadata = {
            **tool,
            **without_none(args=event.args, message=event.prompt, schema=event.schema),
        }
        fields = {
            "approvalId": event.approval_id,
            "type": _APPROVAL_TYPES[event.kind],
            "metadata": metadata,
        }
        self._emit_event("approval:request", **fields, timestamp=_iso_time(event.ts))


def _call_fields(call: StreamedCall) -> dict[str, Any]:
    return {"toolName": call.name, "callId": call.call_id}


def _iso_time(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def _counts(usage: ev.Usage) -> dict[str, int]:
    """Return token counts with a total, the only count that the documentation's clients read."""
    counts = {
        "inputTokens": usage.input or 0,
        "outputTokens": usage.output or 0,
        **token_counts(usage, TOKEN_FIELDS),
    }
    return {"totalTokens": counts["inputTokens"] + counts["outputTokens"], **counts}
