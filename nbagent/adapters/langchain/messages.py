"""LangChain messages, which LangChain's and LangGraph's streams share: chunks, complete messages,
tool messages.

Format: https://github.com/langchain-ai/langchain/tree/master/libs/core/langchain_core/messages
(langchain-core 1.7).
"""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    listed,
    nonempty_str,
    str_field,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.langchain.content import Content
from nbagent.adapters.langchain.parts import langchain_usage, tool_call_chunks
from nbagent.adapters.langchain.review import META, Review, reviews_in
from nbagent.events.usage import add_usage

_KINDS = {
    "ai": "ai",
    "AIMessage": "ai",
    "AIMessageChunk": "chunk",
    "tool": "tool",
    "ToolMessage": "tool",
    "ToolMessageChunk": "tool",
}
_OTHER_KINDS = {
    "human",
    "system",
    "function",
    "chat",
    "remove",
    "HumanMessage",
    "SystemMessage",
    "RemoveMessage",
    "developer",
}
FINISH_FIELDS = ("finish_reason", "stop_reason", "done_reason", "finishReason")
_CUT_SHORT = {
    "length",
    "max_tokens",
    "MAX_TOKENS",
    "content_filter",
    "SAFETY",
    "incomplete",
    "model_context_window_exceeded",
}


def unwrap_message(item: Any) -> Any:
    """Return the message inside the wrappers of LangChain's serialisers and of generations; other
    items unchanged.
    """
    if isinstance(item, str):
        return item
    if isinstance(item, Mapping):
        inner = _serialised(fields_or_empty(item))
        if inner is not None:
            return inner
    generations = get_field(item, "generations")
    if isinstance(generations, list) and generations:
        first = generations[0]
        if isinstance(first, list) and first:
            first = first[0]
        return unwrap_message(get_field(first, "message") or first)
    if class_name(item).endswith("GenerationChunk"):
        inner = get_field(item, "message")
        if inner is not None:
            return unwrap_message(inner)
    return item


def _serialised(wrapper: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the message that one of LangChain's serialisers has wrapped; None if it is none."""
    kwargs, data = wrapper.get("kwargs"), wrapper.get("data")
    if wrapper.get("lc") and isinstance(kwargs, Mapping):
        path = wrapper.get("id")
        name = path[-1] if isinstance(path, list) and path else ""
        return {"__class__": name, **kwargs}
    if str_field(wrapper, "type") in _KINDS and isinstance(data, Mapping):
        return {"type": wrapper["type"], **data}
    return None


def kind_of(message: Any) -> str | None:
    """Return the kind of a message: "ai", "chunk", "tool" or "other" (human, system); None for any
    other object.
    """
    tag, name = get_field(message, "type"), class_name(message)
    if get_field(message, "content") is None and get_field(message, "tool_calls") is None:
        return None
    for word in (tag, name):
        if isinstance(word, str) and word in _KINDS:
            return _KINDS[word]
    if nonempty_str(tag) in _OTHER_KINDS or name in _OTHER_KINDS:
        return "other"
    return None


class OpenMessage:
    """A model's message that is not complete yet."""

    def __init__(self, key: Hashable, content: Content, envelope: dict[str, Any]) -> None:
        self.key = key
        self.content = content
        self.envelope = envelope
        self.usage: ev.Usage | None = None
        self.finish_reason: str | None = None


class Messages:
    """Messages of a run. Each is written once, although streams repeat them in several forms.

    Args:
        decoder: its builder takes the events; its `stop_info` is set from the last message.
    """

    def __init__(self, decoder: BaseDecoder) -> None:
        self._decoder = decoder
        self._builder = decoder.builder
        self._open: dict[Hashable, OpenMessage] = {}
        self._seen: set[Hashable] = set()
        self._calls: dict[str, Block] = {}
        self._earlier: dict[str, Any] = {}
        self._interrupts: set[Hashable] = set()
        self._answered: set[Hashable] = set()  # interrupts of before the run went on
        self._usage: ev.Usage | None = None
        self._objects = False

    @property
    def waiting(self) -> list[Block]:
        """Calls without a final result."""
        return [block for block in self._calls.values() if not block.closed]

    @property
    def writing(self) -> bool:
        """True while a message is incomplete."""
        return bool(self._open)

    def go_on(self) -> None:
        """Go on with a run that was paused: its interrupts were answered, also where a later state
        repeats them.
        """
        self._answered |= self._interrupts
        self._interrupts.clear()

    def infer_end(self) -> None:
        """Infer at EOF whether the run is complete, since LangGraph has no terminal item.

        It is truncated if a message is incomplete or a call unanswered. If a tool message came
        last, or no message at all, a stream of JSON is truncated, but a stream of objects is
        complete: those come from a graph in this process, which raises if it cannot go on.
        """
        if self.writing or self.waiting:
            self._decoder.expect_more()
        elif self._objects:
            self._decoder.complete()

    def _mark_seen(self, message: Any) -> None:
        """Remember a message, so that repeats of it are not written."""
        self._objects = self._objects or not isinstance(message, Mapping)
        message_id = get_str(message, "id")
        if message_id:
            self._seen.add(message_id)

    def skip(self, message: Any) -> None:
        """Remember a message of an earlier turn without writing it, and its calls, which may be
        answered only now.
        """
        self._mark_seen(message)
        self._earlier |= {
            str(get_field(call, "id")): get_field(call, "args")
            for call in entries_in(message, "tool_calls")
        }

    # --- the model's ---

    def begin(self, key: Hashable, model: str | None = None) -> OpenMessage:
        """Return the open message of that key, a new one if there is none.

        Messages that overlap share a step.
        """
        found = self._open.get(key)
        if found is None:
            if not self._open:
                self._decoder.new_step(model)
                self._usage = None
            found = OpenMessage(key, Content(self._builder, key), dict(self._builder.envelope))
            self._open[key] = found
        return found

    def _open_message(self, upstream: Any, key: Hashable, model: str | None) -> OpenMessage | None:
        """Return the open message that an upstream message belongs to; None if that has ended."""
        message_id = get_str(upstream, "id")
        if key not in self._open and (key in self._seen or message_id in self._seen):
            return None
        self._mark_seen(upstream)
        return self.begin(key, model)

    def chunk(self, upstream: Any, key: Hashable, model: str | None = None) -> None:
        """Write a message chunk."""
        message = self._open_message(upstream, key, model)
        if message is None:
            return
        message.content.write(upstream)
        usage = langchain_usage(get_field(upstream, "usage_metadata"))
        message.usage = add_usage(message.usage, usage)  # a chunk counts only its own tokens
        message.finish_reason = self._finish_reason(upstream) or message.finish_reason
        for call in tool_call_chunks(upstream):
            self.add_call(message.content.call(call))
        if get_field(upstream, "chunk_position") == "last":
            self.end(key)

    def add_complete(self, upstream: Any, key: Hashable, model: str | None = None) -> None:
        """Write a complete message, which may have been streamed before."""
        message = self._open_message(upstream, key, model)
        if message is None:
            return
        message.content.complete(upstream)
        for block in message.content.tools.values():
            self.add_call(block)
        message.usage = langchain_usage(get_field(upstream, "usage_metadata")) or message.usage
        message.finish_reason = self._finish_reason(upstream) or message.finish_reason
        self.end(key)

    def end(self, key: Hashable) -> None:
        """End a message, and the step with the last open one."""
        message = self._open.pop(key, None)
        if message is None:
            return
        self._seen.add(key)
        message.content.close()
        self._usage = add_usage(self._usage, message.usage)
        reason = message.finish_reason
        if not self._open:
            self._builder.end_step(reason, self._usage)
        if self._decoder.stop_info.status == "failed":
            return
        if self.waiting:
            self._decoder.stop_info = TRUNCATED
        else:
            self._decoder.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)

    @staticmethod
    def _finish_reason(message: Any) -> str | None:
        metadata = fields_or_empty(get_field(message, "response_metadata"))
        return str_field(metadata, *FINISH_FIELDS)

    # --- tools ---

    def add_call(self, block: Block | None) -> None:
        """Remember a call by the provider's id, which its result will have."""
        if block is not None and block.call_id:
            self._calls[block.call_id] = block

    def call(self, call_id: str | None) -> Block | None:
        """Return the latest call of that id, or None."""
        return self._calls.get(call_id or "")

    def start_call(
        self, call_id: str | None, name: str, args: Any, kind: ev.ToolKind = "function"
    ) -> Block:
        """Start a call that no message had."""
        block = self._builder.start_tool(
            ("call", call_id or self._builder.mint("call")),
            name,
            call_id=call_id,
            kind=kind,
        )
        if call_id:
            self._calls[call_id] = block
        self._builder.final_args(block, args)
        return block

    def answer(self, message: Any, block: Block | None = None) -> None:
        """Write a tool message: the result of a call.

        `block` is that call, if its id is not known.
        """
        message_id, call_id = get_str(message, "id"), get_str(message, "tool_call_id")
        if message_id is not None and message_id in self._seen:
            return
        self._mark_seen(message)
        known = self._calls.get(call_id or "")
        block = known or block
        if block is None:
            block = self.start_call(
                call_id,
                get_str(message, "name", default="tool"),
                self._earlier.get(call_id or "", {}),
            )
        if block.closed:
            return
        content = get_field(message, "content")
        self._builder.tool_args(block)
        self._builder.end_tool(
            block,
            content,
            failed=get_field(message, "status") == "error",
            message=str_or_none(content),
            value=get_field(message, "artifact"),
        )
        self._decoder.expect_more()  # the model has not answered yet

    # --- questions to a human ---

    def interrupt(self, entries: Any) -> None:
        """Write the approval requests of interrupts, `Interrupt(value, id)` as objects or dicts,
        and pause the run.
        """
        for entry in listed(entries):
            interrupt_id = get_str(entry, "id", "interrupt_id") or self._builder.mint("interrupt")
            if interrupt_id in self._interrupts | self._answered:
                continue
            self._interrupts.add(interrupt_id)
            self._request_approval(interrupt_id, entry)
        if self._interrupts:
            self._decoder.stop_info = StopInfo("paused")

    def _request_approval(self, interrupt_id: str, entry: Any) -> None:
        """Write the requests of an interrupt: one for each call to review, or one for a value of
        the graph's own.
        """
        reviews = reviews_in(entry)
        for number, review in enumerate(reviews):
            place = {
                "interrupt": interrupt_id,
                "form": review.form,
                "action": review.action,
                "allowed": review.allowed,
            }
            self._write(
                interrupt_id if len(reviews) == 1 else f"{interrupt_id}#{number}",
                tool_id=block_id(self._reviewed_call(review)),
                prompt=review.prompt,
                args=review.args,
                schema=review.schema,
                meta={META: place},
            )
        if not reviews:
            self._request_value(interrupt_id, entry)

    def _reviewed_call(self, review: Review) -> Block | None:
        """Return the call that waits for a review: the one of its id, or the first of its tool."""
        for block in self.waiting:
            if block.call_id == review.call_id if review.call_id else block.name == review.action:
                return block
        return None

    def _request_value(self, interrupt_id: str, entry: Any) -> None:
        """Write the request of an interrupt for a value of the graph's own."""
        value = to_jsonable(get_field(entry, "value"))
        prompt = nonempty_str(value)
        if not isinstance(value, str):
            texts = map(nonempty_str, fields_or_empty(value).values())
            prompt = next(filter(None, texts), None)
        schema = to_jsonable(get_field(entry, "response_schema"))
        shape = schema if isinstance(schema, dict) else None
        self._write(interrupt_id, kind="input", prompt=prompt, args=value, schema=shape)

    def _write(self, approval_id: str, **fields: Any) -> None:
        self._builder.write(
            ev.ApprovalRequest(approval_id=approval_id, **fields, **self._builder.envelope)
        )
