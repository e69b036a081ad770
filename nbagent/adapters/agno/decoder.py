"""Decoder of agno: the events of `agent.run(…, stream=True)` and `arun`, of a team's too, as
objects or as the dicts of their `to_dict`.

Format: https://docs.agno.com/basics/agents/usage/streaming (agno 3.1). The field `event` is the
tag; a team's have `Team` before it. Events of a team's member name the run that they are part of.
Without `stream_events=True` there are only pieces of the content, and no end.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    extra_fields,
    get_field,
    get_str,
    is_of_package,
    to_jsonable,
)
from nbagent.adapters.base.payload import usage_counts
from nbagent.adapters.base.subagents import Subagents

_PACKAGE = "agno.run."
_IDS = ("agent_id", "team_id", "workflow_id")
_TEAM = "Team"
_COUNTS = {
    "input": "input_tokens",
    "output": "output_tokens",
    "total": "total_tokens",
    "reasoning": "reasoning_tokens",
    "cache_read": "cache_read_tokens",
    "cache_write": "cache_write_tokens",
}


class AgnoDecoder(BaseDecoder):
    """Decoder of events of runs."""

    system: ClassVar[str] = "agno"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._agents = Subagents(self.builder)
        self._calls: dict[str, Block] = {}
        self._has_start = False
        self._has_text = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is an event of a run."""
        if isinstance(item, Mapping):
            has_id = any(isinstance(item.get(name), str) for name in _IDS)
            return isinstance(item.get("event"), str) and "run_id" in item and has_id
        return is_of_package(item, _PACKAGE) and get_str(item, "event") is not None

    def read(self, item: Any) -> None:
        """Read one event."""
        kind = get_str(item, "event", default="").removeprefix(_TEAM)
        if not self.recognises(item):
            self.unread(item, class_name(item))
            return
        self.builder.begin(get_str(item, "model"), thread_id=get_str(item, "session_id"))
        self._enter(item)
        reader = _READERS.get(kind)
        if reader is not None:
            reader(self, item)
        else:
            self.builder.custom(kind, item)

    def _enter(self, item: Any) -> None:
        """Put the member of a team whose event it is into the envelope; none for the team."""
        self.builder.envelope.pop("parent_id", None)
        if get_str(item, "parent_run_id") is not None:
            name = get_str(item, "agent_name", "team_name", "agent_id", default="agent")
            member = self._agents.start(get_str(item, "run_id"), name)
            self.builder.envelope["parent_id"] = member

    def _is_member(self) -> bool:
        return "parent_id" in self.builder.envelope

    # --- the model ---

    def _request(self, item: Any) -> None:
        self.new_step(get_str(item, "model"))

    def _response(self, item: Any) -> None:
        counts = usage_counts(item, **_COUNTS)
        self.builder.end_step(None, ev.Usage(**counts) if counts else None)

    def _content(self, item: Any) -> None:
        key = get_str(item, "run_id")
        self.builder.need_step()
        self.builder.reasoning(key, get_str(item, "reasoning_content", default=""))
        provider_data = get_field(item, "model_provider_data")
        self._keep_reasoning(key, get_field(provider_data, "reasoning_output"))
        content = get_field(item, "content")
        if isinstance(content, str) and content:
            self._has_text = True
            self.builder.end_reasoning(key)
            self.builder.text(key, content)
        elif content:
            self.builder.custom("structured_output", content)
        for citation in entries_in(get_field(item, "citations"), "urls"):
            self.builder.source(get_str(citation, "url"), title=get_str(citation, "title"))

    def _keep_reasoning(self, key: Any, item: Any) -> None:
        """Read the Responses API's item of reasoning, which its next request has again."""
        encrypted = get_str(item, "encrypted_content")
        if encrypted is None:
            return
        text = None
        if self.builder.open_reasoning(key) is not None:  # else its text stands above an answer
            parts = entries_in(item, "summary")
            text = "\n\n".join(get_str(part, "text", default="") for part in parts)
        self.builder.start_reasoning(key)
        meta = extra_fields(item_id=get_str(item, "id"))
        self.builder.end_reasoning(key, text or None, encrypted=encrypted, meta=meta)

    # --- tools ---

    def _call(self, item: Any) -> None:
        self._call_of(get_field(item, "tool"))

    def _call_of(self, tool: Any) -> Block:
        call_id = get_str(tool, "tool_call_id")
        block = self._calls.get(call_id or "")
        if block is None:
            name = get_str(tool, "tool_name", default="tool")
            block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
            self._calls[call_id or block.id] = block
            self.builder.complete_args(block, get_field(tool, "tool_args"))
        return block

    def _call_result(self, item: Any) -> None:
        tool = get_field(item, "tool")
        block, result = self._call_of(tool), get_field(tool, "result")
        error = get_str(item, "error")
        if error is not None or get_field(tool, "tool_call_error"):
            self.builder.tool_error(block, error or str(result), result)
        else:
            self.builder.tool_result(block, result)

    # --- humans, and the end ---

    def _pause(self, item: Any) -> None:
        """Read a pause: some calls need someone."""
        for tool in entries_in(item, "tools"):
            if get_field(tool, "is_paused") is False:
                continue
            block = self._call_of(tool)
            request = ev.ApprovalRequest(
                approval_id=get_str(tool, "approval_id", "tool_call_id") or block.id,
                tool_id=block.id,
                args=to_jsonable(get_field(tool, "tool_args")),
                **self.builder.envelope,
            )
            self.builder.write(request)
        self.stop_info = StopInfo("paused")

    def _start(self, item: Any) -> None:
        self._has_start = self._has_start or not self._is_member()

    def _complete(self, item: Any) -> None:
        """End a run: a member's, or the whole one, whose answer may be in its end alone."""
        if self._is_member():
            self._end_member(item, "completed")
            return
        content = get_field(item, "content")
        if not self._has_text and isinstance(content, str):
            self._content(item)
        self.builder.end_step()
        self.stop_info = StopInfo("completed")

    def _fail(self, item: Any) -> None:
        message = get_str(item, "content", default="The run failed")
        is_member = self._is_member()
        code, kind = get_str(item, "error_id"), get_str(item, "error_type")
        self.fail(message, code, kind, fatal=not is_member)
        if is_member:
            self._end_member(item, "failed")

    def _cancel(self, item: Any) -> None:
        if self._is_member():
            self._end_member(item, "cancelled")
        else:
            self.stop_info = StopInfo("cancelled")

    def _end_member(self, item: Any, status: ev.RunStatus) -> None:
        self.builder.end_step()
        self.builder.envelope.pop("parent_id", None)
        self._agents.end(get_str(item, "run_id"), status)

    def _ignore(self, item: Any) -> None:
        """Ignore what is told otherwise."""

    def at_eof(self) -> None:
        """Complete a stream that has pieces of content only."""
        if not self._has_start and self.builder.step and self.stop_info.status == "incomplete":
            self.stop_info = StopInfo("completed")

    def close(self, error: BaseException | None = None) -> list[ev.Event]:
        """End the run, and the members of a team that are at work."""
        if not self.builder.ended:
            self.builder.end_step()
            self.builder.envelope.pop("parent_id", None)
            self._agents.end_all("failed" if error else self.stop_info.status)
        return super().close(error)


_READERS: dict[str, Callable[[AgnoDecoder, Any], None]] = {
    "RunStarted": AgnoDecoder._start,
    "RunContinued": AgnoDecoder._start,
    "RunContent": AgnoDecoder._content,
    "RunContentCompleted": AgnoDecoder._ignore,
    "RunIntermediateContent": AgnoDecoder._content,
    "ReasoningStarted": AgnoDecoder._ignore,
    "ReasoningContentDelta": AgnoDecoder._content,
    "ReasoningCompleted": AgnoDecoder._ignore,
    "ModelRequestStarted": AgnoDecoder._request,
    "ModelRequestCompleted": AgnoDecoder._response,
    "ToolCallStarted": AgnoDecoder._call,
    "ToolCallCompleted": AgnoDecoder._call_result,
    "ToolCallError": AgnoDecoder._call_result,
    "RunPaused": AgnoDecoder._pause,
    "RunCompleted": AgnoDecoder._complete,
    "RunError": AgnoDecoder._fail,
    "RunCancelled": AgnoDecoder._cancel,
}
