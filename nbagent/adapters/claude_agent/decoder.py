"""Decoder of the Claude Agent SDK: the messages of `query(…)` and `client.receive_response()`, as
objects, or as the dicts that `claude -p --output-format stream-json` writes.

Format: https://platform.claude.com/docs/en/agent-sdk/python#message-types (claude-agent-sdk 0.2). A
response of the model comes as one message for each of its blocks, all with the id of the response;
with `include_partial_messages` its stream of Anthropic's events comes before them. Messages of a
sub-agent name the call that it works in.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec

from nbagent import events as ev
from nbagent.adapters.anthropic.decoder import AnthropicDecoder
from nbagent.adapters.anthropic.usage import anthropic_usage
from nbagent.adapters.base.decoder import TRUNCATED, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    is_of_package,
    number_or_none,
)
from nbagent.adapters.base.subagents import Subagents

_KINDS = {
    "AssistantMessage": "assistant",
    "UserMessage": "user",
    "SystemMessage": "system",
    "ResultMessage": "result",
    "StreamEvent": "stream_event",
    "RateLimitEvent": "rate_limit_event",
}
"""Types of the command's lines, by the SDK's class."""
_BLOCKS = {
    "TextBlock": "text",
    "ThinkingBlock": "thinking",
    "ToolUseBlock": "tool_use",
    "ToolResultBlock": "tool_result",
    "ServerToolUseBlock": "server_tool_use",
    "ServerToolResultBlock": "advisor_tool_result",
}
"""Types of Anthropic's content blocks, by the SDK's class."""
_PACKAGE = "claude_agent_sdk"


class ClaudeAgentDecoder(AnthropicDecoder):
    """Decoder of an agent's messages."""

    system: ClassVar[str] = "claude.agent"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._agents = Subagents(self.builder)
        self._names: dict[str, str] = {}  # of sub-agents, by the call that they work in
        self._agent_call: str | None = None  # in which the agent of the last message works
        self._streamed: set[str] = set()  # ids of responses

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of the SDK's messages, or a line of the command's."""
        if isinstance(item, Mapping):
            return _kind_of(item) in _READERS and isinstance(item.get("session_id"), str)
        return is_of_package(item, _PACKAGE) and bool(_kind_of(item))

    def read(self, item: Any) -> None:
        """Read one message."""
        kind = _kind_of(item)
        if kind not in _READERS:
            self.unread(item, kind)
            return
        data = get_field(item, "data")  # of a message of the system's
        self.builder.begin(
            get_str(data or item, "model"), thread_id=get_str(data or item, "session_id")
        )
        self._enter(get_str(item, "parent_tool_use_id"))
        _READERS[kind](self, item)

    def _enter(self, call_id: str | None) -> None:
        """Put the agent that works in a call into the envelope; none for the main one."""
        if call_id == self._agent_call:
            return
        self._finish_open()
        self._agent_call = call_id
        self.builder.envelope.pop("parent_id", None)
        call = self._calls.get(call_id or "")
        if call is not None:
            name = self._names.get(call_id or "", "agent")
            self.builder.envelope["parent_id"] = self._agents.start(call_id, name, tool_id=call.id)

    def finish(self) -> None:
        """End a response of the model: only the agent's result completes the run."""
        super().finish()
        if self.stop_info.status == "completed":
            self.stop_info = TRUNCATED

    def _finish_open(self) -> None:
        if self.builder.in_step:
            self.finish()

    # --- messages ---

    def _stream_event(self, item: Any) -> None:
        event = get_field(item, "event")
        message_id = get_str(get_field(event, "message"), "id")
        if message_id is not None:
            self._streamed.add(message_id)
        super().read(event)

    def _assistant(self, item: Any) -> None:
        """Read blocks of a response, unless they were streamed."""
        message = fields_or_empty(get_field(item, "message") or item)
        message_id = get_str(message, "message_id", "id")
        blocks = [_anthropic_block(block) for block in entries_in(message, "content")]
        for block in blocks:
            name = get_str(block.get("input"), "subagent_type")
            if name is not None:
                self._names[block["id"]] = name
        if message_id in self._streamed:
            return
        # Its token counts are those of the response's beginning.
        self._message_start({"message": {"id": message_id, "model": message.get("model")}})
        for block in blocks:
            index = len(self._parts)
            self._start(index, block)
            self._finish_part(self._parts[index])

    def _user(self, item: Any) -> None:
        """Read the results of tools."""
        content = get_field(get_field(item, "message") or item, "content")
        if isinstance(content, str):
            return
        blocks = [_anthropic_block(block) for block in content]
        for block in blocks:
            self._agents.end(block.get("tool_use_id"))
        self._user_turn({"content": blocks})

    def _system(self, item: Any) -> None:
        kind = get_str(item, "subtype", default="system")
        if kind == "compact_boundary":
            self.builder.status("The conversation was compacted")
        elif kind != "init":
            self.builder.custom(kind, get_field(item, "data") or item)

    def _rate_limit(self, item: Any) -> None:
        """Ignore how much of the account is left."""

    def _end(self, item: Any) -> None:
        """End the run."""
        self._finish_open()
        kind = get_str(item, "subtype", default="")
        if (get_str(item, "terminal_reason") or "").startswith("aborted"):
            self.stop_info = StopInfo("cancelled")
        elif kind == "error_max_turns":
            self.stop_info = StopInfo("max_steps", code=kind)
        elif get_field(item, "is_error") or kind != "success":
            errors = "\n".join(map(str, entries_in(item, "errors")))
            self.fail(get_str(item, "result") or errors, kind)
        else:
            self.stop_info = StopInfo("completed", get_str(item, "stop_reason"))
        usage = anthropic_usage(fields_or_empty(get_field(item, "usage"))) or ev.Usage()
        cost = number_or_none(get_field(item, "total_cost_usd"))
        self.builder.usage = msgspec.structs.replace(usage, cost=cost)

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the agents in it."""
        if not self.builder.ended:
            self._finish_open()
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)


def _kind_of(item: Any) -> str:
    """Return the type of a message; "" if it is none."""
    if isinstance(item, Mapping):
        return get_str(item, "type", default="")
    names = [base.__name__ for base in type(item).__mro__]
    return next((_KINDS[name] for name in names if name in _KINDS), "")


def _anthropic_block(block: Any) -> Mapping[str, Any]:
    """Return a content block as Anthropic's, with its type."""
    if isinstance(block, Mapping):
        return block
    return {"type": _BLOCKS.get(type(block).__name__, ""), **vars(block)}


_READERS: dict[str, Callable[[ClaudeAgentDecoder, Any], None]] = {
    "assistant": ClaudeAgentDecoder._assistant,
    "user": ClaudeAgentDecoder._user,
    "system": ClaudeAgentDecoder._system,
    "result": ClaudeAgentDecoder._end,
    "stream_event": ClaudeAgentDecoder._stream_event,
    "rate_limit_event": ClaudeAgentDecoder._rate_limit,
}
