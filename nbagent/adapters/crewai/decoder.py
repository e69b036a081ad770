"""CrewAI: the events of its bus, the frames of a stream, and the chunks that a streaming crew gives.

The events: https://docs.crewai.com/en/concepts/event-listener (crewai 1.15). `type` tells events apart; a
frame (`{id, seq, type, channel, namespace, data}`) carries one in `data`; a chunk has `content` and `chunk_type`. A tool's
result names the event that started it, not a call.

What it cannot say: hand-offs (a delegation is a tool), citations, and what ended a chunk stream: its end is the end.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

from nbagent import events as ev
from nbagent.adapters.base.builder import Block
from nbagent.adapters.base.decoder import BaseDecoder, Verdict
from nbagent.adapters.base.fields import class_of, count, fields_or_none, look, plain, string
from nbagent.adapters.base.openai_fields import usage_of

_SUBJECTS = (
    "crew_",
    "task_",
    "agent_execution_",
    "lite_agent_execution_",
    "agent_reasoning_",
    "agent_logs_",
    "llm_",
    "tool_usage_",
    "tool_selection_",
    "tool_validate_",
    "tool_execution_",
    "memory_",
    "knowledge_",
    "flow_",
    "method_execution_",
    "human_feedback_",
    "mcp_",
    "a2a_",
)
_WORDS = ("_started", "_completed", "_failed", "_finished", "_error", "_chunk", "_requested", "_received", "_created")


class CrewDecoder(BaseDecoder):
    """CrewAI's events, frames and chunks to events."""

    system: ClassVar[str] = "crewai"

    def __init__(self) -> None:
        super().__init__()
        self._tools: dict[str, Block] = {}
        self._written: dict[Any, Block] = {}
        self._root: str | None = None
        self._root_event: str | None = None
        self._streamed = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Whether the item is one of CrewAI's events, frames or chunks."""
        if isinstance(item, str | bytes):
            return False
        if class_of(item) == "StreamChunk" or look(item, "chunk_type") is not None:
            return look(item, "content") is not None
        kind = look(item, "type")
        return isinstance(kind, str) and kind.startswith(_SUBJECTS) and kind.endswith(_WORDS)

    def read(self, item: Any) -> None:
        """One event, frame or chunk."""
        if look(item, "chunk_type") is not None:
            self._chunk(item)
            return
        kind = string(look(item, "type")) or ""
        frame = look(item, "data")
        is_frame = isinstance(frame, Mapping) and look(item, "channel") is not None
        said = {**frame, "event_id": look(item, "id")} if is_frame else item
        if not kind.startswith(_SUBJECTS):
            if is_frame:  # whatever a bus carries, a user's own events among it
                self.book.write(ev.Custom(name=kind, data=plain(said), **self.book.stamp))
            else:
                self.unread(item, kind or None)
            return
        self.book.begin(string(look(said, "model")))
        role = string(look(said, "agent_role")) or string(look(look(said, "agent"), "role"))
        self.book.stamp["agent"] = role
        subject, _, word = kind.rpartition("_")
        if kind in ("llm_stream_chunk", "llm_thinking_chunk"):
            self._llm_chunk(said, thought=kind == "llm_thinking_chunk")
        elif subject == "llm_call":
            self._llm_call(word, said)
        elif kind.startswith("tool_"):
            self._tool(kind, said)
        elif kind.startswith(("human_feedback", "flow_input")):
            self._human(word, said)
        elif kind.startswith(("crew_kickoff", "flow_", "lite_agent_execution", "agent_execution")):
            self._lifecycle(subject, word, said, role)
        elif word in ("failed", "error"):
            self.fail(string(look(said, "error")) or kind, error_type=kind, fatal=False)
        elif kind.startswith("task") and word == "started":
            name = string(look(said, "task_name")) or string(look(look(said, "task"), "description"))
            self.book.write(ev.Status(message=f"Task: {name}" if name else "Task started", **self.book.stamp))
        elif kind.startswith(("memory_", "knowledge_", "mcp_", "a2a_", "method_", "agent_", "llm_")):
            self.book.write(ev.Custom(name=kind, data=plain(said), **self.book.stamp))

    def _in_step(self, model: str | None = None) -> None:
        if not self.book.in_step:
            self.book.start_step(model)
            self._streamed = False
            self._written.clear()

    # --- the model ------------------------------------------------------------------------------------------------------

    def _llm_chunk(self, said: Any, *, thought: bool) -> None:
        self._in_step(string(look(said, "model")))
        chunk = string(look(said, "chunk")) or ""
        call = look(said, "tool_call")
        if call is not None:
            self._tool_piece(call)
        elif thought:
            self.book.thought("thought", chunk)
        else:
            if chunk:
                self._streamed = True
                self.book.end_thought("thought")
            self.book.text("text", chunk)

    def _tool_piece(self, call: Any) -> None:
        """A piece of a call. The agent's own event about the tool follows, and is the same call."""
        function = look(call, "function")
        index = look(call, "index")
        name, arguments = string(look(function, "name")), look(function, "arguments")
        call_id = string(look(call, "id")) or string(look(call, "tool_id"))
        block = self._written.get(index)
        if name and (block is None or call_id not in (None, block.call_id)):  # a call that follows may have the same index
            if block is not None:
                self.book.tool_args(block)
            block = self._written[index] = self.book.start_tool(("piece", index, call_id), name, call_id=call_id)
        if block is not None and isinstance(arguments, str):
            # some versions repeat what was said so far
            so_far = "".join(block.pieces)
            self.book.tool_delta(block, arguments[len(so_far) :] if so_far and arguments.startswith(so_far) else arguments)

    def _llm_call(self, word: str, said: Any) -> None:
        if word == "started":
            self.book.end_step()
            self._in_step(string(look(said, "model")))
            return
        self._in_step(string(look(said, "model")))
        response = look(said, "response")
        if word == "failed":
            self.fail(string(look(said, "error")) or "The model call failed", fatal=False)
        elif isinstance(response, str) and response and not self._written:
            self.book.start_text("text")
            self.book.end_text("text", response)
        self._settle_calls()
        self.book.end_step(string(look(said, "finish_reason")), usage_of(look(said, "usage")))

    # --- tools ----------------------------------------------------------------------------------------------------------

    def _tool(self, kind: str, said: Any) -> None:
        name = string(look(said, "tool_name")) or "tool"
        if kind == "tool_usage_started":
            known = [block for block in self._written.values() if block.name == name and not block.closed]
            block = known[0] if known else self.book.start_tool(("use", look(said, "event_id")), name)
            self._tools[str(look(said, "event_id") or block.id)] = block
            args = look(said, "tool_args")
            if isinstance(args, str):
                self.book.tool_args(block, args)
            else:
                self.book.tool_args(block, args={} if args is None else args)
            return
        block_or_none = self._tools.get(str(look(said, "started_event_id")))
        if block_or_none is None:
            block_or_none = next((block for block in self._tools.values() if block.name == name and not block.closed), None)
        if block_or_none is None:
            block_or_none = self.book.start_tool(("use", look(said, "event_id")), name)
            self.book.tool_args(block_or_none, args=plain(look(said, "tool_args") or {}))
        if kind == "tool_usage_finished":
            self.book.tool_result(block_or_none, look(said, "output"))
        else:
            error = string(look(said, "error")) or str(plain(look(said, "error") or kind))
            self.book.tool_result(block_or_none, None, status="error", error=ev.ErrorInfo(message=error))

    # --- humans, agents and the end -------------------------------------------------------------------------------------

    def _human(self, word: str, said: Any) -> None:
        book = self.book
        request_id = string(look(said, "request_id")) or string(look(said, "method_name")) or "human"
        if word == "requested":
            prompt = string(look(said, "message")) or string(look(said, "prompt"))
            options = look(said, "emit")
            book.write(
                ev.ApprovalRequest(
                    approval_id=request_id,
                    kind="input",
                    prompt=prompt,
                    args=plain(look(said, "output")),
                    options=[str(option) for option in options] if isinstance(options, list) else None,
                    **book.stamp,
                )
            )
        else:
            value = look(said, "feedback") or look(said, "response")
            book.write(ev.ApprovalResponse(approval_id=request_id, decision="approve", value=plain(value), **book.stamp))

    def _lifecycle(self, subject: str, word: str, said: Any, role: str | None) -> None:
        """Crews, flows and agents begin and end; the first of them is the run."""
        if word == "created" or subject.startswith("flow_plot"):
            return
        # a crew is itself a flow, inside whatever flow it works for
        is_root = subject == (self._root or subject) and look(said, "started_event_id") in (None, self._root_event)
        if word == "started":
            if self._root is None:
                self._root, self._root_event = subject, string(look(said, "event_id"))
            if subject.startswith("agent_execution") and role:
                self.book.write(ev.Status(message=role, **self.book.stamp))
        elif word in ("failed", "error"):
            self.fail(string(look(said, "error")) or "The run failed", fatal=is_root)
        elif word in ("completed", "finished") and is_root:
            self._root = subject
            self.book.end_step()
            counts = fields_or_none(look(said, "token_usage"))
            total = count(look(said, "total_tokens"))
            if self.book.usage is None and (counts or total is not None):
                self.book.usage = usage_of(counts) or ev.Usage(total=total)
            self.verdict = Verdict("completed")
        elif word == "paused":
            self.verdict = Verdict("paused")

    # --- chunks ---------------------------------------------------------------------------------------------------------

    def _chunk(self, item: Any) -> None:
        """A chunk of a streaming crew: text, or a piece of a call, of an agent at a task."""
        self.book.begin()
        role = string(look(item, "agent_role"))
        if role != self.book.stamp.get("agent"):
            self.book.end_step()
        self.book.stamp["agent"] = role
        self._in_step()
        call = look(item, "tool_call")
        if call is not None and _word(look(item, "chunk_type")) == "tool_call":
            name = string(look(call, "tool_name"))
            function = {"name": name, "arguments": look(call, "arguments")}
            self._tool_piece(call if name is None else {**fields_or_none(call), "function": function})
        else:
            self._settle_calls()
            self.book.text("text", string(look(item, "content")) or "")
        self.verdict = Verdict("completed")

    def finish(self) -> None:
        """The current response is over, and whatever it called is written whole."""
        self._settle_calls()
        super().finish()

    def _settle_calls(self) -> None:
        for block in self._written.values():
            self.book.tool_args(block)


def _word(value: Any) -> str:
    """An enum's member, or its value."""
    return str(getattr(value, "value", value))
