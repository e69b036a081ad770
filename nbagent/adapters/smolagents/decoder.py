"""Decoder of smolagents: the items of `agent.run(task, stream=True)`, as objects or as dicts with
`__class__`.

Format: https://github.com/huggingface/smolagents/blob/main/src/smolagents/agents.py and memory.py
(1.26). The model writes text with code, or tool calls. The answer is the output of the last step, a
value of any type.

The format has no reasoning apart from text, no approvals and no hand-offs. A managed agent is a
tool call.
"""

from collections.abc import Callable, Hashable
from typing import Any, ClassVar

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    class_name,
    entries_in,
    error_text,
    fields_or_empty,
    get_field,
    get_str,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import openai_usage
from nbagent.adapters.smolagents.code_text import CodeText, Piece

_CLASSES = {
    "ChatMessageStreamDelta": "content",
    "ToolCall": "arguments",
    "ToolOutput": "is_final_answer",
    "ActionOutput": "is_final_answer",
    "ActionStep": "step_number",
    "PlanningStep": "plan",
    "TaskStep": "task",
    "SystemPromptStep": "system_prompt",
    "FinalAnswerStep": "output",
}
"""The classes, each with a field that a class of that name in another framework does not have."""

_INTERPRETER = "python_interpreter"
"""Name of the tool that runs an agent's code."""


class SmolagentsDecoder(BaseDecoder):
    """Decoder of smolagents' steps and deltas."""

    system: ClassVar[str] = "smolagents"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._calls: list[Block] = []
        self._streamed: dict[Hashable, Block] = {}
        self._wrote = False
        self._text = CodeText()
        self._last_step: Any = None
        self._max_steps = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is of one of the framework's classes."""
        name = class_name(item)
        return name in _CLASSES and _CLASSES[name] in fields_or_empty(item)

    def read(self, item: Any) -> None:
        """Read a delta, a call, an output or a step."""
        self.builder.begin()
        name = class_name(item)
        reader = _READERS.get(name)
        if reader is not None:
            reader(self, item)
        elif name not in _IGNORED:
            self.unread(item, name)

    def finish(self) -> None:
        """Write what was held back of the text, and end the step."""
        self._write(self._text.finish())
        super().finish()

    def _ensure_step(self) -> None:
        if not self.builder.in_step:
            self.new_step()
            self._wrote = False
            self._text = CodeText()
            self._calls.clear()
            self._streamed.clear()

    def _delta(self, item: Any) -> None:
        self._ensure_step()
        content = get_str(item, "content")
        if content:
            self._wrote = True
            self._write(self._text.feed(content))
        for call in entries_in(item, "tool_calls"):
            function, index = get_field(call, "function"), get_field(call, "index")
            name, arguments = get_str(function, "name"), get_field(function, "arguments")
            block = self._streamed.get(index)
            if block is None and name:
                block = self.builder.start_tool(("delta", index), name, call_id=get_str(call, "id"))
                self._streamed[index] = block
                self._calls.append(block)
            if block is not None and isinstance(arguments, str):
                self.builder.tool_delta(block, arguments)

    def _write(self, pieces: list[Piece]) -> None:
        """Write text, and code as the arguments of its call, whose own item comes later."""
        for text, is_code in pieces:
            if not is_code:
                self.builder.text("content", text, phase="commentary")
                continue
            block = next((each for each in self._calls if each.name == _INTERPRETER), None)
            if block is None:
                block = self.builder.start_tool(("delta", _INTERPRETER), _INTERPRETER)
                self._calls.append(block)
            self.builder.tool_delta(block, text)

    def _open_call(self, call_id: Any, name: Any) -> Block | None:
        """Return the open call of that id, else the first one of that name without an id, else
        None.
        """
        waiting = [block for block in self._calls if not block.closed]
        for block in waiting:
            if call_id and block.call_id == call_id:
                return block
        for block in waiting:
            if block.call_id is None and block.name == name:
                return block
        return None

    def _call(self, item: Any) -> None:
        """Write a call that the agent is about to run, with complete arguments."""
        self._ensure_step()
        self._write(self._text.finish())
        call_id, name, args = (
            get_str(item, "id"),
            get_str(item, "name", default="tool"),
            get_field(item, "arguments"),
        )
        block = self._open_call(call_id, name)
        if block is None or block.args_complete:
            block = self.builder.start_tool(("call", call_id), name, call_id=call_id)
            self._calls.append(block)
        self.builder.complete_args(block, args, free=True)

    def _output(self, item: Any) -> None:
        call = get_field(item, "tool_call")
        block = self._open_call(
            get_str(item, "id") or get_field(call, "id"), get_field(call, "name")
        )
        if block is None:
            self._call(call if call is not None else {"id": get_field(item, "id")})
            block = self._calls[-1]
        output, observation = get_field(item, "output"), get_field(item, "observation")
        is_json = output is None or isinstance(output, (str, int, float, bool, list, dict))
        self.builder.tool_args(block)
        told = observation if isinstance(observation, str) else None
        self.builder.tool_result(block, output if is_json else observation, told=told)

    def _step(self, item: Any) -> None:
        """End a step.

        Its item repeats the streamed output, and adds errors, observations and token counts.
        """
        number = get_field(item, "step_number")
        if number is not None and number == self._last_step:
            # Out of steps, the framework sends the last one again, then an answer
            # (smolagents/replay-out-of-steps).
            self._max_steps = True
            return
        self._last_step = number
        self._ensure_step()
        text = get_str(item, "model_output")
        if text and not self._wrote:
            self._write(self._text.feed(text))
        self._write(self._text.finish())
        for call in entries_in(item, "tool_calls"):
            if not self._is_known(call):
                self._call(call)
        error = get_field(item, "error")
        message = _error_message(error)
        self._answer_calls(message, get_field(item, "observations"))
        if message:
            self._step_failed(message, get_str(error, "type") or class_name(error))
        self.builder.end_step(usage=openai_usage(get_field(item, "token_usage")))

    def _step_failed(self, message: str, error_type: str) -> None:
        is_out_of_steps = "MaxSteps" in error_type or "max steps" in message.lower()
        self._max_steps = self._max_steps or is_out_of_steps
        self.fail(message, error_type=error_type or None, fatal=False)

    def _is_known(self, call: Any) -> bool:
        call_id, name = get_field(call, "id"), get_field(call, "name")
        return any(block.call_id == call_id or block.name == name for block in self._calls)

    def _answer_calls(self, message: str | None, observations: Any) -> None:
        for block in self._calls:
            self.builder.tool_args(block, free=block.name == _INTERPRETER)
            if message:
                told = "\n".join(filter(None, (observations, message)))
                self.builder.tool_error(block, message, observations, told=told)
            else:
                self.builder.tool_result(block, observations)

    def _plan(self, item: Any) -> None:
        self._ensure_step()
        plan = get_str(item, "plan")
        if plan:
            self.builder.start_text("content", phase="commentary")
        self.builder.end_text("content", plan)
        self.builder.end_step(usage=openai_usage(get_field(item, "token_usage")))

    def _answer(self, item: Any) -> None:
        """Write the final answer, and complete the run."""
        text = _answer_text(get_field(item, "output"))
        if text:
            self.builder.end_step()
            self.builder.text("answer", text, phase="final_answer")
            self.builder.end_text("answer")
        self.stop_info = StopInfo("max_steps" if self._max_steps else "completed")


def _error_message(error: Any) -> str | None:
    if error is None:
        return None
    if isinstance(error, BaseException):
        return get_str(error, "message") or str(error)
    return error_text(error) or str(to_jsonable(error))


def _answer_text(output: Any) -> str | None:
    """Return the answer as text: a string, the texts of a model's message, or the string form of
    any other value.
    """
    if output is None or isinstance(output, str):
        return output
    if isinstance(output, list):
        parts = [get_str(part, "text", default="") for part in output]
        if parts and all(parts):
            return "".join(parts)
    return str(to_jsonable(output))


_READERS: dict[str, Callable[[SmolagentsDecoder, Any], None]] = {
    "ChatMessageStreamDelta": SmolagentsDecoder._delta,
    "ToolCall": SmolagentsDecoder._call,
    "ToolOutput": SmolagentsDecoder._output,
    "ActionStep": SmolagentsDecoder._step,
    "PlanningStep": SmolagentsDecoder._plan,
    "FinalAnswerStep": SmolagentsDecoder._answer,
    "FinalOutput": SmolagentsDecoder._answer,
}
_IGNORED = {"ActionOutput", "TaskStep", "SystemPromptStep"}
