"""OpenAI Responses, and whoever serves the same endpoint.

The format: https://platform.openai.com/docs/api-reference/responses-streaming. Takes stream events and whole responses, as SDK
objects or as dicts. Everything goes by the `type` tag: the SDK gives an event that it does not know another event's class.
"""

from collections.abc import Callable, Hashable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import BaseDecoder, Verdict
from nbagent.adapters.base.fields import fields, fields_or_none, string
from nbagent.adapters.base.openai_fields import source_of, usage_of
from nbagent.adapters.openai_responses.content import ItemParts, TextKind
from nbagent.adapters.openai_responses.items import Item, match_snapshot
from nbagent.adapters.openai_responses.tools import ToolItems, is_tool
from nbagent.events.jsonable import sound

_LIFECYCLE_WORDS = {"in_progress", "completed", "failed", "done", "added"}


class ResponsesDecoder(BaseDecoder):
    """Responses stream events to events."""

    system: ClassVar[str] = "openai.responses"

    def __init__(self) -> None:
        super().__init__()
        self._parts = ItemParts(self.book)
        self._tools = ToolItems(self.book)
        self._reset()

    def _reset(self) -> None:
        self._items: dict[Hashable, Item] = {}
        self._by_id: dict[str, Item] = {}
        self._hot: tuple[Block, int, Any] | None = None
        self._tools.pending = 0

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is a stream event or a whole response; or the text of one that was cut."""
        if isinstance(item, str):
            return item.startswith('{"type":"response.')
        said = fields_or_none(item)
        kind = said.get("type")
        if isinstance(kind, str) and kind != "response":
            return kind.startswith("response.") or (kind == "error" and "sequence_number" in said)
        return said.get("object") == "response"

    # --- the fast path: one more piece of the text that is being written ------------------------------------------------

    def feed(self, item: Any) -> list[ev.Event]:
        """The events that one stream event means. Never raises: what cannot be read becomes a `raw` event."""
        hot = self._hot
        if hot is not None:
            text = self._more_text(item, *hot)
            if text is not None:
                return [ev.TextDelta(id=hot[0].id, delta=text, **self.book.stamp)]
        return super().feed(item)

    def _more_text(self, item: Any, block: Block, output_index: int, content_index: Any) -> str | None:
        """The text of an event that says nothing but more of the open text; None sends the event the long way."""
        try:
            if type(item) is dict:
                text = item["delta"]
                alone = (
                    item["type"] == "response.output_text.delta"
                    and item["output_index"] == output_index
                    and item["content_index"] == content_index
                )
            else:
                text = item.delta
                alone = (
                    item.type == "response.output_text.delta"
                    and item.output_index == output_index
                    and item.content_index == content_index
                )
            if alone and text and (text.isascii() or sound(text)) and not block.closed and not block.held:
                return str(text)
        except (AttributeError, KeyError, TypeError):
            pass
        return None

    # --- one event ------------------------------------------------------------------------------------------------------

    def read(self, item: Any) -> None:
        """One stream event, one whole response, or the `[DONE]` that some servers add."""
        if isinstance(item, str):
            if item.strip() != "[DONE]":
                self.book.raw(item)
            return
        said = fields(item)
        kind = string(said.get("type")) or ""
        handler = _HANDLERS.get(kind)
        if handler is not None:
            handler(self, said)
        elif said.get("object") == "response":
            self._terminal({"response": said})
        elif set(said) == {"error"}:
            self._error(said)
        elif not self._other(kind, said):
            self.book.raw(item, kind or None)

    def _other(self, kind: str, said: Mapping[str, Any]) -> bool:
        """An event that has no handler but speaks about a call that runs: more of its arguments, or what it does now."""
        item = self._known_item(said)
        if item is None or item.tool is None:
            return False
        delta = said.get("delta")
        word = kind.rsplit(".", 1)[-1]
        if word == "delta" and isinstance(delta, str):
            self._tool_delta(said)
        elif word == "delta":
            return False
        elif word not in _LIFECYCLE_WORDS:
            self.book.progress(item.tool, word)
        return True  # what is done is said again, whole, with the item

    # --- the response ---------------------------------------------------------------------------------------------------

    def _begin(self, said: Mapping[str, Any]) -> None:
        response = fields_or_none(said.get("response"))
        if not self.book.in_step or self._items:
            if self.book.in_step:
                self.finish()
            self.new_step(string(response.get("model")))
            self._reset()
        if said.get("type") == "response.queued":
            self.book.write(ev.Status(message="Queued", **self.book.stamp))

    def _in_progress(self, said: Mapping[str, Any]) -> None:
        if not self.book.in_step:
            self._begin(said)

    def _terminal(self, said: Mapping[str, Any]) -> None:
        response = fields(said["response"])
        self._in_progress(said)
        self._reconcile(response.get("output"))
        status = string(response.get("status")) or str(said.get("type", "")).removeprefix("response.")
        error = response.get("error")
        if error or status == "failed":
            self.verdict = Verdict("failed", status)
            self.fail_with(error or "The response failed")
        elif status == "completed":
            self.verdict = Verdict("paused" if self._tools.pending else "completed", status)
        elif status in ("cancelled", "canceled"):
            self.verdict = Verdict("cancelled", status)
        else:
            reason = string(fields_or_none(response.get("incomplete_details")).get("reason")) or status
            self.verdict = Verdict("incomplete", reason, reason)
        self.book.end_step(self.verdict.finish_reason, usage_of(response.get("usage")))

    def _reconcile(self, output: Any) -> None:
        """Finish what the final snapshot has and the stream did not finish, or never had."""
        for position, said, item in match_snapshot(self._items.values(), [fields(entry) for entry in output or ()]):
            self._complete(item or Item((self.book.step, "final", position), position), said)

    def _error(self, said: Mapping[str, Any]) -> None:
        self.fail_with(said.get("error") or {"message": said.get("message"), "code": said.get("code")})

    def _compacting(self, said: Mapping[str, Any]) -> None:
        self.book.write(ev.Status(message="Compacting the conversation…", **self.book.stamp))

    def _nothing(self, said: Mapping[str, Any]) -> None:
        """A sign of life, or the announcement of a part whose text follows."""

    # --- items ----------------------------------------------------------------------------------------------------------

    def _known_item(self, said: Mapping[str, Any]) -> Item | None:
        index = said.get("output_index")
        if isinstance(index, int):
            return self._items.get((self.book.step, index))
        return self._by_id.get(str(said.get("item_id")))

    def _item(self, said: Mapping[str, Any]) -> Item:
        """The item that an event speaks about."""
        self._in_progress({})
        item = self._known_item(said)
        if item is None:
            index = said.get("output_index")
            index = index if isinstance(index, int) else None
            item_id = string(said.get("item_id")) or string(fields_or_none(said.get("item")).get("id"))
            item = Item((self.book.step, item_id or "" if index is None else index), index)
            self._items[item.key] = item
            if item_id:
                self._by_id[item_id] = item
        return item

    def _item_added(self, said: Mapping[str, Any]) -> None:
        inner = fields(said["item"])
        item = self._item({**said, "item_id": inner.get("id")})
        if item.done or (item.type and item.type != inner.get("type")):
            # a server that gives every item the same index: put the old one aside, for the final snapshot
            self._items[item.key, len(self._items)] = self._items.pop(item.key)
            item = self._item({**said, "item_id": inner.get("id")})
        self._describe(item, inner)
        if item.type == "reasoning":
            self._parts.begin_thought(item)
        elif is_tool(item.type):
            self._tools.start(item, inner)

    def _describe(self, item: Item, inner: Mapping[str, Any]) -> None:
        item.describe(inner)
        if item.id:
            self._by_id[item.id] = item

    def _item_done(self, said: Mapping[str, Any]) -> None:
        inner = fields(said["item"])
        item = self._item({**said, "item_id": inner.get("id")})
        self._complete(item, inner)

    def _complete(self, item: Item, inner: Mapping[str, Any]) -> None:
        """An item is final, once."""
        if item.done:
            return
        started = bool(item.type)
        self._describe(item, inner)
        item.done = True
        if item.type == "message":
            for index, part in enumerate(inner.get("content") or ()):
                self._complete_part(item, index, fields(part))
        elif item.type == "reasoning":
            self._parts.complete_thought(item, inner)
        elif is_tool(item.type):
            if not started or item.tool is None:
                self._tools.start(item, inner)
            self._tools.complete(item, inner)
        elif not self._tools.answer(item.type, inner):
            self.book.raw(inner, item.type or None)

    # --- text -----------------------------------------------------------------------------------------------------------

    def _text_delta(self, said: Mapping[str, Any]) -> None:
        self._write_text(said, "text", said["delta"])

    def _refusal_delta(self, said: Mapping[str, Any]) -> None:
        self._write_text(said, "refusal", said["delta"])

    def _write_text(self, said: Mapping[str, Any], kind: TextKind, delta: str) -> None:
        item = self._item(said)
        index = said.get("content_index")
        block = self._parts.text(item, index or 0, delta, kind)
        if block is not None:
            self._hot = (block, item.index, index) if kind == "text" and item.index is not None else None

    def _text_done(self, said: Mapping[str, Any]) -> None:
        self._parts.end_text(self._item(said), said.get("content_index") or 0, said.get("text"))

    def _refusal_done(self, said: Mapping[str, Any]) -> None:
        self._parts.end_text(self._item(said), said.get("content_index") or 0, said.get("refusal"), "refusal")

    def _part_done(self, said: Mapping[str, Any]) -> None:
        self._complete_part(self._item(said), said.get("content_index") or 0, fields(said["part"]))

    def _complete_part(self, item: Item, index: int, part: Mapping[str, Any]) -> None:
        match part.get("type"):
            case "output_text" | "text":
                self._parts.end_text(item, index, part.get("text"))
                for number, annotation in enumerate(part.get("annotations") or ()):
                    self._cite(item, index, number, annotation)
            case "refusal":
                self._parts.end_text(item, index, part.get("refusal"), "refusal")
            case "reasoning_text":
                self._parts.end_part_of_thought(item, index, part.get("text"), "raw")
            case _:
                if (index, "other") not in item.ended:
                    item.ended.add((index, "other"))
                    self.book.raw(part, string(part.get("type")))

    def _annotation(self, said: Mapping[str, Any]) -> None:
        item = self._item(said)
        number = said.get("annotation_index")
        self._cite(item, said.get("content_index") or 0, len(item.cited) if number is None else number, said.get("annotation"))

    def _cite(self, item: Item, index: int, number: int, annotation: Any) -> None:
        if (index, number) in item.cited:
            return
        item.cited.add((index, number))
        url, title, meta = source_of(annotation)
        book, text_id = self.book, item.text_ids.get(index)
        book.write(ev.Source(id=book.mint("source"), url=url, title=title, text_id=text_id, meta=meta, **book.stamp))

    # --- reasoning ------------------------------------------------------------------------------------------------------

    def _summary_delta(self, said: Mapping[str, Any]) -> None:
        self._parts.thought(self._item(said), said.get("summary_index") or 0, said["delta"])

    def _summary_done(self, said: Mapping[str, Any]) -> None:
        self._parts.end_part_of_thought(self._item(said), said.get("summary_index") or 0, said.get("text"))

    def _summary_part_done(self, said: Mapping[str, Any]) -> None:
        part = fields_or_none(said.get("part"))
        self._parts.end_part_of_thought(self._item(said), said.get("summary_index") or 0, part.get("text"))

    def _raw_delta(self, said: Mapping[str, Any]) -> None:
        self._parts.thought(self._item(said), said.get("content_index") or 0, said["delta"], "raw")

    def _raw_done(self, said: Mapping[str, Any]) -> None:
        self._parts.end_part_of_thought(self._item(said), said.get("content_index") or 0, said.get("text"), "raw")

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool_delta(self, said: Mapping[str, Any]) -> None:
        item = self._item(said)
        command = said.get("command_index") or 0
        delta = "\n" + said["delta"] if command != item.command else said["delta"]
        item.command = command
        if item.tool is None:
            item.waiting.append(delta)
        else:
            self.book.tool_delta(item.tool, delta)

    def _tool_args(self, said: Mapping[str, Any]) -> None:
        item = self._item(said)
        text = next((said[name] for name in ("arguments", "input", "code") if isinstance(said.get(name), str)), None)
        if item.tool is not None and text is not None:
            self.book.tool_args(item.tool, text, free="arguments" not in said)

    def _partial_image(self, said: Mapping[str, Any]) -> None:
        self._tools.write_image(self._item(said), said.get("partial_image_b64"), said)


_HANDLERS: dict[str, Callable[[ResponsesDecoder, Mapping[str, Any]], None]] = {
    "response.created": ResponsesDecoder._begin,
    "response.queued": ResponsesDecoder._begin,
    "response.in_progress": ResponsesDecoder._in_progress,
    "response.completed": ResponsesDecoder._terminal,
    "response.incomplete": ResponsesDecoder._terminal,
    "response.failed": ResponsesDecoder._terminal,
    "response.cancelled": ResponsesDecoder._terminal,
    "error": ResponsesDecoder._error,
    "keepalive": ResponsesDecoder._nothing,
    "response.compaction.compacting": ResponsesDecoder._compacting,
    "response.output_item.added": ResponsesDecoder._item_added,
    "response.output_item.done": ResponsesDecoder._item_done,
    "response.content_part.added": ResponsesDecoder._nothing,
    "response.content_part.done": ResponsesDecoder._part_done,
    "response.output_text.delta": ResponsesDecoder._text_delta,
    "response.output_text.done": ResponsesDecoder._text_done,
    "response.refusal.delta": ResponsesDecoder._refusal_delta,
    "response.refusal.done": ResponsesDecoder._refusal_done,
    "response.output_text.annotation.added": ResponsesDecoder._annotation,
    "response.reasoning_summary_part.added": ResponsesDecoder._nothing,
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
    "response.shell_call_command.added": ResponsesDecoder._nothing,
    "response.image_generation_call.partial_image": ResponsesDecoder._partial_image,
}
