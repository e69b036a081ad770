"""Cohere's Chat API, version 2, streamed.

The format: https://docs.cohere.com/v2/reference/chat-stream, and the types of the Python SDK 5.x. Takes stream events as SDK
objects or as dicts, framed with their server-sent event's name or not.

What it cannot say: results of tools, approvals, agents. The plan that precedes a tool call is read as a thought.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields, fields_or_none, label, plain, string
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
        """Whether the item is a stream event."""
        return _tag(frame_of(item).data) in _HANDLERS

    def read(self, item: Any) -> None:
        """One stream event, or the `[DONE]` after the last one."""
        if isinstance(item, str):
            if item.strip() != "[DONE]":
                self.book.raw(item)
            return
        inner = frame_of(item).data
        handler = _HANDLERS.get(_tag(inner))
        said = fields(inner)
        if handler is not None:
            if not self.book.in_step and handler is not CohereDecoder._message_start:
                self._message_start({})
            handler(self, said, fields_or_none(fields_or_none(said.get("delta")).get("message")))
        elif _tag(inner) == "" and string(said.get("message")):  # the body of an error
            self.fail_with(said)
        else:
            self.book.raw(item, label(said.get("type")))

    # --- the message ----------------------------------------------------------------------------------------------------

    def _message_start(self, said: Mapping[str, Any], message: Mapping[str, Any] | None = None) -> None:
        if self.book.in_step:
            self.finish()
        self.new_step()
        self._reset()

    def _message_end(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        delta = fields_or_none(said.get("delta"))
        self._reason = label(delta.get("finish_reason"))
        self._usage = _usage_of(delta.get("usage"))
        self._whole = True
        if delta.get("error"):
            self.fail_with(delta["error"])
        elif self._reason == "ERROR":
            self.fail("The model stopped with finish_reason 'ERROR'", self._reason)
        self.finish()

    def finish(self) -> None:
        """The message is over; only its own last event tells that it is whole."""
        reason = self._reason
        if self.verdict.status == "failed":
            self.verdict = self.verdict._replace(finish_reason=reason)
        elif self._whole and self.verdict is TRUNCATED:
            self.verdict = Verdict("incomplete", reason, reason) if reason in _CUT_SHORT else Verdict("completed", reason)
        self.book.end_step(reason, self._usage)

    # --- text, thoughts and sources -------------------------------------------------------------------------------------

    def _content(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        content = fields_or_none(message.get("content"))
        key = (self.book.step, said.get("index"))
        self.book.end_thought(_PLAN)
        if content.get("type") == "thinking" or content.get("thinking") is not None:
            self.book.thought(key, string(content.get("thinking")) or "")
            return
        block = self.book.text(key, string(content.get("text")) or "")
        if block is not None:
            self._text_ids[said.get("index")] = block.id

    def _content_end(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        key = (self.book.step, said.get("index"))
        self.book.end_thought(key)
        self.book.end_text(key)

    def _plan(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        self.book.thought(_PLAN, string(message.get("tool_plan")) or "")

    def _citation(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """A passage of the answer and the documents, or results of tools, that it rests on."""
        book = self.book
        citations = message.get("citations")
        for citation in map(fields_or_none, citations if isinstance(citations, list | tuple) else [citations]):
            index = citation.get("content_index", said.get("index"))
            text_id = self._text_ids.get(index) or next(iter(self._text_ids.values()), None)
            for source in map(fields_or_none, citation.get("sources") or ({},)):
                document = fields_or_none(source.get("document") or source.get("tool_output"))
                url = label(document.get("url"))
                title = label(document.get("title")) or label(document.get("id")) or label(source.get("id"))
                meta = plain({**citation, "sources": [source]})
                book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=text_id, meta=meta, **book.stamp))

    def _nothing(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        """The end of a citation, which was whole."""

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool_start(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        self.book.settle()
        call = _call(message)
        function = fields_or_none(call.get("function"))
        key = (self.book.step, said.get("index"))
        block = self.book.start_tool(key, label(function.get("name")) or "function", call_id=label(call.get("id")))
        self.book.tool_delta(block, string(function.get("arguments")) or "")

    def _tool_delta(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        block = self.book.tool((self.book.step, said.get("index")))
        if block is None:
            self.book.raw(said, "tool-call-delta")
        else:
            self.book.tool_delta(block, string(fields_or_none(_call(message).get("function")).get("arguments")) or "")

    def _tool_end(self, said: Mapping[str, Any], message: Mapping[str, Any]) -> None:
        block = self.book.tool((self.book.step, said.get("index")))
        if block is not None:
            self.book.tool_args(block)


def _tag(item: Any) -> str:
    """The event's type, which in an SDK object may be the class's own."""
    kind = fields_or_none(item).get("type") or (
        getattr(item, "type", None) if hasattr(item, "__pydantic_fields_set__") else None
    )
    return kind if isinstance(kind, str) else ""


def _call(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """The call that an event speaks about; the API has it in a field named like a list."""
    calls = message.get("tool_calls")
    return fields_or_none(calls[0] if isinstance(calls, list) and calls else calls)


def _usage_of(usage: Any) -> ev.Usage | None:
    """Token counts in our terms: what the model read and wrote, which is more than what is billed."""
    said = fields_or_none(usage)
    tokens = fields_or_none(said.get("tokens")) or fields_or_none(said.get("billed_units"))
    sent, made = (
        int(count) if isinstance(count := tokens.get(n), int | float) else None for n in ("input_tokens", "output_tokens")
    )
    if sent is None and made is None:
        return None
    cached = said.get("cached_tokens")
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
