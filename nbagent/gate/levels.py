"""The four levels of what may be seen of a run; each includes the ones before it.

- `answer`: runs, prompts, steps, texts, sources, files, agents, usage, statuses, errors, and
  approvals without their arguments; of a served run also the calls that its client has to make.
- `tools`: also tool calls and everything inside them.
- `thinking`: also reasoning, and each event's `meta`. Why a run ended is seen at every level.
- `all`: also raw items, state, custom events and each event's `raw`.

At the first level `toolrules` hides the tools; of an error or a question about one, it is seen that
there is one. Thoughts and tool calls that a model writes into its text (`families` lists the forms)
are taken out of it, so that the level holds for them too.
"""

from typing import Any, TypeVar, get_args

from msgspec.structs import replace

from nbagent import events as e
from nbagent.blocks import KINDS
from nbagent.blocks.kind import Reveal
from nbagent.events.agent_end import OF_AN_END
from nbagent.gate.grammar import Grammar
from nbagent.gate.inline_tags import TaggedText, envelope
from nbagent.gate.tag_options import Tags, tag_options
from nbagent.gate.tags import split

LEVELS: tuple[Reveal, ...] = get_args(Reveal)
ANSWER = LEVELS[0]

SHOWN_FROM: dict[type[e.Envelope], Reveal] = {
    e.RunStart: "answer",
    e.RunEnd: "answer",
    e.Rewind: "answer",
    e.StepStart: "answer",
    e.StepEnd: "answer",
    e.TextStart: "answer",
    e.TextDelta: "answer",
    e.TextEnd: "answer",
    e.ApprovalRequest: "answer",
    e.ApprovalResponse: "answer",
    e.AgentStart: "answer",
    e.AgentEnd: "answer",
    e.UsageUpdate: "answer",
    e.Hidden: "answer",
    e.ToolStart: "tools",
    e.ToolArgsDelta: "tools",
    e.ToolArgs: "tools",
    e.ToolProgress: "tools",
    e.ToolOutput: "tools",
    e.ToolResult: "tools",
    e.ReasoningStart: "thinking",
    e.ReasoningDelta: "thinking",
    e.ReasoningEnd: "thinking",
    **{kind.event: kind.shown_from for kind in KINDS},
}
"""The first level that shows events of a class.

A class that is not listed is hidden at every level.
"""

_TOOLS, _THINKING, _ALL = range(1, len(LEVELS))
BELOW_THINKING = LEVELS[:_THINKING]
"""The levels that hide thoughts."""
_E = TypeVar("_E", bound=e.Event)
_End = TypeVar("_End", e.RunEnd, e.AgentEnd)


class Levels:
    """Passes the events that a level shows, with thoughts and tool calls taken out of the texts.

    Args:
        reveal: the level.
        thinking_first: each model response begins inside a thought that `</think>` ends.
        quotes: whether fields that quote the upstream items (`raw`, `meta`) may be seen where the
            level shows them.
        tags: thoughts and calls in texts that are recognised besides; see `tag_options`.

    Attributes:
        grammar: what counts as a thought or a call in a text.
        shown_whole: classes of events of which no part is ever hidden.

    Raises:
        ValueError: `reveal` is not one of the four, or `tags` names what there is not.
        TypeError: `tags` is of another form.
    """

    def __init__(
        self,
        reveal: Reveal = "thinking",
        *,
        thinking_first: bool = False,
        quotes: bool = True,
        tags: Tags | None = None,
    ) -> None:
        if reveal not in LEVELS:
            raise ValueError(
                f"reveal={reveal!r} is not a level; use one of {', '.join(map(repr, LEVELS))}"
            )
        level = LEVELS.index(reveal)
        self._thoughts = level >= _THINKING
        self._meta = quotes and level >= _THINKING
        self._raw = quotes and level >= _ALL
        self._hidden_kinds: set[type[e.Envelope]] = set()
        for kind in KINDS:
            is_above = LEVELS.index(kind.shown_from) > level
            if is_above or (kind.shown_from == "all" and not quotes):
                self._hidden_kinds.add(kind.event)
        self._thinking_first = thinking_first
        # the run (None) and the agents whose current response has had a text
        self._with_text: set[str | None] = set()
        self._texts: dict[str, TaggedText] = {}
        self._announced = False
        self.grammar = Grammar(tag_options(tags))
        self.shown_whole: frozenset[type[e.Envelope]] = frozenset()
        if self._thoughts:  # otherwise a text may contain one that is hidden
            self.shown_whole = frozenset(
                event for event, first in SHOWN_FROM.items() if self._raw or first != "all"
            )

    def feed(self, event: e.Event) -> list[e.Event]:
        """Return the visible events for this one, in order: often itself, sometimes none."""
        if type(event) is e.TextDelta:
            text = self._texts.get(event.id)
            if text is not None and event.delta and text.passes(event.delta):
                if text.open_id == event.id and event.raw is None and event.meta is None:
                    return [event]
                return text.continue_segment(event.delta, self._trimmed(event))
        elif type(event) not in SHOWN_FROM:
            return []
        event = self._trimmed(event)
        match event:
            case e.TextStart():
                self._texts[event.id] = self._tagged(event)
                return []
            case e.TextDelta() | e.TextEnd():
                return self._text(event)
            case e.RunEnd():
                return [*self.close(), self._without_thoughts(event)]
            case e.AgentEnd():
                return [self._without_thoughts(event)]
            case e.ReasoningStart() | e.ReasoningDelta() | e.ReasoningEnd():
                if not self._thoughts:
                    return self._announce(event)
            case _:
                self._learn(event)
        if type(event) in self._hidden_kinds:
            return []
        return [event]

    def _learn(self, event: e.Event) -> None:
        """Keep what an event tells of the texts to come."""
        match event:
            case e.RunStart():
                self._with_text.clear()
            case e.StepStart():
                self._with_text.discard(event.parent_id)
            case e.ToolStart():
                self.grammar.learn([event.name])
            case e.ToolResult(preliminary=False):
                # Goes back to the model; one that thinks first begins with a thought.
                self._with_text.discard(event.parent_id)

    def close(self) -> list[e.Event]:
        """Release what was held back and end the open texts, since the stream is over."""
        events: list[e.Event] = []
        for id_, text in self._texts.items():
            events += text.finish(text.with_parent(e.TextEnd(id=id_)))
        self._texts.clear()
        return events

    def _tagged(self, start: e.TextStart) -> TaggedText:
        begins = start.parent_id not in self._with_text
        self._with_text.add(start.parent_id)
        return TaggedText(
            start,
            in_thought=self._thinking_first and begins,
            thoughts=self._thoughts,
            grammar=self.grammar,
        )

    def _text(self, event: e.TextDelta | e.TextEnd) -> list[e.Event]:
        text = self._texts.get(event.id)
        if text is None:  # its start was never seen
            text = self._texts[event.id] = self._tagged(e.TextStart(id=event.id, **envelope(event)))
        event = text.with_parent(event)
        if isinstance(event, e.TextDelta):
            events = text.feed(event)
        else:
            del self._texts[event.id]
            events = text.finish(event)
        if text.hidden:
            return [*self._announce(event), *events]
        return events

    def _announce(self, event: e.Event) -> list[e.Event]:
        """Return the event that announces hidden thinking, once in a run."""
        if self._announced:
            return []
        self._announced = True
        return [e.Hidden(what="thinking", agent=event.agent)]

    def _trimmed(self, event: _E) -> _E:
        """Return the event without the hidden fields of its envelope, and without a hint on what is
        shown.
        """
        if event.raw is not None and not self._raw:
            event = replace(event, raw=None)
        if event.meta is not None and not self._meta:
            event = replace(event, meta=_own_meta(event))
        if self._raw and isinstance(event, e.Status) and event.message.endswith(e.RAW_HINT):
            event = replace(event, message=event.message.removesuffix(e.RAW_HINT))
        return event

    def _without_thoughts(self, event: _End) -> _End:
        """Return the event without thoughts in its output: a text, or a structure that may hold the
        whole conversation.
        """
        output = event.output
        if isinstance(output, str):
            segments = split(output, in_thought=self._thinking_first, grammar=self.grammar)
            output = "".join(segment.text for segment in segments if segment.kind == "text")
        elif not self._thoughts and not isinstance(output, (bool, int, float)):
            output = None
        if output is event.output:
            return event
        return replace(event, output=output)


def _own_meta(event: e.Event) -> dict[str, Any] | None:
    """Return what nbagent itself has put into the `meta` of an end; None if there is nothing."""
    if event.meta is None or not isinstance(event, (e.RunEnd, e.AgentEnd)):
        return None
    return {name: value for name, value in event.meta.items() if name in OF_AN_END} or None
