"""Decoder of the UI message stream of Vercel's AI SDK (`ai` 5 to 7), which other servers such as
Pydantic AI send, too.

Format: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol, and
`packages/ai/src/ui-message-stream/ui-message-chunks.ts` of https://github.com/vercel/ai. Items are
the JSON payloads of the frames, and the terminal `[DONE]`.

The format has no token counts (except those that an application puts into `messageMetadata`),
models, agents, hand-offs, or finish reasons of single steps.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import fields_or_empty, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.payload import frame_of, to_wire_dict, try_wire_dict, usage_counts
from nbagent.adapters.vercel_ui.vocabulary import (
    INPUT_DETAIL_FIELDS,
    OUTPUT_DETAIL_FIELDS,
    V5_TOKEN_FIELDS,
)

_CUT_SHORT = {"length", "content-filter"}
_COMMON_TYPES = {
    "start": {"type", "messageId", "messageMetadata"},
    "start-step": {"type"},
    "finish-step": {"type"},
}
_REQUIRED_FIELDS = {
    "text": "id",
    "reasoning": "id",
    "tool": "toolCallId",
    "error": "errorText",
    "message": "messageMetadata",
}


class VercelDecoder(BaseDecoder):
    """Decoder of UI message chunks. Text and reasoning blocks have ids, and may overlap."""

    system: ClassVar[str] = "vercel.ui"
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._waiting: set[str] = set()
        self._signatures: dict[str, str] = {}

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk, by its type and by a field that other systems do not
        have with it.
        """
        payload = try_wire_dict(item)
        kind = payload.get("type")
        if not isinstance(kind, str):
            return False
        if kind in _COMMON_TYPES:
            return set(payload) <= _COMMON_TYPES[kind]
        if kind.startswith("data-"):
            return "data" in payload
        known = kind in _HANDLERS and kind not in ("file", "custom", "abort", "finish")
        return known and _REQUIRED_FIELDS.get(kind.split("-", 1)[0], "type") in payload

    def read(self, item: Any) -> None:
        """Read one chunk."""
        item = frame_of(item).data
        if isinstance(item, str) and item.strip() == "[DONE]":
            if self.stop_info == TRUNCATED:
                # An application may omit `finish`, to append another stream.
                self.stop_info = self._stop_info(None)
            return
        payload = to_wire_dict(item)
        kind = str_field(payload, "type", default="")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, payload)
        elif kind.startswith("data-"):
            meta = {
                name: to_jsonable(payload[name])
                for name in ("id", "transient")
                if payload.get(name) is not None
            }
            self._write(
                ev.Custom, name=kind[5:], data=to_jsonable(payload.get("data")), meta=meta or None
            )
        elif kind:
            self.builder.raw(item, kind)
        else:
            self.unread(item)

    def _write(self, event: type[Any], **values: Any) -> None:
        self.builder.write(event(**values, **self.builder.envelope))

    # --- message and steps ---

    def _start(self, payload: Mapping[str, Any]) -> None:
        self.builder.begin()
        self._metadata(payload)

    def _metadata(self, payload: Mapping[str, Any]) -> None:
        """Write the application's metadata, and token counts from the fields that the AI SDK's
        documentation uses for them.
        """
        metadata = payload.get("messageMetadata")
        if metadata is None:
            return
        fields = fields_or_empty(metadata)
        usage = _read_usage(fields.get("totalUsage") or fields.get("usage") or fields)
        if usage is not None:
            self.builder.usage = usage
            self._write(ev.UsageUpdate, usage=usage)
        self._write(ev.Custom, name="message-metadata", data=to_jsonable(metadata))

    def _start_step(self, payload: Mapping[str, Any]) -> None:
        self.builder.start_step()

    def _finish_step(self, payload: Mapping[str, Any]) -> None:
        self.builder.end_step()

    def _reset_step(self, payload: Mapping[str, Any]) -> None:
        """Discard the open text and reasoning blocks of a step that is tried again.

        Closed ones stay: their end was sent.
        """
        for key in self.builder.open_keys():
            self.builder.end_text(key, "")
            self.builder.end_reasoning(key, "")
        self.builder.status("The step starts again", level="warning")

    def _finish(self, payload: Mapping[str, Any]) -> None:
        self._metadata(payload)
        reason = str_field(payload, "finishReason")
        if reason == "error":
            self.stop_info = StopInfo("failed", reason, self.stop_info.code)
        elif self.stop_info.status != "failed":
            self.stop_info = self._stop_info(reason)

    def _stop_info(self, reason: str | None) -> StopInfo:
        if self._waiting:
            return StopInfo("paused", reason)
        return StopInfo.of_reason(reason, _CUT_SHORT)

    def _abort(self, payload: Mapping[str, Any]) -> None:
        self.stop_info = StopInfo("cancelled", "abort", str_field(payload, "reason"))

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.fail(str_field(payload, "errorText", default=""))

    # --- text and reasoning ---

    def _text_start(self, payload: Mapping[str, Any]) -> None:
        self.builder.start_text(payload["id"])

    def _text_delta(self, payload: Mapping[str, Any]) -> None:
        self.builder.text(payload["id"], payload["delta"])

    def _text_end(self, payload: Mapping[str, Any]) -> None:
        self.builder.end_text(payload["id"])

    def _reasoning_start(self, payload: Mapping[str, Any]) -> None:
        self._keep_signature(payload)
        self.builder.start_reasoning(payload["id"])

    def _reasoning_delta(self, payload: Mapping[str, Any]) -> None:
        self._keep_signature(payload)
        self.builder.reasoning(payload["id"], payload["delta"])

    def _reasoning_end(self, payload: Mapping[str, Any]) -> None:
        self._keep_signature(payload)
        self.builder.end_reasoning(
            payload["id"], signature=self._signatures.pop(payload["id"], None)
        )

    def _keep_signature(self, payload: Mapping[str, Any]) -> None:
        """Keep the signature of a reasoning block, from the provider's entry in the metadata of any
        of its chunks.
        """
        for provider in fields_or_empty(payload.get("providerMetadata")).values():
            metadata = fields_or_empty(provider)
            for name in (
                "signature",
                "redactedData",
                "reasoningEncryptedContent",
                "thoughtSignature",
            ):
                if nonempty_str(metadata.get(name)):
                    self._signatures[payload["id"]] = metadata[name]

    # --- tools ---

    def _start_call(self, payload: Mapping[str, Any]) -> Block:
        """Start a call. Later chunks refer to it by its id, which a later call may reuse."""
        call_id = str(payload["toolCallId"])
        block = self._calls[call_id] = self.builder.start_tool(
            call_id,
            str_field(payload, "toolName", default="tool"),
            call_id=call_id,
            kind="hosted" if payload.get("providerExecuted") is True else "function",
            title=str_field(payload, "title"),
        )
        return block

    def _call_of(self, payload: Mapping[str, Any]) -> Block:
        """Return the call of that id, started if it is new: after an approval, results of calls in
        an earlier stream come.
        """
        return self._calls.get(str(payload["toolCallId"])) or self._start_call(payload)

    def _tool_start(self, payload: Mapping[str, Any]) -> None:
        self._start_call(payload)

    def _tool_delta(self, payload: Mapping[str, Any]) -> None:
        self.builder.tool_delta(self._call_of(payload), payload["inputTextDelta"])

    def _tool_input(self, payload: Mapping[str, Any]) -> None:
        block = self._call_of(payload)
        if block.closed:
            block = self._start_call(payload)
        value = payload.get("input")
        if isinstance(value, str):  # invalid JSON of the model, or free text
            self.builder.tool_args(block, value or None)
        else:
            self.builder.tool_args(
                block, "".join(block.args_pieces), args={} if value is None else value
            )

    def _tool_input_error(self, payload: Mapping[str, Any]) -> None:
        self._tool_input(payload)
        self._tool_error(payload)

    def _tool_output(self, payload: Mapping[str, Any]) -> None:
        self.builder.tool_result(
            self._call_of(payload),
            payload.get("output"),
            preliminary=payload.get("preliminary") is True,
        )

    def _tool_error(self, payload: Mapping[str, Any]) -> None:
        text = str_field(payload, "errorText")
        self.builder.tool_error(self._call_of(payload), text)

    def _tool_denied(self, payload: Mapping[str, Any]) -> None:
        self.builder.tool_result(self._call_of(payload), None, status="denied")

    # --- approvals ---

    def _request_approval(self, payload: Mapping[str, Any]) -> None:
        approval_id = str(payload["approvalId"])
        meta = {
            name: to_jsonable(payload[name])
            for name in ("isAutomatic", "signature")
            if payload.get(name) is not None
        }
        if payload.get("isAutomatic") is not True:
            self._waiting.add(approval_id)
        self._write(
            ev.ApprovalRequest,
            approval_id=approval_id,
            tool_id=self._call_of(payload).id,
            meta=meta or None,
        )

    def _write_approval_response(self, payload: Mapping[str, Any]) -> None:
        approval_id = str(payload["approvalId"])
        self._waiting.discard(approval_id)
        decision = "approve" if payload.get("approved") is True else "deny"
        reason = str_field(payload, "reason")
        self._write(ev.ApprovalResponse, approval_id=approval_id, decision=decision, reason=reason)

    # --- the rest ---

    def _source(self, payload: Mapping[str, Any]) -> None:
        title = str_field(payload, "title", "filename")
        meta = {
            name: to_jsonable(value)
            for name, value in payload.items()
            if name not in ("type", "url", "title")
        }
        self.builder.source(str_field(payload, "url"), title=title, meta=meta or None)

    def _file(self, payload: Mapping[str, Any]) -> None:
        meta = None
        if payload["type"] == "reasoning-file":
            meta = {"reasoning": True}
        media_type = str_field(payload, "mediaType", default="application/octet-stream")
        self.builder.file(
            media_type,
            url=nonempty_str(payload["url"]),
            name=str_field(payload, "filename"),
            meta=meta,
        )

    def _custom(self, payload: Mapping[str, Any]) -> None:
        data = {
            name: to_jsonable(value)
            for name, value in payload.items()
            if name not in ("type", "kind")
        }
        self._write(ev.Custom, name=str_field(payload, "kind", default="custom"), data=data or None)


def _read_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None: flat fields in version 5, details in 6 and 7."""
    details = fields_or_empty(usage)
    counts = usage_counts(usage, **V5_TOKEN_FIELDS)
    counts |= usage_counts(details.get("inputTokenDetails"), **INPUT_DETAIL_FIELDS)
    counts |= usage_counts(details.get("outputTokenDetails"), **OUTPUT_DETAIL_FIELDS)
    if counts:
        return ev.Usage(**counts)
    return None


_HANDLERS: dict[str, Callable[[VercelDecoder, Mapping[str, Any]], None]] = {
    "start": VercelDecoder._start,
    "finish": VercelDecoder._finish,
    "abort": VercelDecoder._abort,
    "message-metadata": VercelDecoder._metadata,
    "start-step": VercelDecoder._start_step,
    "finish-step": VercelDecoder._finish_step,
    "reset-step": VercelDecoder._reset_step,
    "text-start": VercelDecoder._text_start,
    "text-delta": VercelDecoder._text_delta,
    "text-end": VercelDecoder._text_end,
    "reasoning-start": VercelDecoder._reasoning_start,
    "reasoning-delta": VercelDecoder._reasoning_delta,
    "reasoning-end": VercelDecoder._reasoning_end,
    "reasoning-file": VercelDecoder._file,
    "tool-input-start": VercelDecoder._tool_start,
    "tool-input-delta": VercelDecoder._tool_delta,
    "tool-input-available": VercelDecoder._tool_input,
    "tool-input-error": VercelDecoder._tool_input_error,
    "tool-output-available": VercelDecoder._tool_output,
    "tool-output-error": VercelDecoder._tool_error,
    "tool-output-denied": VercelDecoder._tool_denied,
    "tool-approval-request": VercelDecoder._request_approval,
    "tool-approval-response": VercelDecoder._write_approval_response,
    "source-url": VercelDecoder._source,
    "source-document": VercelDecoder._source,
    "file": VercelDecoder._file,
    "custom": VercelDecoder._custom,
    "error": VercelDecoder._error,
}
