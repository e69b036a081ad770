"""Decoder of AutoGen: the items of `run_stream(task=…)` of an agent or a team, and of
`on_messages_stream`, as objects or as the dicts that their `model_dump` returns.

Format: https://microsoft.github.io/autogen/stable/reference/python/autogen_agentchat.messages.html
(autogen-agentchat 0.7). The field `type` is the tag, `source` the agent. A complete message follows
the chunks of its text. The last item is the task's result, which repeats all.

The format has no argument deltas.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    get_field,
    get_str,
    is_of_package,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import openai_usage

_PACKAGE = "autogen_agentchat"
_USER = "user"
_TEXT = "text"


class AutoGenDecoder(BaseDecoder):
    """Decoder of messages and events of agents."""

    system: ClassVar[str] = "autogen"
    runs_tools: ClassVar[bool] = True

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is a message or an event of an agent."""
        if isinstance(item, Mapping):
            return _kind_of(item) in _READERS and isinstance(item.get("source"), str)
        return is_of_package(item, _PACKAGE)

    def read(self, item: Any) -> None:
        """Read one message or event."""
        self.builder.begin()
        source = get_str(item, "source")
        if source not in (None, _USER):
            self._enter(source)
        reader = _READERS.get(_kind_of(item))
        if reader is not None:
            reader(self, item)
        elif not self.recognises(item):
            self.unread(item, class_name(item))
        elif source != _USER:  # a class of the user's own
            self.builder.custom(_kind_of(item), item)

    def _enter(self, agent: Any) -> None:
        """Make an agent the current one."""
        before = self.builder.envelope.get("agent")
        if agent != before:
            self.builder.end_step()
            self.builder.envelope["agent"] = agent
            if before is not None:
                self.builder.status(agent)

    def _begin(self) -> None:
        if not self.builder.in_step:
            self.new_step()

    def _end(self, item: Any, reason: str | None = None) -> None:
        self.builder.end_step(reason, openai_usage(get_field(item, "models_usage")))

    # --- the model ---

    def _chunk(self, item: Any) -> None:
        self._begin()
        self.builder.text(_TEXT, get_str(item, "content", default=""))

    def _message(self, item: Any) -> None:
        """Read a complete message. Those of the user are the task."""
        if get_str(item, "source") == _USER:
            return
        self._begin()
        content = get_field(item, "content")
        if isinstance(content, list):  # texts and images
            text = "\n".join(part for part in content if isinstance(part, str))
        elif isinstance(content, str):
            text = content
        else:
            text = json.dumps(to_jsonable(content), ensure_ascii=False)
        if text:
            self.builder.start_text(_TEXT)
            self.builder.end_text(_TEXT, text)
        self._end(item)

    def _thought(self, item: Any) -> None:
        """Read what the model thought, or wrote beside its calls: that was streamed as text."""
        self._begin()
        if self.builder.text_id(_TEXT) is None:
            self.builder.reasoning("reasoning", get_str(item, "content", default=""))
        self.builder.end_texts_and_reasoning()

    def _handoff(self, item: Any) -> None:
        target = get_str(item, "target", default="agent")
        self.builder.end_step()
        source = get_str(item, "source")
        handoff = ev.AgentHandoff(to=target, from_=source, **self.builder.envelope)
        self.builder.write(handoff)
        self.builder.envelope["agent"] = target

    # --- tools ---

    def _calls(self, item: Any) -> None:
        self._begin()
        for call in entries_in(item, "content"):
            call_id = get_str(call, "id")
            name = get_str(call, "name", default="tool")
            block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
            self.builder.complete_args(block, get_field(call, "arguments"))
        self._end(item, "tool_calls")

    def _results(self, item: Any) -> None:
        for result in entries_in(item, "content"):
            call_id, content = get_str(result, "call_id"), get_field(result, "content")
            block = self.builder.tool(("call", call_id))
            if block is None:
                name = get_str(result, "name", default="tool")
                block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
            if get_field(result, "is_error"):
                self.builder.tool_error(block, str(content), content)
            else:
                self.builder.tool_result(block, content)

    def _code(self, item: Any) -> None:
        self._begin()
        blocks = entries_in(item, "code_blocks")
        code = "\n".join(get_str(block, "code", default="") for block in blocks)
        block = self.builder.start_tool("code", "code")
        self.builder.tool_args(block, code, free=True)
        self._end(item)

    def _code_result(self, item: Any) -> None:
        block = self.builder.tool("code")
        result = get_field(item, "result")
        output = get_str(result, "output", default="")
        if block is None:
            self.builder.custom("CodeExecutionEvent", item)
        elif get_field(result, "exit_code"):
            self.builder.tool_error(block, output, output)
        else:
            self.builder.tool_result(block, output)

    # --- humans, and the end ---

    def _ask(self, item: Any) -> None:
        request = ev.ApprovalRequest(
            approval_id=get_str(item, "request_id") or self.builder.mint("input"),
            kind="input",
            prompt=get_str(item, "content"),
            **self.builder.envelope,
        )
        self.builder.write(request)

    def _ignore(self, item: Any) -> None:
        """Ignore who was selected: the agent's own messages follow."""

    def _result(self, item: Any) -> None:
        """End the run."""
        self.builder.end_step()
        self.stop_info = StopInfo("completed", get_str(item, "stop_reason"))


def _kind_of(item: Any) -> str:
    """Return the tag of an item; that of a generic class without its parameter."""
    return get_str(item, "type", default=class_name(item)).partition("[")[0]


_READERS: dict[str, Callable[[AutoGenDecoder, Any], None]] = {
    "TextMessage": AutoGenDecoder._message,
    "StopMessage": AutoGenDecoder._message,
    "ToolCallSummaryMessage": AutoGenDecoder._message,
    "MultiModalMessage": AutoGenDecoder._message,
    "StructuredMessage": AutoGenDecoder._message,
    "HandoffMessage": AutoGenDecoder._handoff,
    "ModelClientStreamingChunkEvent": AutoGenDecoder._chunk,
    "ThoughtEvent": AutoGenDecoder._thought,
    "ToolCallRequestEvent": AutoGenDecoder._calls,
    "ToolCallExecutionEvent": AutoGenDecoder._results,
    "CodeGenerationEvent": AutoGenDecoder._code,
    "CodeExecutionEvent": AutoGenDecoder._code_result,
    "UserInputRequestedEvent": AutoGenDecoder._ask,
    "SelectSpeakerEvent": AutoGenDecoder._ignore,
    "SelectorEvent": AutoGenDecoder._ignore,
    "TaskResult": AutoGenDecoder._result,
    "Response": AutoGenDecoder._result,
}
