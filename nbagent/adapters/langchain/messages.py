"""LangChain's messages, which LangChain's and LangGraph's streams have in common: chunks, whole messages, tool messages.

The types: https://github.com/langchain-ai/langchain/tree/master/libs/core/langchain_core/messages (langchain-core 1.7).
"""

from collections.abc import Hashable, Mapping
from typing import Any

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, Verdict
from nbagent.adapters.base.fields import class_of, fields_or_none, look, plain, string
from nbagent.adapters.langchain.content import Content, calls_of, usage_of

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
    said = fields_or_none(item) if isinstance(item, Mapping) else {}
    if said.get("lc") and isinstance(said.get("kwargs"), Mapping):
        names = said.get("id")
        name = names[-1] if isinstance(names, list) and names else ""
        return {"__class__": name, **said["kwargs"]}
    if string(said.get("type")) in _KINDS and isinstance(said.get("data"), Mapping):
        return {"type": said["type"], **said["data"]}
    generations = said.get("generations") or (look(item, "generations") if not isinstance(item, str) else None)
    if isinstance(generations, list) and generations:
        first = generations[0][0] if isinstance(generations[0], list) and generations[0] else generations[0]
        return message_of(look(first, "message") or first)
    inner = look(item, "message") if class_of(item).endswith("GenerationChunk") else None
    return item if inner is None else message_of(inner)


def kind_of(message: Any) -> str | None:
    """What a message is: "ai", "chunk", "tool" or "other" (a human's, the system's); None for what is no message."""
    tag, name = look(message, "type"), class_of(message)
    if look(message, "content") is None and look(message, "tool_calls") is None:
        return None
    for word in (tag, name):
        if isinstance(word, str) and word in _KINDS:
            return _KINDS[word]
    return "other" if string(tag) in _OTHERS or name in _OTHERS else None


class Message:
    """A model's message that is being written."""

    def __init__(self, key: Hashable, content: Content, stamp: dict[str, Any]) -> None:
        self.key = key
        self.content = content
        self.stamp = stamp
        self.usage: ev.Usage | None = None
        self.finish_reason: str | None = None


class Messages:
    """All messages of a run; each is written once, however often and in however many ways the stream repeats it.

    Args:
        decoder: whose book is written, and whose verdict follows the last message.
    """

    def __init__(self, decoder: BaseDecoder) -> None:
        self._decoder = decoder
        self._book = decoder.book
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
        """Whether a message is under way."""
        return bool(self._open)

    def over(self) -> None:
        """The stream ended, and no item of LangGraph's says whether its run did.

        It did not where a message has no end, or a call no answer. Where a tool spoke last, or nobody yet, a stream of JSON was
        cut; objects come straight from the graph, which raises when it cannot go on.
        """
        decoder = self._decoder
        if self.writing or self.waiting:
            if decoder.verdict.status == "completed":
                decoder.verdict = TRUNCATED
        elif self._objects and decoder.verdict == TRUNCATED:
            decoder.verdict = Verdict("completed")

    def _see(self, message: Any) -> None:
        """A message came: the same one is not shown again."""
        self._objects = self._objects or not isinstance(message, Mapping)
        message_id = string(look(message, "id"))
        if message_id:
            self._seen.add(message_id)

    def skip(self, message: Any) -> None:
        """A message of an earlier turn: known, not shown. A call that it made may be answered only now."""
        self._see(message)
        self._earlier |= {str(look(call, "id")): look(call, "args") for call in look(message, "tool_calls") or ()}

    # --- the model's ----------------------------------------------------------------------------------------------------

    def begin(self, key: Hashable, model: str | None = None) -> Message:
        """The message of that key, a new one if none is under way. Messages that overlap share a step."""
        found = self._open.get(key)
        if found is None:
            if not self._open:
                self._decoder.new_step(model)
                self._usage = None
            found = Message(key, Content(self._book, key), dict(self._book.stamp))
            self._open[key] = found
        return found

    def _of(self, said: Any, key: Hashable, model: str | None) -> Message | None:
        """The message that `said` belongs to; None if that was over before."""
        message_id = string(look(said, "id"))
        if key not in self._open and (key in self._seen or message_id in self._seen):
            return None
        self._see(said)
        return self.begin(key, model)

    def chunk(self, said: Any, key: Hashable, model: str | None = None) -> None:
        """More of a message."""
        message = self._of(said, key, model)
        if message is None:
            return
        message.content.write(said)
        usage = usage_of(look(said, "usage_metadata"))
        if usage is not None:  # what a chunk counts is its own share
            message.usage = usage if message.usage is None else message.usage + usage
        message.finish_reason = self._finish_reason(said) or message.finish_reason
        for call in calls_of(said):
            self.know(message.content.call(call))
        if look(said, "chunk_position") == "last":
            self.end(key)

    def whole(self, said: Any, key: Hashable, model: str | None = None) -> None:
        """A whole message: the last word on one that was streamed, or one that comes in one piece."""
        message = self._of(said, key, model)
        if message is None:
            return
        message.content.settle(said)
        for block in message.content.tools.values():
            self.know(block)
        message.usage = usage_of(look(said, "usage_metadata")) or message.usage
        message.finish_reason = self._finish_reason(said) or message.finish_reason
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
            self._book.end_step(reason, self._usage)
        if self._decoder.verdict.status == "failed":
            return
        if self.waiting:
            self._decoder.verdict = TRUNCATED
        elif reason in _CUT_SHORT:
            self._decoder.verdict = Verdict("incomplete", reason, reason)
        else:
            self._decoder.verdict = Verdict("completed", reason)

    @staticmethod
    def _finish_reason(said: Any) -> str | None:
        metadata = fields_or_none(look(said, "response_metadata"))
        return next((reason for name in _FINISH if (reason := string(metadata.get(name)))), None)

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
        block = self._book.start_tool(("call", call_id or self._book.mint("call")), name or "tool", call_id=call_id, kind=kind)
        if call_id:
            self._calls[call_id] = block
        self._book.tool_args(block, args if isinstance(args, str) else None, args=None if isinstance(args, str) else args)
        return block

    def answer(self, said: Any, block: Block | None = None) -> None:
        """What a tool message says: the result of a call."""
        message_id, call_id = string(look(said, "id")), string(look(said, "tool_call_id"))
        if message_id is not None and message_id in self._seen:
            return
        self._see(said)
        known = self._calls.get(call_id or "")
        block = known or block
        if block is None:
            block = self.start_call(call_id, string(look(said, "name")) or "tool", self._earlier.get(call_id or "", {}))
        if block.closed:
            return
        content = look(said, "content")
        failed = look(said, "status") == "error"
        text = content if isinstance(content, str) else None
        error = ev.ErrorInfo(message=text or "the tool failed") if failed else None
        self._book.tool_args(block)
        self._book.tool_result(block, content, status="error" if failed else "ok", error=error)
        if self._decoder.verdict.status == "completed":
            self._decoder.verdict = TRUNCATED  # a model has yet to answer

    # --- questions to a human -------------------------------------------------------------------------------------------

    def interrupt(self, entries: Any) -> None:
        """The run stops to ask: `Interrupt(value, id)`, as objects or dicts."""
        for entry in entries if isinstance(entries, list | tuple) else [entries]:
            value = look(entry, "value")
            interrupt_id = string(look(entry, "id")) or string(look(entry, "interrupt_id")) or self._book.mint("interrupt")
            if interrupt_id in self._interrupts:
                continue
            self._interrupts.add(interrupt_id)
            self._ask(interrupt_id, value)
        if self._interrupts:
            self._decoder.verdict = Verdict("paused")

    def _ask(self, interrupt_id: str, value: Any) -> None:
        said = fields_or_none(value)
        requests = said.get("action_requests")
        if isinstance(requests, list):
            policies = {
                look(entry, "action_name"): look(entry, "allowed_decisions") for entry in said.get("review_configs") or ()
            }
            asked = [(request, policies.get(look(request, "name"))) for request in requests]
        elif isinstance(value, list) and value and all(look(entry, "action_request") for entry in value):
            asked = [(look(entry, "action_request"), None) for entry in value]
        elif said.get("action_request"):
            asked = [(said["action_request"], None)]
        else:
            prompt = value if isinstance(value, str) else next((text for text in map(string, said.values()) if text), None)
            self._write(interrupt_id, kind="input", prompt=prompt, args=plain(value))
            return
        for number, (request, options) in enumerate(asked):
            name = string(look(request, "name")) or string(look(request, "action")) or ""
            args = look(request, "args")
            block = next((block for block in self.waiting if block.name == name), None)
            self._write(
                interrupt_id if len(asked) == 1 else f"{interrupt_id}#{number}",
                tool_id=block.id if block else None,
                prompt=string(look(request, "description")) or name or None,
                args=plain(args),
                options=[str(option) for option in options] if isinstance(options, list) else None,
            )

    def _write(self, approval_id: str, **said: Any) -> None:
        self._book.write(ev.ApprovalRequest(approval_id=approval_id, **said, **self._book.stamp))
