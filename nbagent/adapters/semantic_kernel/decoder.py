"""Decoder of Semantic Kernel: the items of `invoke_stream(…)` of an agent, and of `invoke_stream`
and `invoke_prompt_stream` of a kernel, as objects or as the dicts that their messages' `model_dump`
returns.

Format: https://learn.microsoft.com/semantic-kernel/concepts/ai-services/chat-completion
(semantic-kernel 1.45). A message has pieces of text and of calls, or results of calls; a kernel
gives lists of messages. An agent leaves out messages with calls or results: those are read from the
history of its thread, which an item carries and a dict does not. A group chat tells neither calls
nor tokens.

The format marks a failed call by nothing but the kernel's wording. It has no approvals. The end of
a response is its finish reason, which agents leave out: theirs is the count of tokens after the
text. A kernel's stream that ends with results, as after a filter's `terminate`, looks like one that
was cut off.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    clean_str,
    entries_in,
    extra_fields,
    fields_or_empty,
    get_field,
    get_str,
    is_of_package,
    listed,
    mapping_or_empty,
)
from nbagent.adapters.base.openai_fields import openai_usage
from nbagent.adapters.openai_chat.dialects import reasoning_in

_PACKAGE = "semantic_kernel."
_CONTENTS = "semantic_kernel.contents."
_CUT_SHORT = {"length", "content_filter"}
_CALL, _RESULT = "function_call", "function_result"
_FAILURES = re.compile(
    r"An error occurred while invoking the function |The tool call with name `|"
    r"The tool call arguments are malformed\.|There are `\d+` tool call arguments required|"
    r"(Missing required|Received unexpected) argument\(s\): "
)
"""How the kernel words the results of calls that failed."""


class SemanticKernelDecoder(BaseDecoder):
    """Decoder of messages of agents and kernels."""

    system: ClassVar[str] = "semantic_kernel"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._attempt: Any = None  # the kernel's number of the request
        self._reason: str | None = None
        self._usage: dict[str, Any] = {}  # of the current step
        self._open: dict[Any, Block] = {}  # calls of the current step
        self._calls: dict[str, Block] = {}  # of the run, by their id
        self._thread: Any = None
        self._seen = 0  # messages of the thread that have been read
        self._told: set[str] = set()  # ids of calls that were told before the thread was known
        self._tells_end = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a message or a list of them."""
        return any(_is_content(_message_of(entry)) for entry in listed(item)[:1])

    def read(self, item: Any) -> None:
        """Read an agent's item, a message, or a list of messages."""
        for entry in listed(item):
            message = _message_of(entry)
            if _is_content(message):
                is_of_agent = entry is not message
                if is_of_agent:
                    self._enter(get_field(entry, "thread"))
                if is_of_agent or self._thread is None:  # else the thread has it
                    self.builder.begin()
                    self._message(message)
            elif not is_of_package(entry, f"{_PACKAGE}functions."):  # a result that repeats all
                self.unread(entry, class_name(entry))

    # --- the model ---

    def _message(self, message: Any) -> None:
        role = clean_str(get_field(message, "role"), default="assistant")
        items = _items_of(message)
        if role == "tool":
            self._results(items)
        elif role == "assistant":
            self._response(message, items)

    def _response(self, message: Any, items: Sequence[Any]) -> None:
        """Read a model's message, or a piece of it."""
        if self._reason is not None and items:
            self.end_response()
        self._begin(message)
        choice = get_field(message, "choice_index") or 0
        for part in entries_in(get_field(message, "inner_content"), "choices"):
            thought = reasoning_in(fields_or_empty(get_field(part, "delta")))
            self.builder.reasoning(choice, thought.text, kind=thought.kind)
        for item in items:
            self._content(item, choice)
        self._end_of(message, is_last=not items and self.builder.text_id(choice) is not None)

    def _begin(self, message: Any) -> None:
        """Begin a message's response, unless it goes on: that of the same request and agent."""
        attempt, agent = get_field(message, "function_invoke_attempt"), get_str(message, "name")
        before = self.builder.envelope.get("agent")
        if attempt != self._attempt or agent not in (None, before):
            self.end_response()
        if agent not in (None, before):
            self.builder.envelope["agent"] = agent
            if before is not None:
                self.builder.status(agent)
        if not self.builder.in_step:
            self.new_step(get_str(message, "ai_model_id"))
            self._attempt = attempt

    def _content(self, item: Any, choice: Any) -> None:
        kind, text = _kind_of(item), get_str(item, "text", default="")
        if kind == "text":
            if text:
                self.builder.end_reasoning(choice)
                self.builder.text(choice, text)
        elif kind == "reasoning":
            self.builder.reasoning(choice, text)
        elif kind == _CALL:
            self._call(item, choice)
        elif kind in ("annotation", "streaming_annotation"):
            title, file = get_str(item, "title", "quote"), get_field(item, "file_id")
            self.builder.source(get_str(item, "url"), title=title, meta=extra_fields(file_id=file))
        else:
            self.builder.custom(kind, item)

    def _end_of(self, message: Any, *, is_last: bool) -> None:
        """Read how a response ended, and its tokens."""
        counts = fields_or_empty(mapping_or_empty(get_field(message, "metadata")).get("usage"))
        told = {name: count for name, count in counts.items() if count is not None}
        self._usage.update(told)
        reason = clean_str(get_field(message, "finish_reason"))
        self._tells_end = self._tells_end or bool(told or reason)
        if reason is not None:
            self._reason = reason
            self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)
        elif told and is_last:
            self.complete()

    def finish(self) -> None:
        """End the response: complete its calls, and tell its tokens."""
        for block in self._open.values():
            self.builder.tool_args(block)
        self._open.clear()
        self.builder.end_step(self._reason, openai_usage(self._usage))
        self._reason, self._usage = None, {}

    # --- tools ---

    def _call(self, item: Any, choice: Any) -> None:
        """Read a piece of a call, or a whole one."""
        call_id, name = get_str(item, "id"), get_str(item, "function_name", "name")
        key = (choice, get_field(item, "index"))
        block = self._open.get(key)
        if block is None or (name and (call_id is None or call_id != block.call_id)):
            if block is not None:
                self.builder.tool_args(block)
            plugin = get_str(item, "plugin_name")
            meta = {"plugin": plugin} if plugin else None
            block = self.builder.start_tool(("call", key), name, call_id=call_id, meta=meta)
            self._open[key] = block
            self._calls[call_id or block.id] = block
        arguments = get_field(item, "arguments")
        if isinstance(arguments, Mapping):
            self.builder.tool_args(block, args=arguments)
        elif isinstance(arguments, str):
            self.builder.tool_delta(block, arguments)

    def _results(self, items: Sequence[Any]) -> None:
        self.end_response()
        self.expect_more()
        for item in items:
            if _kind_of(item) == _RESULT:
                self._result(item)

    def _result(self, item: Any) -> None:
        call_id, content = get_str(item, "id"), get_field(item, "result")
        name = get_str(item, "function_name", "name", default="tool")
        block = self._calls.get(call_id or "") or self.builder.oldest_unanswered(name)
        if block is None:
            block = self.builder.start_tool(("result", call_id), name, call_id=call_id)
            self._calls[call_id or block.id] = block
        self.builder.complete_args(block, {})
        failed = isinstance(content, str) and _FAILURES.match(content) is not None
        self.builder.end_tool(block, content, failed=failed, message=str(content), value=content)

    # --- an agent's thread ---

    def _enter(self, thread: Any) -> None:
        """Read the calls and results that have come to an agent's thread."""
        self.builder.begin(thread_id=get_str(thread, "id"))
        if self._thread is None:
            self._seen, self._told = _after_question(_history_of(thread)), set(self._calls)
        self._thread = thread
        self._read_thread()

    def _read_thread(self) -> None:
        messages = _history_of(self._thread)
        for message in messages[self._seen :]:
            items = _items_of(message)
            calls = [item for item in items if _kind_of(item) == _CALL]
            new = [call for call in calls if get_str(call, "id") not in self._told]
            if new:
                self._begin(message)
                for call in new:
                    self._call(call, 0)
                self._end_of(message, is_last=False)
            if any(_kind_of(item) == _RESULT for item in items):
                self._results(items)
        self._seen = len(messages)

    def at_eof(self) -> None:
        """Read the rest of an agent's thread. Complete a stream that tells no end, and an agent's
        that ends with results.
        """
        self._read_thread()
        messages = _history_of(self._thread)
        ends_with_results = bool(messages) and clean_str(get_field(messages[-1], "role")) == "tool"
        if ends_with_results or (not self._tells_end and self.builder.step):
            self.complete()

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run; calls before an error are in the agent's thread."""
        if not self.builder.ended:
            self._read_thread()
        return super().close(error)


def _message_of(item: Any) -> Any:
    """Return the message of an agent's item; a message itself."""
    if is_of_package(item, _PACKAGE) and class_name(item).startswith("AgentResponseItem"):
        return get_field(item, "message")
    return item


def _is_content(message: Any) -> bool:
    """Return True if that is a message, or a text of a service that has no messages."""
    kind = _kind_of(message)
    if isinstance(message, Mapping):
        is_message = kind == "message" and "ai_model_id" in message and "items" in message
        return is_message or (kind == "text" and "choice_index" in message)
    return is_of_package(message, _CONTENTS) and kind in ("message", "text")


def _items_of(message: Any) -> Sequence[Any]:
    """Return the items of a message; a text alone is one."""
    if _kind_of(message) == "text":
        return [message]
    return entries_in(message, "items")


def _kind_of(content: Any) -> str:
    return clean_str(get_field(content, "content_type"), default="")


def _history_of(thread: Any) -> Sequence[Any]:
    return entries_in(get_field(thread, "_chat_history"), "messages")


def _after_question(messages: Sequence[Any]) -> int:
    """Return the number of messages up to the last of the user."""
    for place in range(len(messages), 0, -1):
        if clean_str(get_field(messages[place - 1], "role")) not in ("assistant", "tool"):
            return place
    return 0
