"""Decoder of Haystack: the `StreamingChunk`s of `pipeline.stream(…)` and of a `streaming_callback`,
as objects or as the dicts of their `to_dict`.

Format: https://docs.haystack.deepset.ai/docs/streaming (haystack-ai 3.4). A chunk has a piece of
text, of a thought or of calls, or the result of a call. Tokens and the name of the model stand in
its `meta`, which is the provider's own, and may follow the chunk that ends the response.

The format has no approvals. Chunks of an agent inside a tool are told from those of the one around
by nothing.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    get_field,
    get_str,
    is_of_package,
    mapping_or_empty,
)
from nbagent.adapters.base.openai_fields import citation_fields, openai_usage
from nbagent.adapters.base.payload import text_in

_PACKAGE = "haystack."
_CUT_SHORT = {"length", "content_filter"}
_CONTENT = ("content", "tool_calls", "reasoning")
_RESULTS = "tool_call_results"
"""The finish reason of an agent's tools."""


class HaystackDecoder(BaseDecoder):
    """Decoder of chunks."""

    system: ClassVar[str] = "haystack"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._responding: set[str | None] = set()  # components whose response goes on
        self._reason: str | None = None
        self._usage: dict[str | None, dict[str, Any]] = {}  # of the current step
        self._open: dict[tuple[str | None, Any], Block] = {}  # calls of the current step
        self._calls: dict[str, Block] = {}  # of the run, by each id that they have
        self._tells_end = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a chunk."""
        if isinstance(item, Mapping):
            return "component_info" in item and "tool_call_result" in item
        return is_of_package(item, _PACKAGE) and class_name(item) == "StreamingChunk"

    def read(self, item: Any) -> None:
        """Read one chunk."""
        if not self.recognises(item):
            self.unread(item, class_name(item))
            return
        self.builder.begin()
        result, reason = get_field(item, "tool_call_result"), get_str(item, "finish_reason")
        if result is not None:
            self.end_response()
            self.expect_more()
            self._result(result)
        elif reason == _RESULTS:  # the run may end here: a tool can be an agent's exit
            self.end_response()
            self.stop_info = StopInfo("completed", reason)
        else:
            self._chunk(item, reason)

    # --- the model ---

    def _chunk(self, item: Any, reason: str | None) -> None:
        """Read a chunk of a model."""
        meta = mapping_or_empty(get_field(item, "meta"))
        self._tells_end = self._tells_end or bool(meta or reason)
        response = mapping_or_empty(meta.get("response"))  # of the Responses API
        component = get_str(get_field(item, "component_info"), "name")
        counts = mapping_or_empty(meta.get("usage") or response.get("usage"))
        tells_only_tokens = bool(counts) and not any(get_field(item, name) for name in _CONTENT)
        if not self._responding and self._reason is not None and not tells_only_tokens:
            self.end_response()
        if not self.builder.in_step:
            self.new_step(get_str(meta, "model") or get_str(response, "model"))
        if not tells_only_tokens:
            self._responding.add(component)
        self._content(item, component)
        self._annotation(meta)
        known = {name: count for name, count in counts.items() if count is not None}
        self._usage.setdefault(component, {}).update(known)
        error = response.get("error")
        if error:
            self.fail_with(error)
        if reason is not None:
            self._reason = reason
            self._responding.discard(component)
            if self.stop_info.status != "failed":
                self.stop_info = StopInfo.of_reason(reason, _CUT_SHORT)

    def _content(self, item: Any, component: str | None) -> None:
        index = get_field(item, "index")
        reasoning, text = get_field(item, "reasoning"), get_str(item, "content", default="")
        part = get_field(get_field(reasoning, "extra"), "summary_index")
        key = (component, index, part)
        if reasoning is not None and self.builder.open_reasoning(key) is None:
            self._end_thoughts(component)
        self.builder.reasoning(key, get_str(reasoning, "reasoning_text", default=""))
        if text:
            self._end_thoughts(component)
            self.builder.text(key, text)
        for delta in entries_in(item, "tool_calls"):
            self._call(delta, component)

    def _end_thoughts(self, component: str | None) -> None:
        for key in self.builder.open_keys():
            if isinstance(key, tuple) and key[0] == component:
                self.builder.end_reasoning(key)

    def _annotation(self, meta: Mapping[str, Any]) -> None:
        if meta.get("annotation"):
            url, title, fields = citation_fields(meta["annotation"])
            self.builder.source(url, title=title, meta=fields)

    def finish(self) -> None:
        """End the response: complete its calls, and tell its tokens."""
        for block in self._open.values():
            self.builder.tool_args(block)
        self._open.clear()
        self._responding.clear()
        told = [usage for counts in self._usage.values() if (usage := openai_usage(counts))]
        self.builder.end_step(self._reason, sum(told[1:], start=told[0]) if told else None)
        self._reason, self._usage = None, {}

    # --- tools ---

    def _call(self, delta: Any, component: str | None) -> None:
        """Read a piece of a call, or a whole one."""
        key, call_id = (component, get_field(delta, "index")), get_str(delta, "id")
        name, block = get_str(delta, "tool_name"), self._open.get(key)
        if block is not None and name and call_id not in (None, block.call_id):
            self.builder.tool_args(block)
            block = None
        if block is None:
            block = self.builder.start_tool(("call", *key), name, call_id=call_id)
            self._open[key] = block
        # In the Responses API, a call has an id of its own as an item.
        for each in (call_id, get_str(get_field(delta, "extra"), "call_id")):
            if each is not None:
                self._calls[each] = block
        self.builder.tool_delta(block, get_str(delta, "arguments", default=""))

    def _result(self, result: Any) -> None:
        origin, content = get_field(result, "origin"), get_field(result, "result")
        call_id, name = get_str(origin, "id"), get_str(origin, "tool_name", default="tool")
        block = self._calls.get(call_id or "") or self.builder.oldest_unanswered(name)
        if block is None:
            block = self.builder.start_tool(("result", call_id), name, call_id=call_id)
        self.builder.complete_args(block, get_field(origin, "arguments"))
        failed = get_field(result, "error") is True
        self.builder.end_tool(block, content, failed=failed, message=text_in(content))

    def at_eof(self) -> None:
        """Complete a stream of bare text, as a model in this process gives it: it tells no end."""
        if not self._tells_end and self.builder.step:
            self.complete()
