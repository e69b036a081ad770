"""Vercel's AI SDK: the UI message stream of `ai` 5 to 7, and whoever serves the same (Pydantic AI does).

The format: https://ai-sdk.dev/docs/ai-sdk-ui/stream-protocol, and `packages/ai/src/ui-message-stream/ui-message-chunks.ts` of
https://github.com/vercel/ai. Items are the JSON payloads of its frames, and the `[DONE]` that ends them.

It cannot say: token counts (only what an application puts into `messageMetadata`), models, agents, hand-offs, finish reasons of
single steps.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields_or_none, plain, string
from nbagent.adapters.base.payload import counts, frame_of, peek, wire
from nbagent.adapters.vercel_ui.vocabulary import INPUT_DETAIL_FIELDS, OUTPUT_DETAIL_FIELDS, V5_TOKEN_FIELDS

_CUT_SHORT = {"length", "content-filter"}
_FIRST = {"start": {"type", "messageId", "messageMetadata"}, "start-step": {"type"}, "finish-step": {"type"}}
_PROOF = {"text": "id", "reasoning": "id", "tool": "toolCallId", "error": "errorText", "message": "messageMetadata"}


class VercelDecoder(BaseDecoder):
    """UI message chunks to events. Texts and thoughts may overlap: each goes by its own id."""

    system: ClassVar[str] = "vercel.ui"

    def __init__(self) -> None:
        super().__init__()
        self._calls: dict[str, Block] = {}
        self._waiting: set[str] = set()
        self._signatures: dict[str, str] = {}

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is a chunk that no other system has."""
        said = peek(item)
        kind = said.get("type")
        if not isinstance(kind, str):
            return False
        if kind in _FIRST:
            return set(said) <= _FIRST[kind]
        if kind.startswith("data-"):
            return "data" in said
        known = kind in _HANDLERS and kind not in ("file", "custom", "abort", "finish")
        return known and _PROOF.get(kind.split("-", 1)[0], "type") in said

    def read(self, item: Any) -> None:
        """One chunk."""
        item = frame_of(item).data
        if isinstance(item, str) and item.strip() == "[DONE]":
            if self.verdict == TRUNCATED:  # an application may leave `finish` out, so that another stream can follow
                self.verdict = self._outcome(None)
            return
        said = wire(item)
        kind = string(said.get("type")) or ""
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, said)
        elif kind.startswith("data-"):
            meta = {name: plain(said[name]) for name in ("id", "transient") if said.get(name) is not None}
            self._write(ev.Custom, name=kind[5:], data=plain(said.get("data")), meta=meta or None)
        elif kind:
            self.book.raw(item, kind)
        else:
            self.unread(item)

    def _write(self, event: type[Any], **values: Any) -> None:
        self.book.write(event(**values, **self.book.stamp))

    # --- message and steps ----------------------------------------------------------------------------------------------

    def _start(self, said: Mapping[str, Any]) -> None:
        self.book.begin()
        self._metadata(said)

    def _metadata(self, said: Mapping[str, Any]) -> None:
        """The application's own fields; token counts are where its documentation puts them."""
        metadata = said.get("messageMetadata")
        if metadata is None:
            return
        inside = fields_or_none(metadata)
        usage = _usage(inside.get("totalUsage") or inside.get("usage") or inside)
        if usage is not None:
            self.book.usage = usage
            self._write(ev.UsageUpdate, usage=usage)
        self._write(ev.Custom, name="message-metadata", data=plain(metadata))

    def _start_step(self, said: Mapping[str, Any]) -> None:
        self.book.start_step()

    def _finish_step(self, said: Mapping[str, Any]) -> None:
        self.book.end_step()

    def _reset_step(self, said: Mapping[str, Any]) -> None:
        """The step is tried again: what it wrote so far does not count. What is closed cannot be taken back."""
        for key in self.book.open_keys():
            self.book.end_text(key, "")
            self.book.end_thought(key, "")
        self._write(ev.Status, message="The step starts again", level="warning")

    def _finish(self, said: Mapping[str, Any]) -> None:
        self._metadata(said)
        reason = string(said.get("finishReason"))
        if reason == "error":
            self.verdict = Verdict("failed", reason, self.verdict.code)
        elif self.verdict.status != "failed":
            self.verdict = self._outcome(reason)

    def _outcome(self, reason: str | None) -> Verdict:
        if self._waiting:
            return Verdict("paused", reason)
        return Verdict("incomplete", reason, reason) if reason in _CUT_SHORT else Verdict("completed", reason)

    def _abort(self, said: Mapping[str, Any]) -> None:
        self.verdict = Verdict("cancelled", "abort", string(said.get("reason")))

    def _error(self, said: Mapping[str, Any]) -> None:
        self.fail(string(said.get("errorText")) or "")

    # --- text and thoughts ----------------------------------------------------------------------------------------------

    def _text_start(self, said: Mapping[str, Any]) -> None:
        self.book.start_text(said["id"])

    def _text_delta(self, said: Mapping[str, Any]) -> None:
        self.book.text(said["id"], said["delta"])

    def _text_end(self, said: Mapping[str, Any]) -> None:
        self.book.end_text(said["id"])

    def _thought_start(self, said: Mapping[str, Any]) -> None:
        self._sign(said)
        self.book.start_thought(said["id"])

    def _thought_delta(self, said: Mapping[str, Any]) -> None:
        self._sign(said)
        self.book.thought(said["id"], said["delta"])

    def _thought_end(self, said: Mapping[str, Any]) -> None:
        self._sign(said)
        self.book.end_thought(said["id"], signature=self._signatures.pop(said["id"], None))

    def _sign(self, said: Mapping[str, Any]) -> None:
        """Keep what a provider wants back: it is in its own corner of the metadata, on any chunk of the thought."""
        for provider in fields_or_none(said.get("providerMetadata")).values():
            corner = fields_or_none(provider)
            for name in ("signature", "redactedData", "reasoningEncryptedContent", "thoughtSignature"):
                if string(corner.get(name)):
                    self._signatures[said["id"]] = corner[name]

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _open(self, said: Mapping[str, Any]) -> Block:
        """A new call. Chunks that come later name it by the id only, which another call may get after it."""
        call_id = str(said["toolCallId"])
        block = self._calls[call_id] = self.book.start_tool(
            call_id,
            string(said.get("toolName")) or "tool",
            call_id=call_id,
            kind="hosted" if said.get("providerExecuted") is True else "function",
            title=string(said.get("title")),
        )
        return block

    def _call(self, said: Mapping[str, Any]) -> Block:
        """The call of that id; a stream that goes on after an approval tells results of calls from the stream before."""
        return self._calls.get(str(said["toolCallId"])) or self._open(said)

    def _tool_start(self, said: Mapping[str, Any]) -> None:
        self._open(said)

    def _tool_delta(self, said: Mapping[str, Any]) -> None:
        self.book.tool_delta(self._call(said), said["inputTextDelta"])

    def _tool_input(self, said: Mapping[str, Any]) -> None:
        block = self._call(said)
        if block.closed:
            block = self._open(said)
        value = said.get("input")
        if isinstance(value, str):  # what a model wrote that is no JSON, or a free text
            self.book.tool_args(block, value or None)
        else:
            self.book.tool_args(block, "".join(block.pieces), args={} if value is None else value)

    def _tool_input_error(self, said: Mapping[str, Any]) -> None:
        self._tool_input(said)
        self._tool_error(said)

    def _tool_output(self, said: Mapping[str, Any]) -> None:
        self.book.tool_result(self._call(said), said.get("output"), preliminary=said.get("preliminary") is True)

    def _tool_error(self, said: Mapping[str, Any]) -> None:
        text = string(said.get("errorText")) or "the tool failed"
        self.book.tool_result(self._call(said), None, status="error", error=ev.ErrorInfo(message=text))

    def _tool_denied(self, said: Mapping[str, Any]) -> None:
        self.book.tool_result(self._call(said), None, status="denied")

    # --- approvals ------------------------------------------------------------------------------------------------------

    def _ask(self, said: Mapping[str, Any]) -> None:
        approval_id = str(said["approvalId"])
        meta = {name: plain(said[name]) for name in ("isAutomatic", "signature") if said.get(name) is not None}
        if said.get("isAutomatic") is not True:
            self._waiting.add(approval_id)
        self._write(ev.ApprovalRequest, approval_id=approval_id, tool_id=self._call(said).id, meta=meta or None)

    def _answer(self, said: Mapping[str, Any]) -> None:
        approval_id = str(said["approvalId"])
        self._waiting.discard(approval_id)
        decision = "approve" if said.get("approved") is True else "deny"
        reason = string(said.get("reason"))
        self._write(ev.ApprovalResponse, approval_id=approval_id, decision=decision, reason=reason)

    # --- the rest -------------------------------------------------------------------------------------------------------

    def _source(self, said: Mapping[str, Any]) -> None:
        title = string(said.get("title")) or string(said.get("filename"))
        meta = {name: plain(value) for name, value in said.items() if name not in ("type", "url", "title")}
        self._write(ev.Source, id=self.book.mint("source"), url=string(said.get("url")), title=title, meta=meta or None)

    def _file(self, said: Mapping[str, Any]) -> None:
        meta = {"reasoning": True} if said["type"] == "reasoning-file" else None
        media_type = string(said.get("mediaType")) or "application/octet-stream"
        name = string(said.get("filename"))
        self._write(ev.File, id=self.book.mint("file"), media_type=media_type, url=string(said["url"]), name=name, meta=meta)

    def _custom(self, said: Mapping[str, Any]) -> None:
        rest = {name: plain(value) for name, value in said.items() if name not in ("type", "kind")}
        self._write(ev.Custom, name=string(said.get("kind")) or "custom", data=rest or None)


def _usage(said: Any) -> ev.Usage | None:
    """Token counts as `ai` writes them: flat in 5, with details in 6 and 7."""
    usage = fields_or_none(said)
    found = counts(
        usage,
        **V5_TOKEN_FIELDS,
    )
    found |= counts(usage.get("inputTokenDetails"), **INPUT_DETAIL_FIELDS)
    found |= counts(usage.get("outputTokenDetails"), **OUTPUT_DETAIL_FIELDS)
    return ev.Usage(**found) if found else None


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
    "reasoning-start": VercelDecoder._thought_start,
    "reasoning-delta": VercelDecoder._thought_delta,
    "reasoning-end": VercelDecoder._thought_end,
    "reasoning-file": VercelDecoder._file,
    "tool-input-start": VercelDecoder._tool_start,
    "tool-input-delta": VercelDecoder._tool_delta,
    "tool-input-available": VercelDecoder._tool_input,
    "tool-input-error": VercelDecoder._tool_input_error,
    "tool-output-available": VercelDecoder._tool_output,
    "tool-output-error": VercelDecoder._tool_error,
    "tool-output-denied": VercelDecoder._tool_denied,
    "tool-approval-request": VercelDecoder._ask,
    "tool-approval-response": VercelDecoder._answer,
    "source-url": VercelDecoder._source,
    "source-document": VercelDecoder._source,
    "file": VercelDecoder._file,
    "custom": VercelDecoder._custom,
    "error": VercelDecoder._error,
}
