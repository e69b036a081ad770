"""`Response`: the parts of one response of the model."""

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
            case e.ToolStart(kind="function"):
                self.calls[event.id] = event
            case e.ToolArgs() if event.id in self.calls:
                self.args[event.id] = event
            case _:
                pass

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
        return "".join(
            [
                *("".join(pieces) for pieces in self.texts.values()),
                *(args.args_text for args in self.args.values()),
            ]
        )

    def history(self) -> list[input_items.Item]:
        """Return the response as history, for the next request."""
        if self.items:
            return self.items
        text = "".join("".join(pieces) for pieces in self.texts.values())
        items: list[input_items.Item] = (
            [input_items.Message(role="assistant", content=text)] if text else []
        )
        for key, start in self.calls.items():
            args = self.args.get(key)
            text = args.args_text if args is not None and args.valid else ""
            if args is not None and not args.valid:
                # Some servers parse the history's arguments, and fail if they are not JSON.
                text = msgspec.json.encode({"invalid_json": args.args_text}).decode()
            items.append(
                input_items.FunctionCall(
                    call_id=start.call_id or key, name=start.name, arguments=text or "{}"
                )
            )
        return items
