"""How much of a run may be seen: four levels, each with all that the ones before it show.

- `answer`: runs, steps, texts, sources, files, agents, usage, statuses, errors, and approvals without their arguments.
- `tools`: also tool calls and everything inside them.
- `thinking`: also reasoning, and each event's `meta`.
- `all`: also raw items, state, custom events and each event's `raw`.

What is hidden of the tools at the first level is the business of `toolrules`. Models that write thoughts and tool calls into
their text (`<think>…</think>`, `<tool_call>…</tool_call>`, harmony channels) get them taken out, so that the level holds for
them too.
"""

from typing import Literal, TypeAlias, TypeVar, get_args

from msgspec.structs import replace

from nbagent.events import (
    Custom,
    Event,
    Hidden,
    Raw,
    ReasoningDelta,
    ReasoningEnd,
    ReasoningStart,
    RunEnd,
    RunStart,
    State,
    StepStart,
    TextDelta,
    TextEnd,
    TextStart,
    ToolResult,
)
from nbagent.gate.inline_tags import MixedText, envelope
from nbagent.gate.tags import split

Reveal: TypeAlias = Literal["answer", "tools", "thinking", "all"]
LEVELS: tuple[Reveal, ...] = get_args(Reveal)
ANSWER = LEVELS[0]
_TOOLS, _THINKING, _ALL = range(1, len(LEVELS))
_E = TypeVar("_E", bound=Event)


class Levels:
    """Lets through what a level reveals, with thoughts and tool calls taken out of the texts.

    Args:
        reveal: the level.
        thinking_first: each model response begins inside a thought that `</think>` ends.
        quotes: whether what quotes the upstream items (`raw`, `meta`) may be seen where the level shows it.

    Raises:
        ValueError: `reveal` is none of the four.
    """

    def __init__(self, reveal: Reveal = "thinking", *, thinking_first: bool = False, quotes: bool = True) -> None:
        if reveal not in LEVELS:
            raise ValueError(f"reveal={reveal!r} is no level; use one of {', '.join(map(repr, LEVELS))}")
        level = LEVELS.index(reveal)
        self._thoughts = level >= _THINKING
        self._meta = quotes and level >= _THINKING
        self._raw = quotes and level >= _ALL
        self._thinking_first = thinking_first
        self._speaking: set[str | None] = set()  # the run itself (None) and the agents in it whose response has had a text
        self._texts: dict[str, MixedText] = {}
        self._told = False

    def hides(self, event: Event) -> bool:
        """Whether something of this event may be hidden; a text may hold a thought."""
        return not (self._thoughts and (self._raw or not isinstance(event, Raw | State | Custom)))

    def feed(self, event: Event) -> list[Event]:
        """The events that may be seen of this one, in order; often just itself, sometimes none."""
        if type(event) is TextDelta:
            text = self._texts.get(event.id)
            if text is not None and (delta := event.delta) and text.passes(delta):
                if text.open_id == event.id and event.raw is None and event.meta is None:
                    return [event]
                return text.more(delta, self._trimmed(event))
        event = self._trimmed(event)
        match event:
            case TextStart():
                self._texts[event.id] = self._mixed(event)
                return []
            case TextDelta() | TextEnd():
                return self._text(event)
            case RunEnd():
                return [*self.close(), self._run_end(event)]
            case ReasoningStart() | ReasoningDelta() | ReasoningEnd():
                return [event] if self._thoughts else self._tell(event)
            case Raw() | State() | Custom():
                return [event] if self._raw else []
            case RunStart():
                self._speaking.clear()
            case StepStart():
                self._speaking.discard(event.parent_id)
            case ToolResult(preliminary=False):  # back to the model, and one that thinks first begins with a thought
                self._speaking.discard(event.parent_id)
        return [event]

    def close(self) -> list[Event]:
        """The stream is over: what was held back, and the ends of the texts that are still open."""
        events = [event for id_, text in self._texts.items() for event in text.finish(text.placed(TextEnd(id=id_)))]
        self._texts.clear()
        return events

    def _mixed(self, start: TextStart) -> MixedText:
        begins = start.parent_id not in self._speaking
        self._speaking.add(start.parent_id)
        return MixedText(start, in_thought=self._thinking_first and begins, thoughts=self._thoughts)

    def _text(self, event: TextDelta | TextEnd) -> list[Event]:
        text = self._texts.get(event.id)
        if text is None:  # its start was never seen
            text = self._texts[event.id] = self._mixed(TextStart(id=event.id, **envelope(event)))
        event = text.placed(event)
        if isinstance(event, TextDelta):
            events = text.feed(event)
        else:
            del self._texts[event.id]
            events = text.finish(event)
        return [*self._tell(event), *events] if text.hidden else events

    def _tell(self, event: Event) -> list[Event]:
        """That there is a thought, once in a run."""
        told, self._told = self._told, True
        return [] if told else [Hidden(what="thinking", agent=event.agent)]

    def _trimmed(self, event: _E) -> _E:
        """The event without the parts of its envelope that quote the upstream item."""
        if event.raw is not None and not self._raw:
            event = replace(event, raw=None)
        if event.meta is not None and not self._meta:
            event = replace(event, meta=None)
        return event

    def _run_end(self, event: RunEnd) -> RunEnd:
        """A run's output is a text like any other, or a structure that may hold the whole conversation."""
        output = event.output
        if isinstance(output, str):
            output = "".join(part.text for part in split(output, in_thought=self._thinking_first) if part.kind == "text")
        elif not self._thoughts and not isinstance(output, bool | int | float):
            output = None
        return event if output is event.output else replace(event, output=output)
