"""Cohere's Chat API, version 2, streamed.

Format: https://docs.cohere.com/v2/reference/chat-stream, and the types of the Python SDK 5.x. Takes stream events as SDK
objects or as dicts, framed with their server-sent event's name or not.

What it cannot say: results of tools, approvals, agents. The plan that precedes a tool call is read as a thought.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import clean_str, fields, fields_or_empty, nonempty_str, str_field, to_jsonable
from nbagent.adapters.base.payload import frame_of

_CUT_SHORT = {"MAX_TOKENS", "TIMEOUT", "ERROR_LIMIT", "ERROR_TOXIC"}
_PLAN = "plan"


class CohereDecoder(BaseDecoder):
    """Stream events to events. A message is a step."""

    system: ClassVar[str] = "cohere.chat"

    def __init__(self) -> None:
        super().__init__()
        self._reset()

    def _reset(self) -> None:
        self._text_ids: dict[Any, str] = {}
        self._usage: ev.Usage | None = None
        self._reason: str | None = None
        self._whole = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a stream event."""
        return _tag(frame_of(item).data) in _HANDLERS

    def read(self, item: Any) -> None:
        """One stream event, or the `[DONE]` after the last one."""
        if isinstance(item, str):
            if item.strip() != "[DONE]":
                self.builder.raw(item)
            return
        inner = frame_of(item).data
        handler = _HANDLERS.get(_tag(inner))
        payload = fields(inner)
        if handler is not None:
            if not self.builder.in_step and handler is not CohereDecoder._message_start:
                self._message_start({})
            handler(self, payload, fields_or_empty(fields_or_empty(payload.get("delta")).get("message")))
        elif _tag(inner) == "" and str_field(payload, "message"):  # the body of an error
            self.fail_with(payload)
        else:
            self.builder.raw(item, clean_str(payload.get("type")))

    # --- the message ----------------------------------------------------------------------------------------------------

    def _message_start(self, payload: Mapping[str, Any], message: Mapping[str, Any] | None = None) -> None:
        if self.builder.in_step:
            self.finish()
        self.new_step()
        self._reset()

    def _message_end(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        delta = fields_or_empty(payload.get("delta"))
        self._reason = clean_str(delta.get("finish_reason"))
        self._usage = _read_usage(delta.get("usage"))
        self._whole = True
        if delta.get("error"):
            self.fail_with(delta["error"])
        elif self._reason == "ERROR":
            self.fail("The model stopped with finish_reason 'ERROR'", self._reason)
        self.finish()

    def finish(self) -> None:
        """The message is over; only its own last event tells that it is whole."""
        reason = self._reason
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=reason)
        elif self._whole and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo("incomplete", reason, reason) if reason in _CUT_SHORT else StopInfo("completed", reason)
        self.builder.end_step(reason, self._usage)

    # --- text, thoughts and sources -------------------------------------------------------------------------------------

    def _content(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        content = fields_or_empty(message.get("content"))
        key = (self.builder.step, payload.get("index"))
        self.builder.end_thought(_PLAN)
        if content.get("type") == "thinking" or content.get("thinking") is not None:
            self.builder.thought(key, str_field(content, "thinking") or "")
            return
        block = self.builder.text(key, str_field(content, "text") or "")
        if block is not None:
            self._text_ids[payload.get("index")] = block.id

    def _content_end(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        key = (self.builder.step, payload.get("index"))
        self.builder.end_thought(key)
        self.builder.end_text(key)

    def _plan(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        self.builder.thought(_PLAN, str_field(message, "tool_plan") or "")

    def _citation(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """A passage of the answer and the documents, or results of tools, that it rests on."""
        builder = self.builder
        citations = message.get("citations")
        for citation in map(fields_or_empty, citations if isinstance(citations, list | tuple) else [citations]):
            index = citation.get("content_index", payload.get("index"))
            text_id = self._text_ids.get(index) or next(iter(self._text_ids.values()), None)
            for source in map(fields_or_empty, citation.get("sources") or ({},)):
                document = fields_or_empty(source.get("document") or source.get("tool_output"))
                url = clean_str(document.get("url"))
                title = clean_str(document.get("title")) or clean_str(document.get("id")) or clean_str(source.get("id"))
                meta = to_jsonable({**citation, "sources": [source]})
                builder.source(url, title=title, text_id=text_id, meta=meta)

    def _nothing(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """The end of a citation, which was whole."""

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool_start(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        self.builder.end_texts_and_thoughts()
        call = _call(message)
        function = fields_or_empty(call.get("function"))
        key = (self.builder.step, payload.get("index"))
        block = self.builder.start_tool(key, clean_str(function.get("name")) or "function", call_id=clean_str(call.get("id")))
        self.builder.tool_delta(block, str_field(function, "arguments") or "")

    def _tool_delta(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        block = self.builder.tool((self.builder.step, payload.get("index")))
        if block is None:
            self.builder.raw(payload, "tool-call-delta")
        else:
            self.builder.tool_delta(block, nonempty_str(fields_or_empty(_call(message).get("function")).get("arguments")) or "")

    def _tool_end(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        block = self.builder.tool((self.builder.step, payload.get("index")))
        if block is not None:
            self.builder.tool_args(block)


def _tag(item: Any) -> str:
    """The event's type, which in an SDK object may be the class's own."""
    kind = fields_or_empty(item).get("type") or (
        getattr(item, "type", None) if hasattr(item, "__pydantic_fields_set__") else None
    )
    return kind if isinstance(kind, str) else ""


def _call(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The call that an event speaks about; the API has it in a field named like a list."""
    calls = message.get("tool_calls")
    return fields_or_empty(calls[0] if isinstance(calls, list) and calls else calls)


def _read_usage(usage: Any) -> ev.Usage | None:
    """Token counts in our terms: what the model read and wrote, which is more than what is billed."""
    payload = fields_or_empty(usage)
    tokens = fields_or_empty(payload.get("tokens")) or fields_or_empty(payload.get("billed_units"))
    sent, made = (
        int(count) if isinstance(count := tokens.get(n), int | float) else None for n in ("input_tokens", "output_tokens")
    )
    if sent is None and made is None:
        return None
    cached = payload.get("cached_tokens")
    return ev.Usage(
        input=sent,
        output=made,
        total=None if sent is None or made is None else sent + made,
        cache_read=int(cached) if isinstance(cached, int | float) else None,
    )


_HANDLERS: dict[str, Callable[[CohereDecoder, Mapping[str, Any], Mapping[str, Any]], None]] = {
    "message-start": CohereDecoder._message_start,
    "message-end": CohereDecoder._message_end,
    "content-start": CohereDecoder._content,
    "content-delta": CohereDecoder._content,
    "content-end": CohereDecoder._content_end,
    "tool-plan-delta": CohereDecoder._plan,
    "tool-call-start": CohereDecoder._tool_start,
    "tool-call-delta": CohereDecoder._tool_delta,
    "tool-call-end": CohereDecoder._tool_end,
    "citation-start": CohereDecoder._citation,
    "citation-end": CohereDecoder._nothing,
}
