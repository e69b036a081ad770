"""Decoder of OpenAI Responses, including other servers of that endpoint.

Format: https://platform.openai.com/docs/api-reference/responses-streaming. Items are stream events
and whole responses, as SDK objects or as dicts. Dispatch is by the `type` tag, never by class: the
SDK parses an event of an unknown type into the class of another event.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.closed_codes import code_from_metadata, error_with_code
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields,
    fields_or_empty,
    index_in,
    nonempty_str,
    str_field,
)
from nbagent.adapters.base.openai_fields import citation_fields, openai_usage
from nbagent.adapters.openai_responses.content import ItemContent, TextKind
from nbagent.adapters.openai_responses.items import Item, match_snapshot
from nbagent.adapters.openai_responses.open_text import OpenText
from nbagent.adapters.openai_responses.tools import ToolItems, is_tool

_LIFECYCLE_WORDS = {"in_progress", "completed", "failed", "done", "added"}


class ResponsesDecoder(BaseDecoder):
    """Decoder of Responses stream events."""

    system: ClassVar[str] = "openai.responses"
    texts_have_ids: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._content = ItemContent(self.builder)
        self._tools = ToolItems(self.builder)
        self._reset()

    def _reset(self) -> None:
        self._items: dict[Hashable, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._open_text: OpenText | None = None
        self._tools.pending = 0

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a stream event, a whole response, or the text of an event that
        was cut off.
        """
        if isinstance(item, str):  # openai_responses/vercel-parallel-tool-call-wrapper
            return item.startswith('{"type":"response.')
        payload = fields_or_empty(item)
        kind = payload.get("type")
        if isinstance(kind, str) and kind != "response":
            return kind.startswith("response.") or (
                kind == "error" and "sequence_number" in payload
            )
        return payload.get("object") == "response"

    # --- the fast path: an event that only appends to the open text ---

    def feed(self, item: Any) -> list[ev.Event]:
        """Return the events of one stream event.

        Never raises: an item that cannot be read becomes a `raw` event.
        """
        open_text = self._open_text
        if open_text is not None:
            delta = open_text.appended(item)
            if delta is not None:
                return [ev.TextDelta(id=open_text.block.id, delta=delta, **self.builder.envelope)]
        return super().feed(item)

    # --- one event ---

    def read(self, item: Any) -> None:
        """Read a stream event, a whole response, or the `[DONE]` that some servers add."""
        if isinstance(item, str):
            if item.strip() != "[DONE]":
                self.builder.raw(item)
            return
        payload = fields(item)
        kind = str_field(payload, "type", default="")
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, payload)
        elif payload.get("object") == "response":
            self._terminal({"response": payload})
        elif set(payload) == {"error"}:
            self._error(payload)
        elif not self._read_unhandled(kind, payload):
            self.builder.raw(item, kind)

    def _read_unhandled(self, kind: str, payload: Mapping[str, Any]) -> bool:
        """Read an event without a handler that belongs to a running call: arguments or progress.

        Return False for any other.
        """
        item = self._known_item(payload)
        if item is None or item.tool is None:
            return False
        delta = payload.get("delta")
        suffix = kind.rsplit(".", 1)[-1]
        if suffix == "delta" and isinstance(delta, str):
            self._tool_delta(payload)
        elif suffix == "delta":
            return False
        elif suffix not in _LIFECYCLE_WORDS:
            self.builder.progress(item.tool, suffix)
        return True  # the item's own `done` event repeats the final state

    # --- the response ---

    def _begin(self, payload: Mapping[str, Any]) -> None:
        response = fields_or_empty(payload.get("response"))
        self._tools.response_id = str_field(response, "id") or self._tools.response_id
        if not self.builder.in_step or self._items:
            self.end_response()
            self.new_step(str_field(response, "model"))
            self._reset()
        if payload.get("type") == "response.queued":
            self.builder.status("Queued")

    def _in_progress(self, payload: Mapping[str, Any]) -> None:
        if not self.builder.in_step:
            self._begin(payload)

    def _terminal(self, payload: Mapping[str, Any]) -> None:
        response = fields(payload["response"])
        self._in_progress(payload)
        self._reconcile(response.get("output"))
        status = str_field(response, "status") or str(payload.get("type", "")).removeprefix(
            "response."
        )
        error = response.get("error")
        if error or status == "failed":
            self.stop_info = StopInfo("failed", status)
            self.fail_with(error_with_code(error, response) or "The response failed")
        elif status == "completed":
            self.stop_info = StopInfo("paused" if self._tools.pending else "completed", status)
        elif status in ("cancelled", "canceled"):
            self.stop_info = StopInfo("cancelled", status)
        else:
            reason = (
                nonempty_str(fields_or_empty(response.get("incomplete_details")).get("reason"))
                or code_from_metadata(response)
                or status
            )
            self.stop_info = StopInfo("incomplete", reason, reason)
        self.builder.end_step(self.stop_info.finish_reason, openai_usage(response.get("usage")))

    def _reconcile(self, output: Any) -> None:
        """Complete the items of the final snapshot that the stream left incomplete or never
        sent.
        """
        for position, entry, item in match_snapshot(
            self._items.values(), [fields(one) for one in output or ()]
        ):
            self._complete(item or Item((self.builder.step, "final", position), position), entry)

    def _error(self, payload: Mapping[str, Any]) -> None:
        self.fail_with(
            payload.get("error") or {"message": payload.get("message"), "code": payload.get("code")}
        )

    def _compacting(self, payload: Mapping[str, Any]) -> None:
        self.builder.status("Compacting the conversation…")

    def _ignore(self, payload: Mapping[str, Any]) -> None:
        """Ignore a keep-alive, or the start of a part whose text follows."""

    # --- items ---

    def _known_item(self, payload: Mapping[str, Any]) -> Item | None:
        index = payload.get("output_index")
        if isinstance(index, int):
            return self._items.get((self.builder.step, index))
        return self._by_id.get(str(payload.get("item_id")))

    def _item(self, payload: Mapping[str, Any]) -> Item:
        """Return the item that an event belongs to, a new one if it is not known."""
        self._in_progress({})
        item = self._known_item(payload)
        if item is None:
            index = payload.get("output_index")
            if not isinstance(index, int):
                index = None
            item_id = str_field(payload, "item_id") or nonempty_str(
                fields_or_empty(payload.get("item")).get("id")
            )
            item = Item((self.builder.step, item_id or "" if index is None else index), index)
            self._items[item.key] = item
            if item_id:
                self._by_id[item_id] = item
        return item

    def _item_added(self, payload: Mapping[str, Any]) -> None:
        item_fields = fields(payload["item"])
        item = self._item({**payload, "item_id": item_fields.get("id")})
        if item.done or (item.type and item.type != item_fields.get("type")):
            # A server that gives every item the same index: keep the old item aside for the final
            # snapshot.
            self._items[item.key, len(self._items)] = self._items.pop(item.key)
            item = self._item({**payload, "item_id": item_fields.get("id")})
        self._describe(item, item_fields)
        if item.type == "reasoning":
            self._content.begin_reasoning(item)
        elif is_tool(item.type):
            self._tools.start(item, item_fields)

    def _describe(self, item: Item, item_fields: Mapping[str, Any]) -> None:
        item.describe(item_fields)
        if item.id:
            self._by_id[item.id] = item

    def _item_done(self, payload: Mapping[str, Any]) -> None:
        item_fields = fields(payload["item"])
        item = self._item({**payload, "item_id": item_fields.get("id")})
        self._complete(item, item_fields)

    def _complete(self, item: Item, item_fields: Mapping[str, Any]) -> None:
        """Complete an item, once."""
        if item.done:
            return
        started = bool(item.type)
        self._describe(item, item_fields)
        item.done = True
        if item.type == "message":
            for index, part in enumerate(entries_in(item_fields, "content")):
                self._complete_part(item, index, fields(part))
        elif item.type == "reasoning":
            self._content.complete_reasoning(item, item_fields)
        elif is_tool(item.type):
            if not started or item.tool is None:
                self._tools.start(item, item_fields)
            self._tools.complete(item, item_fields)
        elif not self._tools.answer(item.type, item_fields):
            self.builder.raw(item_fields, item.type or None)

    # --- text ---

    def _text_delta(self, payload: Mapping[str, Any]) -> None:
        self._write_text(payload, "text", payload["delta"])

    def _refusal_delta(self, payload: Mapping[str, Any]) -> None:
        self._write_text(payload, "refusal", payload["delta"])

    def _write_text(self, payload: Mapping[str, Any], kind: TextKind, delta: str) -> None:
        item = self._item(payload)
        index = payload.get("content_index")
        block = self._content.text(item, index or 0, delta, kind)
        if block is None:
            return
        self._open_text = None
        if kind == "text" and item.index is not None:
            self._open_text = OpenText(block, item.index, index)

    def _text_done(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "content_index")
        self._content.end_text(self._item(payload), index, payload.get("text"))

    def _refusal_done(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "content_index")
        self._content.end_text(self._item(payload), index, payload.get("refusal"), "refusal")

    def _part_done(self, payload: Mapping[str, Any]) -> None:
        self._complete_part(
            self._item(payload), index_in(payload, "content_index"), fields(payload["part"])
        )

    def _complete_part(self, item: Item, index: int, part: Mapping[str, Any]) -> None:
        match part.get("type"):
            case "output_text" | "text":
                self._content.end_text(item, index, part.get("text"))
                for number, annotation in enumerate(entries_in(part, "annotations")):
                    self._cite(item, index, number, annotation)
            case "refusal":
                self._content.end_text(item, index, part.get("refusal"), "refusal")
            case "reasoning_text":
                self._content.end_reasoning_part(item, index, part.get("text"), "raw")
            case _:
                if (index, "other") not in item.ended:
                    item.ended.add((index, "other"))
                    self.builder.raw(part, str_field(part, "type"))

    def _annotation(self, payload: Mapping[str, Any]) -> None:
        item = self._item(payload)
        number = payload.get("annotation_index")
        self._cite(
            item,
            index_in(payload, "content_index"),
            len(item.cited) if number is None else number,
            payload.get("annotation"),
        )

    def _cite(self, item: Item, index: int, number: int, annotation: Any) -> None:
        if (index, number) in item.cited:
            return
        item.cited.add((index, number))
        url, title, meta = citation_fields(annotation)
        self.builder.source(url, title=title, text_id=item.text_ids.get(index), meta=meta)

    # --- reasoning ---

    def _summary_delta(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "summary_index")
        self._content.reasoning(self._item(payload), index, payload["delta"])

    def _summary_done(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "summary_index")
        self._content.end_reasoning_part(self._item(payload), index, payload.get("text"))

    def _summary_part_done(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "summary_index")
        part = fields_or_empty(payload.get("part"))
        self._content.end_reasoning_part(self._item(payload), index, part.get("text"))

    def _raw_delta(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "content_index")
        self._content.reasoning(self._item(payload), index, payload["delta"], "raw")

    def _raw_done(self, payload: Mapping[str, Any]) -> None:
        index = index_in(payload, "content_index")
        self._content.end_reasoning_part(self._item(payload), index, payload.get("text"), "raw")

    # --- tools ---

    def _tool_delta(self, payload: Mapping[str, Any]) -> None:
        item = self._item(payload)
        # several commands: openai_responses/vercel-openai-shell-tool
        command = index_in(payload, "command_index")
        if command != item.command:
            delta = "\n" + payload["delta"]
        else:
            delta = payload["delta"]
        item.command = command
        if item.tool is None:
            item.early_deltas.append(delta)
        else:
            self.builder.tool_delta(item.tool, delta)

    def _tool_args(self, payload: Mapping[str, Any]) -> None:
        item = self._item(payload)
        if item.tool is None:
            return
        for name in ("arguments", "input", "code"):
            text = payload.get(name)
            if isinstance(text, str):
                self.builder.tool_args(item.tool, text, free="arguments" not in payload)
                return

    def _partial_image(self, payload: Mapping[str, Any]) -> None:
        self._tools.write_image(self._item(payload), payload.get("partial_image_b64"), payload)


_HANDLERS: dict[str, Callable[[ResponsesDecoder, Mapping[str, Any]], None]] = {
    "response.created": ResponsesDecoder._begin,
    "response.queued": ResponsesDecoder._begin,
    "response.in_progress": ResponsesDecoder._in_progress,
    "response.completed": ResponsesDecoder._terminal,
    "response.incomplete": ResponsesDecoder._terminal,
    "response.failed": ResponsesDecoder._terminal,
    "response.cancelled": ResponsesDecoder._terminal,
    "error": ResponsesDecoder._error,
    "keepalive": ResponsesDecoder._ignore,
    "response.compaction.compacting": ResponsesDecoder._compacting,
    "response.output_item.added": ResponsesDecoder._item_added,
    "response.output_item.done": ResponsesDecoder._item_done,
    "response.content_part.added": ResponsesDecoder._ignore,
    "response.content_part.done": ResponsesDecoder._part_done,
    "response.output_text.delta": ResponsesDecoder._text_delta,
    "response.output_text.done": ResponsesDecoder._text_done,
    "response.refusal.delta": ResponsesDecoder._refusal_delta,
    "response.refusal.done": ResponsesDecoder._refusal_done,
    "response.output_text.annotation.added": ResponsesDecoder._annotation,
    "response.reasoning_summary_part.added": ResponsesDecoder._ignore,
    "response.reasoning_summary_part.done": ResponsesDecoder._summary_part_done,
    "response.reasoning_summary_text.delta": ResponsesDecoder._summary_delta,
    "response.reasoning_summary_text.done": ResponsesDecoder._summary_done,
    "response.reasoning_text.delta": ResponsesDecoder._raw_delta,
    "response.reasoning_text.done": ResponsesDecoder._raw_done,
    "response.function_call_arguments.delta": ResponsesDecoder._tool_delta,
    "response.function_call_arguments.done": ResponsesDecoder._tool_args,
    "response.mcp_call_arguments.delta": ResponsesDecoder._tool_delta,
    "response.mcp_call_arguments.done": ResponsesDecoder._tool_args,
    "response.custom_tool_call_input.delta": ResponsesDecoder._tool_delta,
    "response.custom_tool_call_input.done": ResponsesDecoder._tool_args,
    "response.code_interpreter_call_code.delta": ResponsesDecoder._tool_delta,
    "response.code_interpreter_call_code.done": ResponsesDecoder._tool_args,
    "response.shell_call_command.delta": ResponsesDecoder._tool_delta,
    "response.shell_call_command.added": ResponsesDecoder._ignore,
    "response.image_generation_call.partial_image": ResponsesDecoder._partial_image,
}
