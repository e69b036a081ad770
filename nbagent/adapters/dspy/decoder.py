"""Decoder of DSPy: the items of `dspy.streamify(program)(…)`, as objects or as the dicts of their
dataclasses.

Format: https://dspy.ai/tutorials/streaming/ (dspy 3.4). A program with listeners streams the fields
that these name; without any, the chunks of its models, which have all fields in one text, as
DSPy's adapters ask for them. The last item is the program's prediction, which has every field
again, and what the tools of a ReAct returned.

The format has no item for a call of a tool: DSPy's own status message names the tool, and so do
the fields in which ReAct asks for a call. Arguments and results come with the prediction.
"""

import json
from collections.abc import Callable, Hashable, Iterator, Mapping
from typing import Any, ClassVar, NamedTuple

from nbagent.adapters.base.block import Block
from nbagent.adapters.base.decoder import BaseDecoder, StopInfo
from nbagent.adapters.base.fields import (
    entries_in,
    fields_or_empty,
    get_field,
    get_str,
    mapping_or_empty,
    str_or_none,
    to_jsonable,
)
from nbagent.adapters.base.openai_fields import openai_usage
from nbagent.adapters.dspy.field_text import FieldText

_PACKAGE = "dspy."
_NATIVE_THOUGHT = "reasoning_content"
_THOUGHTS = {
    "reasoning",
    "next_thought",
    "rationale",
    "thought",
    "final_reasoning",
    _NATIVE_THOUGHT,
}
_TOOL_NAME, _TOOL_ARGS = "next_tool_name", "next_tool_args"
_UNSHOWN = {"completed", "trajectory", "history", "termination_reason", "tool_calls"}
"""Fields that are no part of the answer, or are read as calls."""
_FINISH = "finish"
"""The tool with which ReAct ends."""
_CALLING = ("Calling tool ", "...")
"""What stands around the name of a tool in DSPy's own message."""


class _Call(NamedTuple):
    """A call of a tool, as a prediction tells it."""

    name: str
    args: Any
    result: Any
    failed: bool


class DspyDecoder(BaseDecoder):
    """Decoder of a program's stream."""

    system: ClassVar[str] = "dspy"
    runs_tools: ClassVar[bool] = True

    def __init__(self) -> None:
        super().__init__()
        self._predictor: Any = None
        self._ended: set[Hashable] = set()  # fields of the current response
        self._said: dict[str, list[str]] = {}  # all that was streamed, by the name of the field
        self._has_answer = False  # of that, a field that is no thought
        self._responses: dict[Any, FieldText] = {}
        self._native: dict[tuple[Any, Any], Block] = {}
        self._asked: list[Block] = []  # calls that the model wrote, and that have not begun
        self._tool_name = ""
        self._may_end = False

    @staticmethod
    def recognises(item: Any) -> bool:
        """Return True if the item is one of a program's stream, or a model's chunk in it."""
        return _kind_of(item) is not None

    def read(self, item: Any) -> None:
        """Read one item."""
        self._may_end = False
        self.builder.begin()
        kind = _kind_of(item)
        if kind is None and isinstance(item, str):
            self.builder.need_step()
            self.builder.text("text", item)
        elif kind is None and set(fields_or_empty(item)) == {"message"}:
            self._status(item)
        elif kind is None:
            self.unread(item)
        else:
            _READERS[kind](self, item)

    # --- fields ---

    def _response(self, item: Any) -> None:
        """Read a piece of a field that someone listens to."""
        field, chunk = get_str(item, "signature_field_name", default=""), get_field(item, "chunk")
        is_last = get_field(item, "is_last_chunk") is True
        for citation in entries_in(chunk, "citations"):
            self.builder.source(
                get_str(citation, "url"),
                title=get_str(citation, "document_title", "title"),
                meta=to_jsonable(citation),
            )
        self._field(get_str(item, "predict_name"), field, str_or_none(chunk) or "", is_last)
        self._may_end = is_last and self._has_answer

    def _field(self, predictor: Any, field: str, text: str, is_last: bool) -> None:
        """Write a piece of a field."""
        key = (predictor, field)
        if key in self._ended or (predictor != self._predictor and not self.builder.open_keys()):
            self.builder.end_step()
        if not self.builder.in_step:
            self.new_step()
            self._ended.clear()
        self._predictor = predictor
        if text:
            self._said.setdefault(field, []).append(text)
        if field in (_TOOL_NAME, _TOOL_ARGS):
            self._asked_call(field, text, is_last)
        elif field in _THOUGHTS:
            self.builder.reasoning(key, text)
        elif field == "":  # not the form that DSPy asked for, or that of another of its adapters
            self.builder.text(key, text, phase="commentary")
        elif field not in _UNSHOWN:
            self.builder.text(key, text)
            self._has_answer = self._has_answer or bool(text)
        if is_last:
            self._ended.add(key)
            self.builder.end_reasoning(key)
            self.builder.end_text(key)

    def _asked_call(self, field: str, text: str, is_last: bool) -> None:
        """Read the fields in which ReAct's model asks for a call."""
        if field == _TOOL_NAME:
            self._tool_name += text
            if is_last and self._tool_name.strip() not in ("", _FINISH):
                self._asked.append(self.builder.start_tool("asked", self._tool_name.strip()))
            if is_last:
                self._tool_name = ""
            return
        block = self.builder.tool("asked")
        if block is not None:
            self.builder.tool_delta(block, text)
            if is_last:
                self.builder.tool_args(block)

    # --- chunks of a model ---

    def _chunk(self, item: Any) -> None:
        """Read a chunk of a model, which some predictor asked."""
        predictor = get_field(item, "predict_id")
        for choice in entries_in(item, "choices"):
            delta = get_field(choice, "delta")
            thought = get_str(delta, "reasoning_content")
            if thought:
                self._field(predictor, _NATIVE_THOUGHT, thought, is_last=False)
            content = get_str(delta, "content")
            if content:
                self.builder.end_reasoning((predictor, _NATIVE_THOUGHT))
                response = self._responses.setdefault(predictor, FieldText())
                for piece in response.feed(content):
                    self._field(predictor, *piece)
            for call in entries_in(delta, "tool_calls"):
                self._native_call(predictor, call)
            reason = get_str(choice, "finish_reason")
            if reason is not None:
                self._end_response(predictor, reason)

    def _native_call(self, predictor: Any, call: Any) -> None:
        self.builder.need_step()
        key, function = (predictor, get_field(call, "index")), get_field(call, "function")
        name = get_str(function, "name")
        if name is not None:
            call_id = get_str(call, "id")
            self._native[key] = self.builder.start_tool(("native", *key), name, call_id=call_id)
            self._asked.append(self._native[key])
        if key in self._native:
            self.builder.tool_delta(self._native[key], get_str(function, "arguments", default=""))

    def _end_response(self, predictor: Any, reason: str) -> None:
        """End a predictor's response; the step ends with the last one."""
        response = self._responses.pop(predictor, None)
        if response is not None:
            for piece in response.finish():
                self._field(predictor, *piece)
        for key in [key for key in self._native if key[0] == predictor]:
            self.builder.tool_args(self._native.pop(key))
        if not self._responses:
            self.builder.end_step(reason)

    # --- tools ---

    def _status(self, item: Any) -> None:
        """Read a message of the program's; DSPy's own at a tool's call begins that."""
        message = get_str(item, "message", default="")
        before, after = _CALLING
        if not (message.startswith(before) and message.endswith(after)):
            self.builder.status(message)
            return
        name = message.removeprefix(before).removesuffix(after)
        asked = next((block for block in self._asked if block.name == name), None)
        if asked is not None:
            self._asked.remove(asked)
            return
        self.builder.end_step()
        self.builder.start_tool(self.builder.mint("call"), name)

    def _call(self, call: _Call) -> bool:
        """Give a call of a prediction to the one that was told. Return False if that would stand
        below the answer, and be taken for what came last.
        """
        block = self.builder.oldest_unanswered(call.name)
        if block is None:
            if self._has_answer:
                return False
            block = self.builder.start_tool(self.builder.mint("call"), call.name)
        self.builder.complete_args(block, call.args)
        self.builder.end_tool(block, call.result, failed=call.failed, message=str(call.result))
        return True

    # --- the end ---

    def _prediction(self, item: Any) -> None:
        """End the run: write what was not streamed. What came before an answer that was streamed
        stays out of sight.
        """
        self.builder.end_step()
        values = _values_of(item)
        calls = list(_calls_in(values.get("trajectory")))
        told = len(self.builder.unanswered())
        if told:  # a history has the calls of earlier runs, too
            calls += list(_calls_of(values.get("history")))[-told:]
        late: dict[str, Any] = {}
        left = [call._asdict() for call in calls if not self._call(call)]
        if left:
            late["calls"] = left
        thoughts = list(_thoughts_in(values.get("trajectory")))
        if thoughts and "next_thought" not in self._said:
            late["thoughts"] = thoughts
        renamed = {
            "".join(pieces).strip() for name, pieces in self._said.items() if name not in values
        }
        has_answer = self._has_answer
        for name, value in values.items():
            text = _text_of(value)
            if name in _UNSHOWN or name in self._said or not text or text.strip() in renamed:
                continue
            if not _is_thought(name, value):
                self._field(None, name, text, is_last=True)
            elif has_answer:
                late[name] = text
            else:
                self._field(None, "reasoning", text, is_last=True)
        if late:
            self.builder.custom("prediction", late)
        self.builder.end_step()
        for counts in mapping_or_empty(_usage_of(item)).values():
            usage = openai_usage(counts)
            if usage is not None:
                self.builder.add_usage(usage)
        self.stop_info = StopInfo("completed")

    def at_eof(self) -> None:
        """Complete a stream that was asked to leave its prediction out."""
        if self._may_end:
            self.complete()


def _kind_of(item: Any) -> str | None:
    """Return the name of an item's class in DSPy, or of the one that it extends; None for another
    system's item.
    """
    if isinstance(item, Mapping):
        if "signature_field_name" in item:
            return "StreamResponse"
        if isinstance(item.get("prediction"), Mapping):
            return "Prediction"
        return "EngineChunk" if "predict_id" in item and "choices" in item else None
    for kind in type(item).__mro__:
        if (kind.__module__ or "").startswith(_PACKAGE) and kind.__name__ in _READERS:
            return kind.__name__
    # LiteLLM's chunks have DSPy's mark.
    values = fields_or_empty(item)
    return "EngineChunk" if "predict_id" in values and "choices" in values else None


def _values_of(prediction: Any) -> Mapping[str, Any]:
    """Return the fields of a prediction."""
    name = "prediction" if isinstance(prediction, Mapping) else "_store"
    return mapping_or_empty(fields_or_empty(prediction).get(name))


def _usage_of(prediction: Any) -> Any:
    """Return the token counts of a prediction, by model; None if DSPy was not told to track
    them.
    """
    return get_field(prediction, "lm_usage") or fields_or_empty(prediction).get("_lm_usage")


def _is_thought(name: str, value: Any) -> bool:
    return name in _THOUGHTS or type(value).__name__ == "Reasoning"


def _text_of(value: Any) -> str:
    """Return the value of a field as text; JSON, if it is none."""
    if value is None or isinstance(value, str):
        return value or ""
    if type(value).__name__ == "Reasoning":
        return str(value)
    return json.dumps(to_jsonable(value), ensure_ascii=False)


def _calls_in(trajectory: Any) -> Iterator[_Call]:
    """Yield the calls of a ReAct's trajectory, which numbers its fields."""
    values = mapping_or_empty(trajectory)
    for key, name in values.items():
        number = key.removeprefix("tool_name_")
        if number == key or name == _FINISH:
            continue
        result = values.get(f"observation_{number}")
        failed = isinstance(result, str) and result.startswith(f"Execution error in {name}: ")
        yield _Call(name, values.get(f"tool_args_{number}"), result, failed)


def _thoughts_in(trajectory: Any) -> Iterator[Any]:
    """Yield the thoughts of a ReAct's trajectory."""
    for key, thought in mapping_or_empty(trajectory).items():
        if key.startswith("thought_"):
            yield thought


def _calls_of(history: Any) -> Iterator[_Call]:
    """Yield the calls in the history of a ReActV2."""
    for message in entries_in(history, "messages"):
        calls = get_field(message, "tool_calls")
        results = entries_in(get_field(calls, "tool_call_results"), "tool_call_results")
        for call, result in zip(entries_in(calls, "tool_calls"), results, strict=False):
            yield _Call(
                get_str(call, "name", default="tool"),
                get_field(call, "args"),
                get_field(result, "value"),
                get_field(result, "is_error") is True,
            )


_READERS: dict[str, Callable[[DspyDecoder, Any], None]] = {
    "StreamResponse": DspyDecoder._response,
    "StatusMessage": DspyDecoder._status,
    "EngineChunk": DspyDecoder._chunk,
    "Prediction": DspyDecoder._prediction,
}
