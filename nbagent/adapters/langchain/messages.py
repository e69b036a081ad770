"""LangChain's messages, which LangChain's and LangGraph's streams have in common: chunks, whole messages, tool messages.

The types: https://github.com/langchain-ai/langchain/tree/master/libs/core/langchain_core/messages (langchain-core 1.7).
"""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import class_name, fields_or_empty, get_field, nonempty_str, str_field, to_jsonable
from nbagent.adapters.langchain.content import Content, langchain_usage, tool_call_chunks

_KINDS = {
    "ai": "ai",
    "AIMessage": "ai",
    "AIMessageChunk": "chunk",
    "tool": "tool",
    "ToolMessage": "tool",
    "ToolMessageChunk": "tool",
}
_OTHERS = {"human", "system", "function", "chat", "remove", "HumanMessage", "SystemMessage", "RemoveMessage", "developer"}
_FINISH = ("finish_reason", "stop_reason", "done_reason", "finishReason")
_CUT_SHORT = {"length", "max_tokens", "MAX_TOKENS", "content_filter", "SAFETY", "incomplete", "model_context_window_exceeded"}


def message_of(item: Any) -> Any:
    """The message itself, out of whatever LangChain's serialisers wrapped it in."""
    payload = fields_or_empty(item) if isinstance(item, Mapping) else {}
    if payload.get("lc") and isinstance(payload.get("kwargs"), Mapping):
        names = payload.get("id")
        name = names[-1] if isinstance(names, list) and names else ""
        return {"__class__": name, **payload["kwargs"]}
    if str_field(payload, "type") in _KINDS and isinstance(payload.get("data"), Mapping):
        return {"type": payload["type"], **payload["data"]}
    generations = payload.get("generations") or (get_field(item, "generations") if not isinstance(item, str) else None)
    if isinstance(generations, list) and generations:
        first = generations[0][0] if isinstance(generations[0], list) and generations[0] else generations[0]
        return message_of(get_field(first, "message") or first)
    inner = get_field(item, "message") if class_name(item).endswith("GenerationChunk") else None
    return item if inner is None else message_of(inner)


def kind_of(message: Any) -> str | None:
    """What a message is: "ai", "chunk", "tool" or "other" (a human's, the system's); None for what is no message."""
    tag, name = get_field(message, "type"), class_name(message)
    if get_field(message, "content") is None and get_field(message, "tool_calls") is None:
        return None
    for word in (tag, name):
        if isinstance(word, str) and word in _KINDS:
            return _KINDS[word]
    return "other" if nonempty_str(tag) in _OTHERS or name in _OTHERS else None


class Message:
    """A model's message that is being written."""

    def __init__(self, key: Hashable, content: Content, envelope: dict[str, Any]) -> None:
        self.key = key
        self.content = content
        self.envelope = envelope
        self.usage: ev.Usage | None = None
        self.finish_reason: str | None = None


class Messages:
    """All messages of a run; each is written once, however often and in however many ways the stream repeats it.

    Args:
        decoder: whose book is written, and whose verdict follows the last message.
    """

    def __init__(self, decoder: BaseDecoder) -> None:
        self._decoder = decoder
        self._builder = decoder.builder
        self._open: dict[Hashable, Message] = {}
        self._seen: set[Hashable] = set()
        self._calls: dict[str, Block] = {}
        self._earlier: dict[str, Any] = {}
        self._interrupts: set[Hashable] = set()
        self._usage: ev.Usage | None = None
        self._objects = False

    @property
    def waiting(self) -> list[Block]:
        """The calls that have no result yet."""
        return [block for block in self._calls.values() if not block.closed]

    @property
    def writing(self) -> bool:
        """Return True if a message is under way."""
        return bool(self._open)

    def over(self) -> None:
        """The stream ended, and no item of LangGraph's says whether its run did.

        It did not where a message has no end, or a call no answer. Where a tool spoke last, or nobody yet, a stream of JSON was
        cut; objects come straight from the graph, which raises when it cannot go on.
        """
        decoder = self._decoder
        if self.writing or self.waiting:
            if decoder.stop_info.status == "completed":
                decoder.stop_info = TRUNCATED
        elif self._objects and decoder.stop_info == TRUNCATED:
            decoder.stop_info = StopInfo("completed")

    def _see(self, message: Any) -> None:
        """A message came: the same one is not shown again."""
        self._objects = self._objects or not isinstance(message, Mapping)
        message_id = nonempty_str(get_field(message, "id"))
        if message_id:
            self._seen.add(message_id)

    def skip(self, message: Any) -> None:
        """A message of an earlier turn: known, not shown. A call that it made may be answered only now."""
        self._see(message)
        self._earlier |= {
            str(get_field(call, "id")): get_field(call, "args") for call in get_field(message, "tool_calls") or ()
        }

    # --- the model's ----------------------------------------------------------------------------------------------------

    def begin(self, key: Hashable, model: str | None = None) -> Message:
        """The message of that key, a new one if none is under way. Messages that overlap share a step."""
        found = self._open.get(key)
        if found is None:
            if not self._open:
                self._decoder.new_step(model)
                self._usage = None
            found = Message(key, Content(self._builder, key), dict(self._builder.envelope))
            self._open[key] = found
        return found

    def _of(self, payload: Any, key: Hashable, model: str | None) -> Message | None:
        """The message that `payload` belongs to; None if that was over before."""
        message_id = nonempty_str(get_field(payload, "id"))
        if key not in self._open and (key in self._seen or message_id in self._seen):
            return None
        self._see(payload)
        return self.begin(key, model)

    def chunk(self, payload: Any, key: Hashable, model: str | None = None) -> None:
        """More of a message."""
        message = self._of(payload, key, model)
        if message is None:
            return
        message.content.write(payload)
        usage = langchain_usage(get_field(payload, "usage_metadata"))
        if usage is not None:  # what a chunk counts is its own share
            message.usage = usage if message.usage is None else message.usage + usage
        message.finish_reason = self._finish_reason(payload) or message.finish_reason
        for call in tool_call_chunks(payload):
            self.know(message.content.call(call))
        if get_field(payload, "chunk_position") == "last":
            self.end(key)

    def add_complete(self, payload: Any, key: Hashable, model: str | None = None) -> None:
        """A whole message: the last word on one that was streamed, or one that comes in one piece."""
        message = self._of(payload, key, model)
        if message is None:
            return
        message.content.settle(payload)
        for block in message.content.tools.values():
            self.know(block)
        message.usage = langchain_usage(get_field(payload, "usage_metadata")) or message.usage
        message.finish_reason = self._finish_reason(payload) or message.finish_reason
        self.end(key)

    def end(self, key: Hashable) -> None:
        """A message is over; with the last one under way, so is the step."""
        message = self._open.pop(key, None)
        if message is None:
            return
        self._seen.add(key)
        message.content.close()
        if message.usage is not None:
            self._usage = message.usage if self._usage is None else self._usage + message.usage
        reason = message.finish_reason
        if not self._open:
            self._builder.end_step(reason, self._usage)
        if self._decoder.stop_info.status == "failed":
            return
        if self.waiting:
            self._decoder.stop_info = TRUNCATED
        elif reason in _CUT_SHORT:
            self._decoder.stop_info = StopInfo("incomplete", reason, reason)
        else:
            self._decoder.stop_info = StopInfo("completed", reason)

    @staticmethod
    def _finish_reason(payload: Any) -> str | None:
        metadata = fields_or_empty(get_field(payload, "response_metadata"))
        return next((reason for name in _FINISH if (reason := nonempty_str(metadata.get(name)))), None)

    # --- tools ----------------------------------------------------------------------------------------------------------

    def know(self, block: Block | None) -> None:
        """A call was made; its result will name its id."""
        if block is not None and block.call_id:
            self._calls[block.call_id] = block

    def call(self, call_id: str | None) -> Block | None:
        """The latest call of that id."""
        return self._calls.get(call_id or "")

    def start_call(self, call_id: str | None, name: str, args: Any, kind: ev.ToolKind = "function") -> Block:
        """A call that no message announced."""
        block = self._builder.start_tool(
            ("call", call_id or self._builder.mint("call")), name or "tool", call_id=call_id, kind=kind
        )
        if call_id:
            self._calls[call_id] = block
        self._builder.tool_args(block, args if isinstance(args, str) else None, args=None if isinstance(args, str) else args)
        return block

    def answer(self, payload: Any, block: Block | None = None) -> None:
        """What a tool message says: the result of a call."""
        message_id, call_id = nonempty_str(get_field(payload, "id")), nonempty_str(get_field(payload, "tool_call_id"))
        if message_id is not None and message_id in self._seen:
            return
        self._see(payload)
        known = self._calls.get(call_id or "")
        block = known or block
        if block is None:
            block = self.start_call(
                call_id, nonempty_str(get_field(payload, "name")) or "tool", self._earlier.get(call_id or "", {})
            )
        if block.closed:
            return
        content = get_field(payload, "content")
        failed = get_field(payload, "status") == "error"
        text = content if isinstance(content, str) else None
        error = ev.ErrorInfo(message=text or "the tool failed") if failed else None
        self._builder.tool_args(block)
        self._builder.tool_result(block, content, status="error" if failed else "ok", error=error)
        if self._decoder.stop_info.status == "completed":
            self._decoder.stop_info = TRUNCATED  # a model has yet to answer

    # --- questions to a human -------------------------------------------------------------------------------------------

    def interrupt(self, entries: Any) -> None:
        """The run stops to ask: `Interrupt(value, id)`, as objects or dicts."""
        for entry in entries if isinstance(entries, list | tuple) else [entries]:
            value = get_field(entry, "value")
            interrupt_id = (
                nonempty_str(get_field(entry, "id"))
                or nonempty_str(get_field(entry, "interrupt_id"))
                or self._builder.mint("interrupt")
            )
            if interrupt_id in self._interrupts:
                continue
            self._interrupts.add(interrupt_id)
            self._ask(interrupt_id, value)
        if self._interrupts:
            self._decoder.stop_info = StopInfo("paused")

    def _ask(self, interrupt_id: str, value: Any) -> None:
        payload = fields_or_empty(value)
        requests = payload.get("action_requests")
        if isinstance(requests, list):
            policies = {
                get_field(entry, "action_name"): get_field(entry, "allowed_decisions")
                for entry in payload.get("review_configs") or ()
            }
            asked = [(request, policies.get(get_field(request, "name"))) for request in requests]
        elif isinstance(value, list) and value and all(get_field(entry, "action_request") for entry in value):
            asked = [(get_field(entry, "action_request"), None) for entry in value]
        elif payload.get("action_request"):
            asked = [(payload["action_request"], None)]
        else:
            prompt = (
                value if isinstance(value, str) else next((text for text in map(nonempty_str, payload.values()) if text), None)
            )
            self._write(interrupt_id, kind="input", prompt=prompt, args=to_jsonable(value))
            return
        for number, (request, options) in enumerate(asked):
            name = nonempty_str(get_field(request, "name")) or nonempty_str(get_field(request, "action")) or ""
            args = get_field(request, "args")
            block = next((block for block in self.waiting if block.name == name), None)
            self._write(
                interrupt_id if len(asked) == 1 else f"{interrupt_id}#{number}",
                tool_id=block.id if block else None,
                prompt=nonempty_str(get_field(request, "description")) or name or None,
                args=to_jsonable(args),
                options=[str(option) for option in options] if isinstance(options, list) else None,
            )

    def _write(self, approval_id: str, **payload: Any) -> None:
        self._builder.write(ev.ApprovalRequest(approval_id=approval_id, **payload, **self._builder.envelope))
