"""The gate: a level and rules say what may be seen of a run, and every event passes them in turn."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from nbagent.events import Event
from nbagent.gate.commentary import Commentary
from nbagent.gate.levels import ANSWER, Levels, Reveal
from nbagent.gate.redact import Redactor
from nbagent.gate.toolrules import EVERY, Hide, ToolRules

if TYPE_CHECKING:
    from nbagent.gate.patterns import Patterns, Rule


class _Stage(Protocol):
    def feed(self, event: Event) -> list[Event]: ...
    def close(self) -> list[Event]: ...


class Gate:
    """Lets through what may be seen, with thoughts and tool calls taken out of the texts.

    Feed it one run's events. Stamp `seq` behind it: it may turn one event into none or several.

    Args:
        reveal: how much may be seen: "answer", "tools", "thinking" or "all".
        thinking_first: each model response begins inside a thought whose opening tag is in the prompt (DeepSeek R1, Qwen), so
            its text is held to be a thought until `</think>`. Without it such text is shown until that tag is met, then taken
            back (`text.end` with an empty text).
        hide: what of which tool is hidden, such as `{"search": "args", "*": "result"}`.
        commentary: whether texts may be seen that a tool call follows. Where they may not, a text waits for its response's end.
        redact: regular expressions and functions; what matches is masked wherever it stands.

    Attributes:
        patterns: what `redact` masks; None if that is nothing.

    Raises:
        ValueError: `reveal` is none of the four, or a rule cannot be followed; the message says which.
        TypeError: a rule is of no kind that is known.
    """

    def __init__(
        self,
        reveal: Reveal = "thinking",
        *,
        thinking_first: bool = False,
        hide: Hide | None = None,
        commentary: bool = True,
        redact: "Iterable[Rule]" = (),
    ) -> None:
        self.patterns = _patterns(redact)
        tools = ToolRules({**(hide or {}), EVERY: "all"} if reveal == ANSWER else hide)
        quotes = not (hide or self.patterns) and commentary
        self._levels = Levels(reveal, thinking_first=thinking_first, quotes=quotes)
        self._rules: list[_Stage] = []
        if not commentary:
            self._rules.append(Commentary())
        if tools:
            self._rules.append(tools)
        if self.patterns:
            self._rules.append(Redactor(self.patterns))

    def hides(self, event: Event) -> bool:
        """Whether something of this event may be hidden or changed."""
        return bool(self._rules) or self._levels.hides(event)

    def feed(self, event: Event) -> list[Event]:
        """The events that may be seen of this one, in order; often just itself, sometimes none."""
        return self._pass(self._levels.feed(event), self._rules)

    def close(self) -> list[Event]:
        """The stream is over: what was held back, and the ends of the texts that are still open."""
        events = self._pass(self._levels.close(), self._rules)
        for place, rule in enumerate(self._rules, 1):
            events += self._pass(rule.close(), self._rules[place:])
        return events

    def _pass(self, events: list[Event], rules: list[_Stage]) -> list[Event]:
        for rule in rules:
            events = [seen for event in events for seen in rule.feed(event)]
        return events


def _patterns(rules: "Iterable[Rule]") -> "Patterns | None":
    if not rules:
        return None
    from nbagent.gate.patterns import Patterns  # a regular expression engine that few need

    return Patterns(rules) or None
