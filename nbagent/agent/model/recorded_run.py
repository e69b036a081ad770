"""`RecordedRun`: the responses of the model in the events of a run, each with its calls and their
results.

The events may be those of any system: only the order of prompts, texts, calls and results counts.
Agents at work inside a call are a part of its result. What a reader called again is left out.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from nbagent import events as e
from nbagent.adapters.detect import DetectingDecoder
from nbagent.agent.model import input_items
from nbagent.agent.model.response import Response
from nbagent.blocks import KINDS
from nbagent.errors import NbagentError
from nbagent.events.attempts import AttemptFilter
from nbagent.events.meta import is_given
from nbagent.events.told import told_of
from nbagent.sources.recording import Replay, replay

DENIED = "The user denied this call"
MASKED = "•••"
"""A part of every text in which something was masked."""

_OF_AGENT = ("function", "handoff", "client")
"""Kinds of the calls that an agent's model makes of tools that it was sent."""

_OF_TEXT = (e.TextDelta, e.TextEnd, e.ReasoningDelta, e.ReasoningEnd)
_ANSWERS = tuple(kind.event for kind in KINDS if kind.is_answer)
_OF_HOSTED_CALL = (e.ToolArgsDelta, e.ToolArgs, e.ToolProgress, e.ToolOutput, e.ToolResult)


@dataclass(kw_only=True, slots=True)
class RecordedCall:
    """A call of a tool that the agent's side ran.

    Attributes:
        start: its first event.
        args: as the model wrote them; None if they are hidden, or were cut.
        ran: the arguments it ran with, which a reader may have changed.
        result: the last one; None if there was none.
        denial: the result that the model read if the reader did not permit the call.
        is_given: whether the reader gave the result or the error, in place of the tool's.
    """

    start: e.ToolStart
    args: e.ToolArgs | None = None
    ran: e.ToolArgs | None = None
    result: e.ToolResult | None = None
    denial: str = DENIED + "."
    is_given: bool = False

    @property
    def call_id(self) -> str:
        """Id by which the model refers to the call."""
        return self.start.call_id or self.start.id

    @property
    def output(self) -> str | None:
        """The result as the model read it; None if there was none."""
        result = self.result
        if result is None:
            return None
        if result.status == "denied":
            return self.denial
        told = told_of(result)
        if result.status == "error" and told is None:
            error = result.error or e.ErrorInfo(message="")
            return f"Error: {error.type or 'Error'}: {error.message}"
        if isinstance(told, str):
            return told
        return msgspec.json.encode(told).decode()


@dataclass(kw_only=True, slots=True)
class RecordedStep:
    """A response of the model.

    Attributes:
        number: of the response, from 1.
        begin: index of its first event among those of the run.
        events: what the model said; without results of the agent's tools, and without tokens, which
            are spent once.
        calls: of tools that the agent's side ran, by the call's id in the events.
        is_complete: whether it came to its end.
        is_answered: whether one of its calls has a result.
    """

    number: int
    begin: int
    events: list[e.Event] = field(default_factory=list)
    calls: dict[str, RecordedCall] = field(default_factory=dict)
    is_complete: bool = False
    is_answered: bool = False

    @property
    def is_before_start(self) -> bool:
        """True if nothing has come but what may come before the response's own start."""
        return len(self.events) == 1 or all(type(event) in _ANSWERS for event in self.events)

    def items(self) -> list[input_items.Item]:
        """Return the response as history, without the results of its calls."""
        response = Response()
        for event in self.events:
            response.update(event)
        return response.history()


class RecordedRun:
    """A run, read from its events.

    Args:
        events: of the run, complete: a delta has its start.
        name: of the recording.

    Attributes:
        name: of the recording.
        events: all of them.
        steps: the responses of the model.
        prompts: the user's messages, each with the number of responses and of events before it.
    """

    def __init__(self, events: Iterable[e.Event], name: str) -> None:
        self.name = name
        self.events = list(events)
        self.steps: list[RecordedStep] = []
        self.prompts: list[tuple[e.Prompt, int, int]] = []
        self._calls: dict[str, RecordedCall] = {}
        self._questions: dict[str, str] = {}  # ids of calls, by the ids of the questions about them
        self._step: RecordedStep | None = None
        attempts = AttemptFilter()
        for index, event in enumerate(self.events):
            if not attempts.is_of_attempt(event) and event.parent_id is None:
                self._read(index, event)

    @property
    def calls(self) -> list[RecordedCall]:
        """The calls of tools, in order."""
        return [call for step in self.steps for call in step.calls.values()]

    @property
    def awaited(self) -> RecordedStep | None:
        """The response that the run asked for last and never got; None if its last response is an
        answer.
        """
        if self.steps and not self.steps[-1].calls:
            return None
        return RecordedStep(number=len(self.steps) + 1, begin=len(self.events))

    def prompt_of(self, step: int) -> int:
        """Return the index of the prompt that a response, by its number, belongs to; -1 if there is
        none.
        """
        return sum(before < step for _, before, _ in self.prompts) - 1

    def first_step(self, prompt: int) -> int:
        """Return the number of responses before those to a prompt, by its index; of one that is not
        recorded, 0.
        """
        return self.prompts[prompt][1] if 0 <= prompt < len(self.prompts) else 0

    def _read(self, index: int, event: e.Event) -> None:
        match event:
            case e.RunEnd():
                self._end_step(
                    is_complete=event.status not in ("failed", "cancelled", "incomplete")
                )
            case e.Prompt():
                self._end_step()
                self.prompts.append((event, len(self.steps), index))
            case e.Rewind() if event.prompt <= len(self.prompts):
                self._step = None
                del self.steps[self.first_step(event.prompt - 1) :]
                del self.prompts[event.prompt - 1 :]
            case e.ApprovalRequest() if event.tool_id is not None:
                self._questions[event.approval_id] = event.tool_id
            case e.ApprovalResponse() if call := self._calls.get(
                self._questions.get(event.approval_id, "")
            ):
                call.is_given = event.decision in ("result", "error")
                if event.reason:
                    call.denial = f"{DENIED}: {event.reason}"
            case _ if (call := self._calls.get(getattr(event, "id", ""))) is not None:
                self._read_call(call, event)
            case _:
                self._read_response(index, event)

    def _read_response(self, index: int, event: e.Event) -> None:
        """Read an event of a response itself."""
        match event:
            case e.StepStart():
                self._start_step(index, event)
            case e.StepEnd() if self._step is not None:
                self._step.events.append(replace(event, usage=None))
                self._step.is_complete = True
            case e.ToolStart() | e.TextStart() | e.ReasoningStart():
                self._start_block(index, event)
            case _ if isinstance(event, _ANSWERS):
                self._current(index).events.append(event)
            case _ if isinstance(event, _OF_TEXT + _OF_HOSTED_CALL) and self._step is not None:
                self._step.events.append(event)

    def _start_step(self, index: int, event: e.StepStart) -> None:
        if self._step is None or not self._step.is_before_start:
            self._begin(index)
        step = self._current(index)
        step.events[:] = [event, *(each for each in step.events if type(each) in _ANSWERS)]

    def _start_block(self, index: int, event: e.ToolStart | e.TextStart | e.ReasoningStart) -> None:
        if self._step is not None and self._step.is_answered:
            self._begin(index)
        step = self._current(index)
        if isinstance(event, e.ToolStart) and event.kind in _OF_AGENT:
            event = replace(event, kind="function")
            self._calls[event.id] = step.calls[event.id] = RecordedCall(start=event)
        step.events.append(event)

    def _read_call(self, call: RecordedCall, event: e.Event) -> None:
        step = next(step for step in reversed(self.steps) if call.start.id in step.calls)
        match event:
            case e.ToolArgsDelta() if call.args is None:
                step.events.append(event)
            case e.ToolArgs():
                if call.args is None:
                    call.args = event
                    step.events.append(event)
                call.ran = event
            case e.ToolResult(preliminary=False):
                call.result = event
                call.is_given = call.is_given or is_given(event)
                step.is_answered = step.is_complete = True

    def _begin(self, index: int) -> None:
        self._end_step()
        self._step = RecordedStep(number=len(self.steps) + 1, begin=index)
        self.steps.append(self._step)

    def _current(self, index: int) -> RecordedStep:
        if self._step is None:
            self._begin(index)
        assert self._step is not None
        return self._step

    def _end_step(self, *, is_complete: bool = True) -> None:
        """End the response; what follows it shows that it was complete."""
        if self._step is not None:
            self._step.is_complete = self._step.is_complete or is_complete
        self._step = None


class Record:
    """Recorded calls that stand for calls of tools that must not run twice.

    Args:
        calls: in order. Each stands for one call.
        inside: those of agents inside calls, by the tool of these calls.
    """

    def __init__(
        self, calls: Iterable[RecordedCall], inside: "Mapping[str, Record] | None" = None
    ) -> None:
        self._calls = [call for call in calls if call.result is not None]
        self._inside = dict(inside or {})

    def inside(self, tool: str) -> "Record | None":
        """Return the calls of agents inside calls of a tool; None if there are none."""
        return self._inside.get(tool)

    def add(self, other: "Record") -> None:
        """Add the calls of another one behind its own."""
        self._calls += other._calls
        for tool, record in other._inside.items():
            if tool in self._inside:
                self._inside[tool].add(record)
            else:
                self._inside[tool] = record

    def put_inside(self, tool: str, record: "Record") -> None:
        """Put those of an agent that goes on inside a call before the others of its tool."""
        if tool in self._inside:
            record.add(self._inside[tool])
        self._inside[tool] = record

    def has(self, tool: str) -> bool:
        """Return True if a call of that tool is left."""
        return any(call.start.name == tool for call in self._calls)

    def take(self, start: e.ToolStart, arguments: Mapping[str, Any]) -> RecordedCall | None:
        """Return the recorded call of a tool for one of a run: that of the same id, or arguments,
        or the next one.

        Returns:
            None if there is none left: then the call is one that was never made.
        """
        same = [call for call in self._calls if call.start.name == start.name]
        found = (
            next((call for call in same if start.call_id and call.call_id == start.call_id), None)
            or next((call for call in same if _arguments_of(call) == arguments), None)
            or next(iter(same), None)
        )
        if found is not None:
            self._calls.remove(found)
        return found


def taken_from_record(
    call: RecordedCall, start: e.ToolStart, arguments: Mapping[str, Any]
) -> tuple[e.ToolResult, str, str]:
    """Return the recorded result of a call that is not made again, its text for the model, and a
    line for the reader.
    """
    assert call.result is not None
    notice = f"{start.name} was not called again (once=True): its result is the recorded one"
    if _arguments_of(call) != arguments:
        notice += ", of a call with other arguments"
    return (
        replace(call.result, id=start.id, parent_id=None, step=None, agent=None),
        call.output or "",
        notice,
    )


def recorded_run(source: Any) -> RecordedRun:
    """Return a run, read from its events.

    Args:
        source: `nbagent.replay(…)`, the path of a recording, a run, or a list of events
            (`nbagent.load(…)`).

    Raises:
        NbagentError: it is none of these.
        FileNotFoundError: there is no such file.
    """
    if isinstance(source, (str, Path)):
        source = replay(source)
    if isinstance(source, Replay):
        return RecordedRun(_decoded(source.items()), source.name)
    if hasattr(source, "private") and hasattr(source, "events"):
        events: list[e.Event] = source.private or source.events
        if events and events[0].seq > 1:
            raise NbagentError(
                f"{source!r} is too long: its first events are no longer kept; nbagent.record "
                "writes all of them"
            )
        return RecordedRun(events, str(source.name))
    if isinstance(source, (list, tuple)) and all(isinstance(each, e.Event) for each in source):
        return RecordedRun(_decoded(source), "recording")
    raise NbagentError(
        'a recording is nbagent.replay("run.jsonl"), the list of events of nbagent.load, or a '
        f"run; got {type(source).__name__}"
    )


def _decoded(items: Iterable[Any]) -> list[e.Event]:
    decoder = DetectingDecoder()
    return [*(event for item in items for event in decoder.feed(item)), *decoder.close()]


def _arguments_of(call: RecordedCall) -> Any:
    return None if call.ran is None else call.ran.args
