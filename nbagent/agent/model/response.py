"""`Response`: the parts of one response of the model."""

import itertools
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from nbagent import events as e
from nbagent.agent.model import input_items

Call: TypeAlias = tuple[e.ToolStart, e.ToolArgs]
"""A tool call as the model wrote it."""


@dataclass(kw_only=True, slots=True)
class Response:
    """The parts of one response of the model so far."""

    calls: dict[str, e.ToolStart] = field(default_factory=dict)
    args: dict[str, e.ToolArgs] = field(default_factory=dict)
    texts: dict[str, list[str]] = field(default_factory=dict)
    commentary: set[str] = field(default_factory=set)
    items: list[input_items.Item] = field(default_factory=list)
    reasoning: list[tuple[int, input_items.Item]] = field(default_factory=list)
    """Items of reasoning that the Responses API expects back, each with the number of calls before
    it.
    """
    has_usage: bool = False
    is_kept: bool = False

    def update(self, event: e.Event) -> None:
        """Add an event, if the next request or the run's output needs it."""
        match event:
            case e.TextStart():
                self.texts[event.id] = []
                if event.phase == "commentary":
                    self.commentary.add(event.id)
            case e.TextDelta():
                self.texts[event.id].append(event.delta)
            case e.TextEnd(text=str(text)):
                self.texts[event.id] = [text]
            case e.ReasoningEnd(encrypted=str(content), meta={"item_id": id}):
                item = _reasoning_item(id, event.text, content)
                self.reasoning.append((len(self.calls), item))
            case e.ToolStart(kind="function"):
                self.calls[event.id] = event
            case e.ToolArgs() if event.id in self.calls:
                self.args[event.id] = event

    @property
    def output(self) -> str:
        """The text of the answer; commentary counts only if there is no other text."""
        texts = {key: "".join(pieces) for key, pieces in self.texts.items()}
        answer = [text for key, text in texts.items() if text and key not in self.commentary]
        return "\n\n".join(answer or filter(None, texts.values()))

    @property
    def written(self) -> str:
        """The texts and arguments of the response, in one string: for a count of tokens where the
        server sends none.
        """
        arguments = [args.args_text for args in self.args.values()]
        return self._all_text + "".join(arguments)

    @property
    def _all_text(self) -> str:
        return "".join(itertools.chain.from_iterable(self.texts.values()))

    def history(self) -> list[input_items.Item]:
        """Return the response as history, for the next request."""
        if self.items:
            return self.items
        items = self._reasoning_before(0)
        if self._all_text:
            items.append(input_items.Message(role="assistant", content=self._all_text))
        for number, (key, start) in enumerate(self.calls.items(), 1):
            items.append(
                input_items.FunctionCall(
                    call_id=start.call_id or key,
                    name=start.name,
                    arguments=_arguments(self.args.get(key)),
                )
            )
            items += self._reasoning_before(number)
        return items

    def _reasoning_before(self, call: int) -> list[input_items.Item]:
        """Return the items of reasoning between two calls, by the number of those before them."""
        return [item for number, item in self.reasoning if number == call]


def _reasoning_item(id: str, summary: str | None, content: str) -> input_items.Item:
    """Return the Responses API's item of a reasoning block, by its encrypted content."""
    parts = []
    if summary:
        parts = [{"type": "summary_text", "text": summary}]
    made = {"id": id, "type": "reasoning", "summary": parts, "encrypted_content": content}
    return input_items.OpaqueItem(item=made)


def _arguments(args: e.ToolArgs | None) -> str:
    """Return the arguments of a call as JSON: some servers parse those of the history, and fail if
    they are none.
    """
    if args is None:
        return "{}"
    if args.valid:
        return args.args_text or "{}"
    return msgspec.json.encode({"invalid_json": args.args_text}).decode()
