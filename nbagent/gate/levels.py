"""The four levels of what may be seen of a run; each includes the ones before it.

- `answer`: runs, steps, texts, sources, files, agents, usage, statuses, errors, and approvals without their arguments.
- `tools`: also tool calls and everything inside them.
- `thinking`: also reasoning, and each event's `meta`.
- `all`: also raw items, state, custom events and each event's `raw`.

At the first level `toolrules` hides the tools. Thoughts and tool calls that a model writes into its text (`<think>…</think>`,
`<tool_call>…</tool_call>`, harmony channels) are taken out of it, so that the level holds for them too.
"""

from typing import Literal, TypeAlias, TypeVar, get_args

from msgspec.structs import replace

from nbagent.events import (
    AgentEnd,
    AgentHandoff,
    AgentStart,
    ApprovalRequest,
    ApprovalResponse,
    Custom,
    Error,
    Event,
    File,
    Hidden,
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
from nbagent.gate.inline_tags import TaggedText, envelope
from nbagent.gate.tags import split

Reveal: TypeAlias = Literal["answer", "tools", "thinking", "all"]
LEVELS: tuple[Reveal, ...] = get_args(Reveal)
ANSWER = LEVELS[0]

SHOWN_FROM: dict[type[Event], Reveal] = {
    RunStart: "answer",
    RunEnd: "answer",
    StepStart: "answer",
    StepEnd: "answer",
    TextStart: "answer",
    TextDelta: "answer",
    TextEnd: "answer",
    ApprovalRequest: "answer",
    ApprovalResponse: "answer",
    AgentStart: "answer",
    AgentEnd: "answer",
    AgentHandoff: "answer",
    UsageUpdate: "answer",
    Source: "answer",
    File: "answer",
    Status: "answer",
    Hidden: "answer",
    Error: "answer",
    ToolStart: "tools",
    ToolArgsDelta: "tools",
    ToolArgs: "tools",
    ToolProgress: "tools",
    ToolResult: "tools",
    ReasoningStart: "thinking",
    ReasoningDelta: "thinking",
    ReasoningEnd: "thinking",
    State: "all",
    Custom: "all",
    Raw: "all",
}
"""The first level that shows events of a class. A class that is not listed is hidden at every level."""

_TOOLS, _THINKING, _ALL = range(1, len(LEVELS))
_E = TypeVar("_E", bound=Event)


class Levels:
    """Passes the events that a level shows, with thoughts and tool calls taken out of the texts.

    Args:
        reveal: the level.
        thinking_first: each model response begins inside a thought that `</think>` ends.
        quotes: whether fields that quote the upstream items (`raw`, `meta`) may be seen where the level shows them.

    Raises:
        ValueError: `reveal` is not one of the four.
    """

    def __init__(self, reveal: Reveal = "thinking", *, thinking_first: bool = False, quotes: bool = True) -> None:
        if reveal not in LEVELS:
            raise ValueError(f"reveal={reveal!r} is not a level; use one of {', '.join(map(repr, LEVELS))}")
        level = LEVELS.index(reveal)
        self._thoughts = level >= _THINKING
        self._meta = quotes and level >= _THINKING
        self._raw = quotes and level >= _ALL
        self._thinking_first = thinking_first
        self._speaking: set[str | None] = set()  # the run (None) and the agents whose current response has had a text
        self._texts: dict[str, TaggedText] = {}
        self._announced = False

    def hides(self, event: Event) -> bool:
        """Return True if a part of this event may be hidden; a text may contain a thought."""
        if not self._thoughts or type(event) not in SHOWN_FROM:
            return True
        return not self._raw and isinstance(event, Raw | State | Custom)

    def feed(self, event: Event) -> list[Event]:
        """Return the visible events for this one, in order: often itself, sometimes none."""
        if type(event) is TextDelta:
            text = self._texts.get(event.id)
            if text is not None and (delta := event.delta) and text.passes(delta):
                if text.open_id == event.id and event.raw is None and event.meta is None:
                    return [event]
                return text.continue_segment(delta, self._trimmed(event))
        elif type(event) not in SHOWN_FROM:
            return []
        event = self._trimmed(event)
        match event:
            case TextStart():
                self._texts[event.id] = self._tagged(event)
                return []
            case TextDelta() | TextEnd():
                return self._text(event)
            case RunEnd():
                return [*self.close(), self._run_end(event)]
            case ReasoningStart() | ReasoningDelta() | ReasoningEnd():
                return [event] if self._thoughts else self._announce(event)
            case Raw() | State() | Custom():
                return [event] if self._raw else []
            case RunStart():
                self._speaking.clear()
            case StepStart():
                self._speaking.discard(event.parent_id)
            case ToolResult(preliminary=False):  # goes back to the model; one that thinks first begins with a thought
                self._speaking.discard(event.parent_id)
        return [event]

    def close(self) -> list[Event]:
        """Release what was held back and end the open texts, since the stream is over."""
        events = [event for id_, text in self._texts.items() for event in text.finish(text.with_parent(TextEnd(id=id_)))]
        self._texts.clear()
        return events

    def _tagged(self, start: TextStart) -> TaggedText:
        begins = start.parent_id not in self._speaking
        self._speaking.add(start.parent_id)
        return TaggedText(start, in_thought=self._thinking_first and begins, thoughts=self._thoughts)

    def _text(self, event: TextDelta | TextEnd) -> list[Event]:
        text = self._texts.get(event.id)
        if text is None:  # its start was never seen
            text = self._texts[event.id] = self._tagged(TextStart(id=event.id, **envelope(event)))
        event = text.with_parent(event)
        if isinstance(event, TextDelta):
            events = text.feed(event)
        else:
            del self._texts[event.id]
            events = text.finish(event)
        return [*self._announce(event), *events] if text.hidden else events

    def _announce(self, event: Event) -> list[Event]:
        """Return the event that announces hidden thinking, once in a run."""
        announced, self._announced = self._announced, True
        return [] if announced else [Hidden(what="thinking", agent=event.agent)]

    def _trimmed(self, event: _E) -> _E:
        """Return the event without the hidden fields of its envelope."""
        if event.raw is not None and not self._raw:
            event = replace(event, raw=None)
        if event.meta is not None and not self._meta:
            event = replace(event, meta=None)
        return event

    def _run_end(self, event: RunEnd) -> RunEnd:
        """Return the event without thoughts in its output: a text, or a structure that may hold the whole conversation."""
        output = event.output
        if isinstance(output, str):
            segments = split(output, in_thought=self._thinking_first)
            output = "".join(segment.text for segment in segments if segment.kind == "text")
        elif not self._thoughts and not isinstance(output, bool | int | float):
            output = None
        return event if output is event.output else replace(event, output=output)
