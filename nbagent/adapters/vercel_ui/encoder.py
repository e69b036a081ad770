"""Vercel's AI SDK: the UI message stream that `useChat` of `ai` reads.

The format: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol, and `uiMessageChunkSchema` of `ai` 5.0.277 and 7.0.173. Token
counts go where the documentation's examples put them, into the metadata of `finish`.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.encoder import SSE_HEADERS, BaseEncoder
from nbagent.adapters.base.losses import Loss
from nbagent.adapters.base.open_parts import Call, Text
from nbagent.adapters.base.wording import known, message_of

_PROVIDER = "nbagent"
_BOTH = {
    Loss.MODEL,
    Loss.COST,
    Loss.FINISH,
    Loss.CODES,
    Loss.ENDS,
    Loss.THOUGHT_KINDS,
    Loss.ONE_SEAL,
    Loss.REFUSALS,
    Loss.PHASES,
    Loss.REPLACED,
    Loss.REPLACED_THOUGHTS,
    Loss.TOOL_KINDS,
    Loss.FREE_ARGS,
    Loss.REPLACED_ARGS_TEXT,
    Loss.EMPTY_ARGS,
    Loss.PROGRESS,
    Loss.ERROR_RESULTS,
    Loss.AGENTS,
    Loss.NESTING,
    Loss.HANDOFFS,
    Loss.FILE_NAMES,
    Loss.FILE_DATA,
    Loss.REPLACED_FILES,
    Loss.STATUS,
    Loss.WARNINGS,
    Loss.ERROR_TYPES,
    Loss.RAW,
}


class VercelEncoder(BaseEncoder):
    """Events to the UI message stream of `ai` 7.

    Lost on the way:

    - the model's name
    - what the run cost
    - the provider's own finish reason
    - the code of an end or an error
    - how a run ended that is neither complete nor failed: it fails, and says why
    - whether a thought is a summary
    - whether what a provider wants back with a thought is its signature or its encrypted form: it is one of them
    - that a text is a refusal
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - that a thought is replaced at its end: what was streamed stays
    - who runs a tool
    - that arguments are free text: they are broken JSON
    - that no arguments were written: they are {}
    - that the text of arguments is replaced at its end: what was streamed stays
    - the progress of a tool
    - what a failed tool returned besides its message
    - why a call was denied
    - what an approval is about, besides its call
    - approvals of anything but a call
    - that a request for approval was cancelled: it is denied
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - names of files
    - data of files as base64: they become data: URLs
    - that a file replaces another: it stands beside it
    - status lines
    - errors that do not end the run
    - the type of an error
    - raw items
    """

    system: ClassVar[str] = "vercel.ui"
    headers: ClassVar[Mapping[str, str]] = {
        **SSE_HEADERS,
        "x-vercel-ai-ui-message-stream": "v1",
        "x-accel-buffering": "no",
    }
    loses: ClassVar[frozenset[Loss]] = frozenset(
        _BOTH | {Loss.DENIALS, Loss.APPROVAL_DETAILS, Loss.UNLINKED_APPROVALS, Loss.CANCELLED_ANSWERS},
    )
    ends: ClassVar[frozenset[str]] = frozenset({"completed", "cancelled", "paused"})
    cuts: ClassVar[Mapping[str, str]] = {"length": "length", "content_filter": "content-filter"}

    # --- message and steps ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The message starts."""
        self.put({"type": "start", "messageId": self.run_id})

    def start_step(self, event: ev.StepStart) -> None:
        """A model response begins."""
        self.put({"type": "start-step"})

    def end_step(self, event: ev.StepEnd) -> None:
        """A model response is over."""
        self.put({"type": "finish-step"})

    def finish(self, end: ev.RunEnd, error: ev.Error | None) -> None:
        """The run is over; a client learns of an error only from a chunk of its own."""
        counted = {} if self.usage is None else {"messageMetadata": {"totalUsage": self.counted(self.usage)}}
        if error is None and end.status == "cancelled":
            if counted:
                self.put({"type": "message-metadata", **counted})
            self.put({"type": "abort"}, "[DONE]")
            return
        if error is not None:
            self.put({"type": "error", "errorText": error.message})
        reason = "error" if error else self.cut(end) or ("tool-calls" if self.unanswered() else "stop")
        self.put({"type": "finish", "finishReason": reason, **counted}, "[DONE]")

    def counted(self, usage: ev.Usage) -> dict[str, Any]:
        """Token counts as `ai` 7 has them."""
        sent = known(cacheReadTokens=usage.cache_read, cacheWriteTokens=usage.cache_write)
        made = known(reasoningTokens=usage.reasoning)
        counts = known(inputTokens=usage.input, outputTokens=usage.output, totalTokens=usage.total)
        return {**counts, "inputTokenDetails": sent, "outputTokenDetails": made}

    # --- text and thoughts ----------------------------------------------------------------------------------------------

    def start_text(self, text: Text) -> None:
        """A text begins."""
        self.put({"type": "text-start", "id": text.id})

    def text(self, text: Text, delta: str) -> None:
        """More of a text."""
        self.put({"type": "text-delta", "id": text.id, "delta": delta})

    def end_text(self, text: Text) -> None:
        """A text is whole."""
        self.put({"type": "text-end", "id": text.id})

    def start_thought(self, thought: Text) -> None:
        """A thought begins."""
        self.put({"type": "reasoning-start", "id": thought.id})

    def thought(self, thought: Text, delta: str) -> None:
        """More of a thought."""
        self.put({"type": "reasoning-delta", "id": thought.id, "delta": delta})

    def end_thought(self, thought: Text, event: ev.ReasoningEnd) -> None:
        """A thought is whole; what its provider wants back is in a corner of its own."""
        opaque = known(signature=event.signature, reasoningEncryptedContent=event.encrypted)
        corner = {"providerMetadata": {_PROVIDER: opaque}} if opaque else {}
        self.put({"type": "reasoning-end", "id": thought.id, **corner})

    # --- tools ----------------------------------------------------------------------------------------------------------

    def start_call(self, call: Call) -> None:
        """A tool call begins."""
        self.put({"type": "tool-input-start", **_named(call)})

    def call_delta(self, call: Call, delta: str) -> None:
        """More of the arguments' text."""
        self.put({"type": "tool-input-delta", "toolCallId": call.call_id, "inputTextDelta": delta})

    def end_args(self, call: Call) -> None:
        """The arguments are whole. What is no JSON goes as it was written: the client shows it, the result tells the rest."""
        assert call.args is not None
        value = call.args.args if call.args.valid else call.text
        self.put({"type": "tool-input-available", **_named(call), "input": {} if value is None else value})

    def result(self, call: Call, event: ev.ToolResult) -> None:
        """What a tool returned."""
        about = {"toolCallId": call.call_id}
        match event.status:
            case "ok":
                early = {"preliminary": True} if event.preliminary else {}
                self.put({"type": "tool-output-available", **about, "output": event.content, **early})
            case "denied":
                self.denied(about, event)
            case _:
                self.put({"type": "tool-output-error", **about, "errorText": message_of(event)})

    def denied(self, about: dict[str, Any], event: ev.ToolResult) -> None:
        """A human did not allow a call."""
        self.put({"type": "tool-output-denied", **about})

    # --- the rest -------------------------------------------------------------------------------------------------------

    def other(self, event: ev.Event) -> None:
        """Sources, files, data and approvals."""
        match event:
            case ev.Source(url=str(url)):
                self.put({"type": "source-url", "sourceId": event.id, "url": url, **known(title=event.title)})
            case ev.Source():
                about = {"mediaType": "application/octet-stream", "title": event.title or ""}
                self.put({"type": "source-document", "sourceId": event.id, **about})
            case ev.File():
                url = event.url or f"data:{event.media_type};base64,{event.data or ''}"
                self.put({"type": "file", "mediaType": event.media_type, "url": url})
            case ev.State():
                self.put({"type": "data-state", "data": event.patch if event.snapshot is None else event.snapshot})
            case ev.Custom():
                self.put({"type": f"data-{event.name}", "data": event.data})
            case ev.ApprovalRequest() | ev.ApprovalResponse():
                self.approval(event)
            case _:
                pass

    def approval(self, event: ev.ApprovalRequest | ev.ApprovalResponse) -> None:
        """A human is asked about a call, or has answered."""
        if isinstance(event, ev.ApprovalRequest):
            call = self.calls.get(event.tool_id or "")
            if call is not None:
                self.put({"type": "tool-approval-request", "approvalId": event.approval_id, "toolCallId": call.call_id})
        elif self.calls.get(getattr(self.waiting.get(event.approval_id), "tool_id", None) or ""):
            answer = {"approvalId": event.approval_id, "approved": event.decision == "approve"}
            self.put({"type": "tool-approval-response", **answer, **known(reason=event.reason)})


class VercelV5Encoder(VercelEncoder):
    """Events to the UI message stream of `ai` 5, whose clients fail on chunks that came later.

    Lost on the way:

    - the model's name
    - how many tokens were written to a cache
    - what the run cost
    - the provider's own finish reason
    - the code of an end or an error
    - how a run ended that is neither complete nor failed: it fails, and says why
    - that a run waits for a human: it is complete
    - whether a thought is a summary
    - whether what a provider wants back with a thought is its signature or its encrypted form: it is one of them
    - that a text is a refusal
    - the phase of a text
    - that a text is replaced at its end: what was streamed stays
    - that a thought is replaced at its end: what was streamed stays
    - who runs a tool
    - that arguments are free text: they are broken JSON
    - that no arguments were written: they are {}
    - that the text of arguments is replaced at its end: what was streamed stays
    - the progress of a tool
    - what a failed tool returned besides its message
    - that a call was denied: it failed
    - requests for approval
    - sub-agents
    - that something is part of a call or a sub-agent
    - hand-offs
    - names of files
    - data of files as base64: they become data: URLs
    - that a file replaces another: it stands beside it
    - status lines
    - errors that do not end the run
    - the type of an error
    - raw items
    """

    system: ClassVar[str] = "vercel.ui.v5"
    loses: ClassVar[frozenset[Loss]] = frozenset(
        _BOTH | {Loss.CACHE_WRITES, Loss.DENIED, Loss.APPROVALS, Loss.PAUSES},
    )

    def counted(self, usage: ev.Usage) -> dict[str, Any]:
        """Token counts as `ai` 5 has them."""
        return known(
            inputTokens=usage.input,
            outputTokens=usage.output,
            totalTokens=usage.total,
            reasoningTokens=usage.reasoning,
            cachedInputTokens=usage.cache_read,
        )

    def denied(self, about: dict[str, Any], event: ev.ToolResult) -> None:
        """A human did not allow a call, which fails then."""
        self.put({"type": "tool-output-error", **about, "errorText": message_of(event)})

    def approval(self, event: ev.ApprovalRequest | ev.ApprovalResponse) -> None:
        """Nobody can be asked."""


def _named(call: Call) -> dict[str, Any]:
    hosted = {"providerExecuted": True} if call.start.kind in ("hosted", "mcp") else {}
    return {"toolCallId": call.call_id, "toolName": call.name, **hosted, **known(title=call.start.title)}
