"""Decoder of Microsoft Agent Framework: the updates of `agent.run(…, stream=True)` and of a chat
client, as objects or as the dicts of their `to_dict`, and the events of a workflow that hold them.

Format: https://learn.microsoft.com/en-us/agent-framework/agents/running-agents#streaming
(agent-framework-core 1.23). An update has `contents`, each with a `type`; a response is known by
its `response_id`. Results of tools come in updates of the role `tool`. A content with `merge_mode`
"replace" repeats the one before it as a whole; token counts that do are those of the whole run so
far.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.agent_framework.reasoning import Reasoning
from nbagent.adapters.base.block import Block, block_id
from nbagent.adapters.base.decoder import TRUNCATED, BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    is_of_package,
    to_jsonable,
    token_count,
)

_CLASSES = {
    "AgentResponseUpdate": "agent_response_update",
    "ChatResponseUpdate": "chat_response_update",
}
"""Types of updates as dicts, by their class."""
_PACKAGE = "agent_framework"
_TEXT = "text"
_CUT_SHORT = {"length", "content_filter"}
_COUNTS = {
    "input": "input_token_count",
    "output": "output_token_count",
    "total": "total_token_count",
    "reasoning": "reasoning_output_token_count",
    "cache_read": "cache_read_input_token_count",
}


class AgentFrameworkDecoder(BaseDecoder):
    """Decoder of updates."""

    system: ClassVar[str] = "agent.framework"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._response: str | None = None
        self._reason: str | None = None
        self._usage: ev.Usage | None = None
        self._reasoning = Reasoning(self.builder)
        self._counted: dict[str, int] = {}

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an update, or an event of a workflow."""
        if isinstance(item, Mapping):
            return item.get("type") in _CLASSES.values()
        return is_of_package(item, _PACKAGE)

    def read(self, item: Any) -> None:
        """Read an update, or the one in an event of a workflow."""
        self.builder.begin()
        if class_name(item) == "WorkflowEvent":
            self._event(item)
        elif not self.recognises(item) or get_field(item, "contents") is None:
            self.unread(item, class_name(item))
        else:
            self._update(item)

    def _event(self, event: Any) -> None:
        data = get_field(event, "data")
        if class_name(data) in _CLASSES:
            self._update(data)
        elif get_str(event, "type") == "failed":
            details = get_field(event, "details")
            self.fail(get_str(details, "message", default="The workflow failed"))

    def _update(self, update: Any) -> None:
        agent = get_str(update, "author_name")
        if agent is not None:
            self._enter(agent)
        if get_field(update, "role") == "tool":
            self._end_step()
        else:
            self._begin(update)
        for content in entries_in(update, "contents"):
            kind = get_str(content, "type", default="")
            reader = _READERS.get(kind)
            if reader is None:
                self.builder.custom(kind, content)
            else:
                reader(self, content)
        self._reason = get_str(update, "finish_reason", default=self._reason)
        if self._reason is not None:
            self._complete_calls()  # before their functions begin

    def _enter(self, agent: str) -> None:
        """Make an agent the current one."""
        before = self.builder.envelope.get("agent")
        if agent != before:
            self._end_step()
            self.builder.envelope["agent"] = agent
            if before is not None:
                self.builder.status(agent)

    def _begin(self, update: Any) -> None:
        """Begin a response, unless it is the open one."""
        response = get_str(update, "response_id")
        if self.builder.in_step and response in (None, self._response):
            return
        self._end_step()
        raw = get_field(update, "raw_representation")
        self.new_step(get_str(update, "model") or get_str(raw, "model"))
        self._response, self._reason = response, None

    def _end_step(self) -> None:
        if self.builder.in_step:
            self.finish()

    def finish(self) -> None:
        """End the response. Without a finish reason it is cut off."""
        self._reasoning.end()
        self._complete_calls()
        if self.stop_info is TRUNCATED and self._reason is not None:
            self.stop_info = StopInfo.of_reason(self._reason, _CUT_SHORT)
        self.builder.end_step(self._reason, self._usage)
        self._usage = None

    def at_eof(self) -> None:
        """End as cut off a run whose calls were made and not told to the model."""
        self._end_step()
        if self.stop_info.finish_reason == "tool_calls" and self.stop_info.status == "completed":
            self.stop_info = TRUNCATED

    def _complete_calls(self) -> None:
        for block in self.builder.unanswered():
            self.builder.tool_args(block)

    # --- contents ---

    def _text(self, content: Any) -> None:
        self._reasoning.end()
        text = get_str(content, "text", default="")
        if text and _replaces(content):
            self.builder.start_text(_TEXT)
            self.builder.end_text(_TEXT, text)
        else:
            self.builder.text(_TEXT, text)

    def _think(self, content: Any) -> None:
        self._reasoning.add(content, is_whole=_replaces(content))

    def _call(self, content: Any) -> None:
        """Read a piece of a call; its arguments may come whole, as an object."""
        self._reasoning.end()
        block = self._call_of(content)
        arguments = get_field(content, "arguments")
        if isinstance(arguments, str) and not _replaces(content):
            self.builder.tool_delta(block, arguments)
        elif arguments is not None:
            self.builder.complete_args(block, arguments)

    def _call_of(self, content: Any) -> Block:
        call_id = get_str(content, "call_id")
        block = self.builder.tool(("call", call_id))
        if block is None:
            name = get_str(content, "name", "tool_name", default="tool")
            block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
        return block

    def _result(self, content: Any) -> None:
        block = self._call_of(content)
        self.builder.tool_args(block)
        result = get_field(content, "result")
        if result is None:
            result = get_field(content, "output")
        error = get_str(content, "exception")
        if error is not None:
            self.builder.tool_error(block, error, result)
        else:
            self.builder.tool_result(block, result)

    def _count(self, content: Any) -> None:
        """Read token counts."""
        details = fields_or_empty(get_field(content, "usage_details"))
        counts = {ours: token_count(details.get(theirs)) for ours, theirs in _COUNTS.items()}
        known = {name: count for name, count in counts.items() if count is not None}
        before = {name: self._counted.get(name, 0) for name in known}
        if _replaces(content):
            new = {name: count - before[name] for name, count in known.items()}
        else:
            new = known
        self._counted |= {name: before[name] + count for name, count in new.items()}
        usage = ev.Usage(**new)
        self._usage = usage if self._usage is None else self._usage + usage

    def _error(self, content: Any) -> None:
        self.fail(get_str(content, "message", default=""), get_str(content, "error_code"))

    def _file(self, content: Any) -> None:
        media_type = get_str(content, "media_type", default="application/octet-stream")
        self.builder.file(media_type, url=get_str(content, "uri"))

    def _ask(self, content: Any) -> None:
        """Read a call that needs permission."""
        call = get_field(content, "function_call")
        block = self._call_of(call)
        self.builder.final_args(block, get_field(call, "arguments"))
        request = ev.ApprovalRequest(
            approval_id=get_str(content, "id") or self.builder.mint("approval"),
            tool_id=block_id(block),
            args=to_jsonable(get_field(call, "arguments")),
            **self.builder.envelope,
        )
        self.builder.write(request)
        self.stop_info = StopInfo("paused")


def _replaces(content: Any) -> bool:
    """Return True if a content is what its pieces, which came before it, make."""
    return get_str(content, "merge_mode") == "replace"


_READERS: dict[str, Callable[[AgentFrameworkDecoder, Any], None]] = {
    "text": AgentFrameworkDecoder._text,
    "text_reasoning": AgentFrameworkDecoder._think,
    "function_call": AgentFrameworkDecoder._call,
    "mcp_server_tool_call": AgentFrameworkDecoder._call,
    "function_result": AgentFrameworkDecoder._result,
    "mcp_server_tool_result": AgentFrameworkDecoder._result,
    "usage": AgentFrameworkDecoder._count,
    "error": AgentFrameworkDecoder._error,
    "data": AgentFrameworkDecoder._file,
    "uri": AgentFrameworkDecoder._file,
    "function_approval_request": AgentFrameworkDecoder._ask,
}
