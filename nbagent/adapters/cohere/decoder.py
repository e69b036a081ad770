"""Decoder of Cohere's Chat API, version 2.

Format: https://docs.cohere.com/v2/reference/chat-stream, and the types of the Python SDK 5.x. Items
are stream events, as SDK objects or dicts, with or without the frame of a server-sent event.

The format has no tool results, approvals or agents. The plan before a tool call becomes reasoning.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    clean_str,
    fields,
    fields_or_empty,
    listed,
    nonempty_str,
    str_field,
    sum_or_none,
    to_jsonable,
)
from nbagent.adapters.base.payload import frame_of

_CUT_SHORT = {"MAX_TOKENS", "TIMEOUT", "ERROR_LIMIT", "ERROR_TOXIC"}
_PLAN = "plan"


class CohereDecoder(BaseDecoder):
    """Decoder of stream events. A message is a step."""

    system: ClassVar[str] = "cohere.chat"

    def __init__(self) -> None:
        super().__init__()
        self._reset()

    def _reset(self) -> None:
        self._text_ids: dict[Any, str] = {}
        self._usage: ev.Usage | None = None
        self._reason: str | None = None
        self._terminal_seen = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a stream event."""
        return _tag(frame_of(item).data) in _HANDLERS

    def read(self, item: Any) -> None:
        """Read a stream event, or the `[DONE]` after the last one."""
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
            handler(
                self, payload, fields_or_empty(fields_or_empty(payload.get("delta")).get("message"))
            )
        elif _tag(inner) == "" and str_field(payload, "message"):  # an error body
            self.fail_with(payload)
        else:
            self.builder.raw(item, clean_str(payload.get("type")))

    # --- the message ---

    def _message_start(
        self, payload: Mapping[str, Any], message: Mapping[str, Any] | None = None
    ) -> None:
        self.end_response()
        self.new_step()
        self._reset()

    def _message_end(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        delta = fields_or_empty(payload.get("delta"))
        self._reason = clean_str(delta.get("finish_reason"))
        self._usage = _read_usage(delta.get("usage"))
        self._terminal_seen = True
        if delta.get("error"):
            self.fail_with(delta["error"])
        elif self._reason == "ERROR":
            self.fail("The model stopped with finish_reason 'ERROR'", self._reason)
        self.finish()

    def finish(self) -> None:
        """End the message. Without `message-end` it is truncated."""
        reason = self._reason
        if self.stop_info.status == "failed":
            self.stop_info = self.stop_info._replace(finish_reason=reason)
        elif self._terminal_seen and self.stop_info is TRUNCATED:
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)
        self.builder.end_step(reason, self._usage)

    # --- text, reasoning and sources ---

    def _content(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        content = fields_or_empty(message.get("content"))
        key = (self.builder.step, payload.get("index"))
        self.builder.end_reasoning(_PLAN)
        if content.get("type") == "thinking" or content.get("thinking") is not None:
            self.builder.reasoning(key, str_field(content, "thinking", default=""))
            return
        block = self.builder.text(key, str_field(content, "text", default=""))
        if block is not None:
            self._text_ids[payload.get("index")] = block.id

    def _content_end(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        key = (self.builder.step, payload.get("index"))
        self.builder.end_reasoning(key)
        self.builder.end_text(key)

    def _plan(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        self.builder.reasoning(_PLAN, str_field(message, "tool_plan", default=""))

    def _citation(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """Write the sources of a passage: documents or tool results."""
        for citation in map(fields_or_empty, listed(message.get("citations"))):
            index = citation.get("content_index", payload.get("index"))
            text_id = self._text_ids.get(index) or next(iter(self._text_ids.values()), None)
            for source in map(fields_or_empty, citation.get("sources") or ({},)):
                document = fields_or_empty(source.get("document") or source.get("tool_output"))
                url = clean_str(document.get("url"))
                title = (
                    clean_str(document.get("title"))
                    or clean_str(document.get("id"))
                    or clean_str(source.get("id"))
                )
                meta = to_jsonable({**citation, "sources": [source]})
                self.builder.source(url, title=title, text_id=text_id, meta=meta)

    def _ignore(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """Ignore the end of a citation, which came complete."""

    # --- tools ---

    def _tool_start(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        self.builder.end_texts_and_reasoning()
        call = _call(message)
        function = fields_or_empty(call.get("function"))
        key = (self.builder.step, payload.get("index"))
        block = self.builder.start_tool(
            key,
            clean_str(function.get("name"), default="function"),
            call_id=clean_str(call.get("id")),
        )
        self.builder.tool_delta(block, str_field(function, "arguments", default=""))

    def _tool_delta(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        block = self.builder.tool((self.builder.step, payload.get("index")))
        if block is None:
            self.builder.raw(payload, "tool-call-delta")
        else:
            self.builder.tool_delta(
                block,
                nonempty_str(
                    fields_or_empty(_call(message).get("function")).get("arguments"), default=""
                ),
            )

    def _tool_end(self, payload: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        block = self.builder.tool((self.builder.step, payload.get("index")))
        if block is not None:
            self.builder.tool_args(block)


def _tag(item: Any) -> str:
    """Return the event's type, which some SDK objects have only as a class default; "" if there is
    none.
    """
    kind = fields_or_empty(item).get("type")
    if not kind and hasattr(item, "__pydantic_fields_set__"):
        kind = getattr(item, "type", None)
    if isinstance(kind, str):
        return kind
    return ""


def _call(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the call of an event: `tool_calls` is one object, although its name is a plural."""
    calls = message.get("tool_calls")
    if isinstance(calls, list) and calls:
        return fields_or_empty(calls[0])
    return fields_or_empty(calls)


def _read_usage(usage: Any) -> ev.Usage | None:
    """Return the token counts, or None: `tokens` if given, else the lower `billed_units`."""
    counts = fields_or_empty(usage)
    tokens = fields_or_empty(counts.get("tokens")) or fields_or_empty(counts.get("billed_units"))
    prompt, output = _count(tokens.get("input_tokens")), _count(tokens.get("output_tokens"))
    if prompt is None and output is None:
        return None
    return ev.Usage(
        input=prompt,
        output=output,
        total=sum_or_none(prompt, output),
        cache_read=_count(counts.get("cached_tokens")),
    )


def _count(value: Any) -> int | None:
    """Return a number of tokens, which the service sends as a float."""
    if not isinstance(value, (int, float)):
        return None
    return int(value)


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
    "citation-end": CohereDecoder._ignore,
}
