"""The gate: what may be seen. Hidden content stops here and exists nowhere downstream.

Four levels, each with all that the ones before it show:

- `answer`: runs, steps, texts, sources, files, agents, usage, statuses, errors, and approvals without their arguments.
- `tools`: also tool calls and everything inside them.
- `thinking`: also reasoning, and each event's `meta`.
- `all`: also raw items, state, custom events and each event's `raw`.

Models that write thoughts and tool calls into their text (`<think>…</think>`, `<tool_call>…</tool_call>`, harmony channels) get
them taken out first, by `nbagent.tags`, so that the level holds for them too.
"""

from collections import Counter
from typing import Any, Literal, TypeAlias, TypeVar, assert_never, get_args

from msgspec.structs import replace

from nbagent.events import (
    AgentEnd,
    AgentHandoff,
    AgentStart,
    ApprovalRequest,
    ApprovalResponse,
    Custom,
    Envelope,
    Error,
    Event,
    File,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RunEnd,
    RunStart,
    Source,
    State,
    Status,
    StepEnd,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolArgs,
    ToolArgsDelta,
    ToolProgress,
    ToolResult,
    ToolStart,
    UsageUpdate,
)
from nbagent.growing import GrowingText
from nbagent.tags import Kind, Part, Splitter, calls_of, split

Reveal: TypeAlias = Literal["answer", "tools", "thinking", "all"]
LEVELS: tuple[Reveal, ...] = get_args(Reveal)
_TOOLS, _THINKING, _ALL = range(1, len(LEVELS))
_E = TypeVar("_E", bound=Event)


class Gate:
    """Lets through what a level reveals, with thoughts and tool calls taken out of the texts.

    Feed it one run's events. Stamp `seq` behind it: it may turn one event into none or several.

    Args:
        reveal: how much may be seen: "answer", "tools", "thinking" or "all".
        thinking_first: each model response begins inside a thought whose opening tag is in the prompt (DeepSeek R1, Qwen), so
            its text is held to be a thought until `</think>`. Without it such text is shown until that tag is met, then taken
            back (`text.end` with an empty text).

    Raises:
        ValueError: `reveal` is none of the four.
    """

    def __init__(self, reveal: Reveal = "thinking", *, thinking_first: bool = False) -> None:
        if reveal not in LEVELS:
            raise ValueError(f"reveal={reveal!r} is no level; use one of {', '.join(map(repr, LEVELS))}")
        self._level = LEVELS.index(reveal)
        self._thinking_first = thinking_first
        self._response_begins = True
        self._blocks: dict[str, _Block] = {}
        self._hidden: set[str] = set()  # tools, and agents inside them

    def feed(self, event: Event) -> list[Event]:
        """The events that may be seen of this one, in order; often just itself, sometimes none."""
        if type(event) is TextDelta:
            block = self._blocks.get(event.id)
            if block is not None and (delta := event.delta) and block.passes(delta):
                if block.open_id == event.id and event.raw is None and event.meta is None:
                    return [event]
                return block.more(delta, self._trimmed(event))
        if event.parent_id in self._hidden and not self._lifted(event):
            return []
        event = self._trimmed(event)
        match event:
            case TextStart():
                self._blocks[event.id] = self._block(event)
                return []
            case TextDelta() | TextEnd():
                return self._text(event)
            case RunEnd():
                return [*self.close(), self._run_end(event)]
            case RunStart() | StepStart():
                self._response_begins = True
                return [event]
            case ReasoningStart() | ReasoningDelta() | ReasoningEnd():
                return [event] if self._level >= _THINKING else []
            case ToolStart() | ToolArgsDelta() | ToolArgs() | ToolProgress() | ToolResult():
                return self._tool(event)
            case Raw() | State() | Custom():
                return [event] if self._level >= _ALL else []
            case ApprovalRequest() | ApprovalResponse() | Error() | AgentStart() | AgentHandoff():
                return [event if self._level >= _TOOLS else _without_tool(event)]
            case StepEnd() | AgentEnd() | UsageUpdate() | Source() | File() | Status():
                return [event]
            case _:
                assert_never(event)

    def close(self) -> list[Event]:
        """The stream is over: what was held back, and the ends of the texts that are still open."""
        events = [event for id_, block in self._blocks.items() for event in block.finish(TextEnd(id=id_))]
        self._blocks.clear()
        return events

    def _block(self, start: TextStart) -> "_Block":
        begins, self._response_begins = self._response_begins, False
        return _Block(start, self._level, in_thought=self._thinking_first and begins)

    def _text(self, event: TextDelta | TextEnd) -> list[Event]:
        block = self._blocks.get(event.id)
        if block is None:  # its start was never seen
            block = self._blocks[event.id] = self._block(TextStart(id=event.id, **_envelope(event)))
        if isinstance(event, TextDelta):
            return block.feed(event)
        del self._blocks[event.id]
        return block.finish(event)

    def _trimmed(self, event: _E) -> _E:
        """The event without the parts of its envelope that quote the upstream item."""
        if self._level < _ALL and event.raw is not None:
            event = replace(event, raw=None)
        if self._level < _THINKING and event.meta is not None:
            event = replace(event, meta=None)
        return event

    def _lifted(self, event: Event) -> bool:
        """Whether an event inside a hidden tool is shown outside of it; all the rest is that tool's own business."""
        if isinstance(event, AgentStart | ToolStart):
            self._hidden.add(event.id)
        return isinstance(event, ApprovalRequest | ApprovalResponse | Error | UsageUpdate | RunEnd)

    def _tool(self, event: ToolStart | ToolArgsDelta | ToolArgs | ToolProgress | ToolResult) -> list[Event]:
        # A finished tool sends the model back to work, which in a thinking-first model begins with a thought.
        self._response_begins |= isinstance(event, ToolResult) and not event.preliminary
        if self._level >= _TOOLS:
            return [event]
        self._hidden.add(event.id)
        return []

    def _run_end(self, event: RunEnd) -> RunEnd:
        """A run's output is a text like any other, or a structure that may hold the whole conversation."""
        output = event.output
        if isinstance(output, str):
            output = "".join(part.text for part in split(output, in_thought=self._thinking_first) if part.kind == "text")
        elif self._level < _THINKING and not isinstance(output, bool | int | float):
            output = None
        return event if output is event.output else replace(event, output=output)


def _without_tool(event: _E) -> _E:
    """An event that mentions a tool, for a reader who may not see tools."""
    match event:
        case ApprovalRequest():
            # The question to a human stays, unless it is about a call: such prompts quote the arguments.
            prompt = None if event.kind == "tool" else event.prompt
            return replace(event, parent_id=None, tool_id=None, args=None, prompt=prompt)
        case ApprovalResponse():
            return replace(event, parent_id=None, value=None)
        case Error(tool_id=None):
            return replace(event, traceback=None)
        case Error():
            return replace(event, parent_id=None, tool_id=None, message="A tool failed", traceback=None)
        case AgentStart() | AgentHandoff():
            return replace(event, tool_id=None)
    return event


def _envelope(event: Event) -> dict[str, Any]:
    return {name: getattr(event, name) for name in Envelope.__struct_fields__}


class _Block:
    """One upstream text on its way to becoming several texts, thoughts and tool calls."""

    def __init__(self, start: TextStart, level: int, *, in_thought: bool) -> None:
        self.open_id = ""
        self._start = start
        self._level = level
        self._in_thought = in_thought
        self._splitter = Splitter(in_thought=in_thought)
        self._tagged = False  # a tag was met
        self._open: Kind | None = None
        self._made: Counter[str] = Counter()
        self._taken_back = 0
        self._space: list[str] = []  # at the beginning of a part, until it is known that more than space follows
        # The first text, should it turn out to have been a thought; not kept for readers who may not see thoughts.
        self._first = GrowingText() if level >= _THINKING else None

    def passes(self, delta: str) -> bool:
        """Whether a delta just continues what is open; the way nearly every delta goes."""
        if self._open is None or not self._splitter.plain or "<" in delta or "`" in delta:
            return False
        self._splitter.skip(delta)
        if self._first is not None:
            self._first.append(delta)
        return True

    def more(self, delta: str, event: Event) -> list[Event]:
        """A delta of the open part, if it may be seen."""
        if self._open == "text":
            return [TextDelta(id=self.open_id, delta=delta, **_envelope(event))]
        if self._level >= _THINKING:
            return [ReasoningDelta(id=self.open_id, delta=delta, **_envelope(event))]
        return []

    def feed(self, event: TextDelta) -> list[Event]:
        return self._stream(self._splitter.feed(event.delta), event)

    def finish(self, event: TextEnd) -> list[Event]:
        """The block is over. Its snapshot, if it has one, stands above what was streamed, part by part."""
        if event.text is None:
            events = self._stream(self._splitter.feed("", last=True), event)
            if self._space and not self._tagged and not self._in_thought:
                events += self._begin("text", event) + self.more("".join(self._space), event)
            return events + self._end(event)
        if self._open == "text" and not self._tagged and "<" not in event.text:
            return self._end(event, event.text)
        events = []
        streamed = self._made - Counter({"text": self._taken_back})
        seen: Counter[str] = Counter()
        for part in split(event.text, in_thought=self._in_thought):
            seen[part.kind] += 1
            if seen[part.kind] > streamed[part.kind]:
                events += self._whole(part, event)
            elif part.kind == self._open and seen[part.kind] == streamed[part.kind]:
                events += self._end(event, part.text)
        return events + self._end(event, None if seen["text"] else "")

    def _stream(self, parts: list[Part], event: TextDelta | TextEnd) -> list[Event]:
        events: list[Event] = []
        for part in parts:
            if part.kind == "cut":
                events += self._end(event)
            elif part.kind == "was thought":
                events += self._take_back(event)
            elif part.kind == "tool":
                events += self._whole(part, event)
            else:
                events += self._continue(part.kind, part.text, event)
                continue
            self._tagged, self._first = True, None
            self._space.clear()
        return events

    def _continue(self, kind: Kind, text: str, event: Event) -> list[Event]:
        events: list[Event] = []
        if self._open is None:
            if not text.strip():
                self._space.append(text)
                return []
            text = text.lstrip() if self._tagged or kind == "thought" else "".join(self._space) + text
            self._space.clear()
            events = self._begin(kind, event)
        if self._first is not None:
            self._first.append(text)
        return events + self.more(text, event)

    def _take_back(self, event: Event) -> list[Event]:
        """What was shown as text was a thought: it is emptied, and told again as what it is."""
        if self._open != "text":
            return []
        self._taken_back = 1
        thought = Part("thought", str(self._first or "").lstrip())
        return self._end(event, "") + self._whole(thought, event)

    def _begin(self, kind: Kind, event: Event) -> list[Event]:
        self._open = kind
        self.open_id, events = self._new(kind, event)
        return events

    def _new(self, kind: str, event: Event) -> tuple[str, list[Event]]:
        """The id of a new text or thought, and its start, if it may be seen."""
        first = not self._made
        self._made[kind] += 1
        count = self._made[kind]
        if kind == "thought":
            id_ = f"{self._start.id}.think-{count}"
            return id_, [ReasoningStart(id=id_, **_envelope(event))] if self._level >= _THINKING else []
        if first:
            return self._start.id, [self._start]
        id_ = self._start.id if count == 1 else f"{self._start.id}.{count}"
        return id_, [TextStart(id=id_, kind=self._start.kind, phase=self._start.phase, **_envelope(event))]

    def _end(self, event: Event, text: str | None = None) -> list[Event]:
        """Ends what is open; `text` replaces what was streamed of it."""
        kind, self._open = self._open, None
        if kind == "text":
            return [TextEnd(id=self.open_id, text=text, **_envelope(event))]
        if kind == "thought" and self._level >= _THINKING:
            return [ReasoningEnd(id=self.open_id, text=text, **_envelope(event))]
        return []

    def _whole(self, part: Part, event: Event) -> list[Event]:
        """A part that comes at once."""
        if part.kind == "tool":
            return self._calls(part, event)
        id_, events = self._new(part.kind, event)
        if part.kind == "text":
            events.append(TextEnd(id=id_, text=part.text, **_envelope(event)))
        elif self._level >= _THINKING:
            events.append(ReasoningEnd(id=id_, text=part.text, **_envelope(event)))
        return events

    def _calls(self, part: Part, event: Event) -> list[Event]:
        self._made["tool"] += 1
        events: list[Event] = []
        for number, call in enumerate(calls_of(part) if self._level >= _TOOLS else (), 1):
            id_ = f"{self._start.id}.tool-{self._made['tool']}" + (f".{number}" if number > 1 else "")
            events.append(ToolStart(id=id_, name=call.name, call_id=call.call_id, **_envelope(event)))
            events.append(ToolArgs(id=id_, args=call.args, args_text=call.args_text, valid=call.valid, **_envelope(event)))
        return events
