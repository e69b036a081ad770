"""Encoders for Vercel's AI SDK: the UI message stream that `useChat` of `ai` reads.

Source: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol, and `uiMessageChunkSchema` of `ai`
5.0.277 and 7.0.173. Token counts are in the metadata of `finish`, as in the documentation's
examples.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import SSE_HEADERS, BaseEncoder
from nbagent.adapters.base.losses import UI_PROTOCOL, Loss
from nbagent.adapters.base.streamed import StreamedCall, StreamedText
from nbagent.adapters.base.text_forms import error_message, token_counts, without_none
from nbagent.adapters.vercel_ui.vocabulary import (
    INPUT_DETAIL_FIELDS,
    OUTPUT_DETAIL_FIELDS,
    TOKEN_FIELDS,
    V5_TOKEN_FIELDS,
)

_PROVIDER = "nbagent"
_BOTH_VERSIONS = (
    UI_PROTOCOL
    | {
        Loss.ERROR_CODES,
        Loss.FREE_ARGS,
        Loss.EMPTY_ARGS,
        Loss.REPLACED_ARGS_TEXT,
        Loss.ERROR_RESULTS,
    }
    | {Loss.FILE_NAMES, Loss.FILE_DATA, Loss.REPLACED_FILES}
)


class VercelEncoder(BaseEncoder):
    """Encodes events as the UI message stream of `ai` 6 and 7."""

    system: ClassVar[str] = "vercel.ui"
    headers: ClassVar[Mapping[str, str]] = {**SSE_HEADERS, "x-vercel-ai-ui-message-stream": "v1"}
    loses: ClassVar[frozenset[Loss]] = _BOTH_VERSIONS | {
        Loss.DENIAL_REASONS,
        Loss.APPROVAL_DETAILS,
        Loss.APPROVAL_MEMORY,
        Loss.UNLINKED_APPROVALS,
        Loss.CANCELLED_ANSWERS,
    }
    end_statuses: ClassVar[frozenset[str]] = frozenset({"cancelled", "paused"})
    limit_names: ClassVar[Mapping[str, str]] = {
        "length": "length",
        "content_filter": "content-filter",
    }

    # --- message and steps ---

    def start_run(self) -> None:
        """Emit the start of the message."""
        self.emit({"type": "start", "messageId": self.run_id})

    def start_step(self, event: ev.StepStart) -> None:
        """Emit the start of a step."""
        self.emit({"type": "start-step"})

    def end_step(self, event: ev.StepEnd) -> None:
        """Emit the end of a step."""
        self.emit({"type": "finish-step"})

    def end_run(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """Emit the end of the message, after an error's own chunk: clients do not read errors from
        the end.
        """
        if self.usage is None:
            metadata = {}
        else:
            metadata = {"messageMetadata": {"totalUsage": self.usage_object(self.usage)}}
        if error is None and end.status == "cancelled":
            if metadata:
                self.emit({"type": "message-metadata", **metadata})
            self.emit({"type": "abort"}, "[DONE]")
            return
        if error is not None:
            self.emit({"type": "error", "errorText": error.message})
        if error:
            reason = "error"
        else:
            reason = self.limit_name(end) or ("tool-calls" if self.open_calls() else "stop")
        self.emit({"type": "finish", "finishReason": reason, **metadata}, "[DONE]")

    def usage_object(self, usage: ev.Usage) -> dict[str, Any]:
        """Return token counts as `ai` 6 and 7 have them."""
        return {
            **token_counts(usage, TOKEN_FIELDS),
            "inputTokenDetails": token_counts(usage, INPUT_DETAIL_FIELDS),
            "outputTokenDetails": token_counts(usage, OUTPUT_DETAIL_FIELDS),
        }

    # --- text and reasoning ---

    def start_text(self, text: StreamedText) -> None:
        """Emit the start of a text."""
        self.emit({"type": "text-start", "id": text.id})

    def text_delta(self, text: StreamedText, delta: str) -> None:
        """Emit a delta of a text."""
        self.emit({"type": "text-delta", "id": text.id, "delta": delta})

    def end_text(self, text: StreamedText) -> None:
        """Emit the end of a text."""
        self.emit({"type": "text-end", "id": text.id})

    def start_reasoning(self, reasoning: StreamedText) -> None:
        """Emit the start of a reasoning block."""
        self.emit({"type": "reasoning-start", "id": reasoning.id})

    def reasoning_delta(self, reasoning: StreamedText, delta: str) -> None:
        """Emit a delta of a reasoning block."""
        self.emit({"type": "reasoning-delta", "id": reasoning.id, "delta": delta})

    def end_reasoning(self, reasoning: StreamedText, event: ev.ReasoningEnd) -> None:
        """Emit the end of a reasoning block, with its opaque data under a provider name of our
        own.
        """
        opaque = without_none(signature=event.signature, reasoningEncryptedContent=event.encrypted)
        metadata = {"providerMetadata": {_PROVIDER: opaque}} if opaque else {}
        self.emit({"type": "reasoning-end", "id": reasoning.id, **metadata})

    # --- tool calls ---

    def call_fields(self, call: StreamedCall) -> dict[str, Any]:
        """Return the fields of a call's start and of its complete arguments."""
        return {**_identity(call), **without_none(title=call.start.title)}

    def start_call(self, call: StreamedCall) -> None:
        """Emit the start of a call."""
        self.emit({"type": "tool-input-start", **self.call_fields(call)})

    def args_delta(self, call: StreamedCall, delta: str) -> None:
        """Emit a delta of the arguments."""
        self.emit({"type": "tool-input-delta", "toolCallId": call.call_id, "inputTextDelta": delta})

    def end_args(self, call: StreamedCall) -> None:
        """Emit the complete arguments; as text if they are not valid JSON, so that the client shows
        them.
        """
        self.emit(
            {"type": "tool-input-available", **self.call_fields(call), "input": call.args_value}
        )

    def tool_result(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit a result."""
        if event.status == "ok":
            preliminary = {"preliminary": True} if event.preliminary else {}
            fields = {"toolCallId": call.call_id, "output": event.content, **preliminary}
            self.emit({"type": "tool-output-available", **fields})
        elif event.status == "denied":
            self.emit_denial(call, event)
        else:
            self.emit_error(call, event)

    def emit_error(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit the failure of a call."""
        self.emit(
            {
                "type": "tool-output-error",
                "toolCallId": call.call_id,
                "errorText": error_message(event),
            }
        )

    def emit_denial(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit the denial of a call."""
        self.emit({"type": "tool-output-denied", "toolCallId": call.call_id})

    # --- other events ---

    def other_event(self, event: ev.Event) -> None:
        """Emit sources, files, data and approvals."""
        match event:
            case ev.Source(url=str(url)):
                self.emit(
                    {
                        "type": "source-url",
                        "sourceId": event.id,
                        "url": url,
                        **without_none(title=event.title),
                    }
                )
            case ev.Source():
                document = {"mediaType": "application/octet-stream", "title": event.title or ""}
                self.emit({"type": "source-document", "sourceId": event.id, **document})
            case ev.File():
                url = event.url or f"data:{event.media_type};base64,{event.data or ''}"
                self.emit({"type": "file", "mediaType": event.media_type, "url": url})
            case ev.State():
                self.emit(
                    {
                        "type": "data-state",
                        "data": event.patch if event.snapshot is None else event.snapshot,
                    }
                )
            case ev.Custom():
                self.emit({"type": f"data-{event.name}", "data": event.data})
            case ev.ApprovalRequest() | ev.ApprovalResponse():
                self.emit_approval(event)

    def emit_approval(self, event: ev.ApprovalRequest | ev.ApprovalResponse) -> None:
        """Emit the request for a call's approval, or its answer."""
        if isinstance(event, ev.ApprovalRequest):
            call = self.call_of(event)
            if call is not None:
                self.emit(
                    {
                        "type": "tool-approval-request",
                        "approvalId": event.approval_id,
                        "toolCallId": call.call_id,
                    }
                )
        elif self.call_of(self.pending_approvals.get(event.approval_id)) is not None:
            answer = {"approvalId": event.approval_id, "approved": event.verdict == "approve"}
            self.emit(
                {"type": "tool-approval-response", **answer, **without_none(reason=event.reason)}
            )


class VercelV5Encoder(VercelEncoder):
    """Encodes events as the UI message stream of `ai` 5, whose clients fail on chunks that were
    added later.
    """

    system: ClassVar[str] = "vercel.ui.v5"
    loses: ClassVar[frozenset[Loss]] = _BOTH_VERSIONS | {
        Loss.CACHE_WRITES,
        Loss.PAUSED,
        Loss.DENIED,
        Loss.APPROVALS,
        Loss.TOOL_TITLES,
    }

    def usage_object(self, usage: ev.Usage) -> dict[str, Any]:
        """Return token counts as `ai` 5 has them."""
        return token_counts(usage, V5_TOKEN_FIELDS)

    def call_fields(self, call: StreamedCall) -> dict[str, Any]:
        """Return the fields of a call, without its title: clients refuse a field that they do not
        know.
        """
        return _identity(call)

    def emit_denial(self, call: StreamedCall, event: ev.ToolResult) -> None:
        """Emit the denial of a call as a failure."""
        self.emit_error(call, event)

    def emit_approval(self, event: ev.ApprovalRequest | ev.ApprovalResponse) -> None:
        """Emit nothing: `ai` 5 has no approvals."""


def _identity(call: StreamedCall) -> dict[str, Any]:
    hosted = {"providerExecuted": True} if call.is_hosted else {}
    return {"toolCallId": call.call_id, "toolName": call.name, **hosted}
