"""The gate: a level and rules decide what may be seen of a run, and every event passes them in
order.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Protocol

from nbagent.blocks.kind import Reveal
from nbagent.events import Event
from nbagent.gate.commentary import Commentary
from nbagent.gate.levels import ANSWER, BELOW_THINKING, Levels
from nbagent.gate.masking import CutMarks
from nbagent.gate.redact import Redactor
from nbagent.gate.secrets import Secrets
from nbagent.gate.tag_options import Tags
from nbagent.gate.toolrules import EVERY, Hide, ToolRules

if TYPE_CHECKING:
    from nbagent.gate.patterns import Patterns, Rule


class _Stage(Protocol):
    def feed(self, event: Event) -> list[Event]: ...
    def close(self) -> list[Event]: ...


class Gate:
    """Passes the events that may be seen, with thoughts and tool calls taken out of the texts and
    secrets masked.

    Feed it one run's events. Set `seq` behind it, because it may turn one event into none or
    several.

    Args:
        reveal: how much may be seen: "answer", "tools", "thinking" or "all".
        thinking_first: whether each model response begins inside a thought whose opening tag is in
            the prompt (DeepSeek R1, Qwen). Its text is then treated as a thought until `</think>`.
            Without it, such text is shown until that tag comes, then taken back (`text.end` with an
            empty text).
        hide: hidden aspects by tool name, such as `{"search": "args", "*": "result"}`.
        commentary: whether texts that a tool call follows may be seen. If not, a text waits for its
            response's end.
        redact: regular expressions and functions; their matches are masked in every field.
        tags: forms of thoughts and calls in texts that are recognised besides those that always
            are; see `tag_options`.

    Attributes:
        patterns: what `redact` masks; None if that is nothing.
        hides_tools: whether parts of some tool calls are hidden.
        hides_requests: whether requests to the model are hidden: they hold instructions, thoughts,
            and whole tool calls.

    Raises:
        ValueError: `reveal` is not one of the four, or a rule is not valid; the message names it.
        TypeError: a rule or tag is of an unknown kind.
    """

    def __init__(
        self,
        reveal: Reveal = "thinking",
        *,
        thinking_first: bool = False,
        hide: Hide | None = None,
        commentary: bool = True,
        redact: "Iterable[Rule]" = (),
        tags: Tags | None = None,
    ) -> None:
        self.patterns = _patterns(redact)
        rules = hide
        if reveal == ANSWER:
            rules = {**(hide or {}), EVERY: "all"}
        self._tools = tools = ToolRules(rules)
        self.hides_tools = bool(tools)
        self.hides_requests = bool(tools) or not commentary or reveal in BELOW_THINKING
        quotes = not (hide or self.patterns) and commentary
        self._levels = Levels(reveal, thinking_first=thinking_first, quotes=quotes, tags=tags)
        self._stages: list[_Stage] = []
        if not commentary:
            self._stages.append(Commentary())
        if tools:
            self._stages.append(tools)
        if self.patterns:
            self._stages.append(Redactor(self.patterns))
        # classes of which neither the level nor a rule hides or changes a part
        self.shown_whole = self._levels.shown_whole
        if self._stages:
            self.shown_whole = frozenset()
        # comes last, so that no pattern is missed because of a mask
        self._secrets: Redactor | None = None

    def mask_secrets(self, secrets: Secrets) -> None:
        """Mask these credentials from now on. They replace those of an earlier call."""
        if self._secrets is None:
            self._secrets = Redactor(secrets)
            self._stages.append(self._secrets)
        self._secrets.masker = secrets

    def know_tools(self, names: Iterable[str], *, only: bool = False) -> None:
        """Recognise calls of these tools where a model writes them into its text.

        Args:
            names: of the tools; those of calls that come by are known without it.
            only: whether what looks like a call of another tool is text, wherever it stands.
        """
        self._levels.grammar.learn(names)
        self._levels.grammar.is_complete |= only

    def show_calls(self, names: Iterable[str]) -> None:
        """Show the calls of these tools of the run's client at every level: it has to make them."""
        self._tools.shown.update(names)

    def mask(self, text: str, *, cuts: CutMarks | None = None) -> str:
        """Return the text with all patterns and credentials masked.

        Only a function of `redact` can change its length.

        Args:
            text: the text.
            cuts: marks of omission. What one of them cuts off is masked too.
        """
        for stage in self._stages:
            if isinstance(stage, Redactor):
                text = stage.masker.mask(text, cuts=cuts)
        return text

    def feed(self, event: Event) -> list[Event]:
        """Return the visible events for this one, in order: often itself, sometimes none."""
        return self._forward(self._levels.feed(event), self._stages)

    def close(self) -> list[Event]:
        """Release what was held back and end the open texts, since the stream is over."""
        events = self._forward(self._levels.close(), self._stages)
        for number, stage in enumerate(self._stages, 1):
            events += self._forward(stage.close(), self._stages[number:])
        return events

    def _forward(self, events: list[Event], stages: list[_Stage]) -> list[Event]:
        for stage in stages:
            if len(events) == 1:
                events = stage.feed(events[0])  # as nearly always
            else:
                events = [seen for event in events for seen in stage.feed(event)]
        return events


def _patterns(rules: "Iterable[Rule]") -> "Patterns | None":
    if not rules:
        return None
    from nbagent.gate.patterns import Patterns  # imports an engine that few need

    return Patterns(rules) or None
