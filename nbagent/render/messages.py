"""A transcript as the messages of a conversation that can go on.

In the form of Chat Completions (https://platform.openai.com/docs/api-reference/chat/create#messages), which other services
take as well: `assistant` messages with their `tool_calls`, and a `tool` message for each result. What the user asked is not in
a stream, so that it is not here; neither are thoughts, nor what sub-agents said among themselves.
"""

import pprint
from collections.abc import Iterable, Mapping
from typing import Any

from nbagent.render.labels import Props, compact, number_of, record_of, text_of

WIDTH = 100
"""Characters in a line of Python."""


def messages_python(blocks: Iterable[Props], contents: Mapping[str, Any] | None = None) -> str:
    """The messages as Python: `messages = […]`, to be put after the user's own. See `messages_of`."""
    return f"messages = {pprint.pformat(messages_of(blocks, contents), width=WIDTH, sort_dicts=False)}\n"


def messages_of(blocks: Iterable[Props], contents: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    """The messages of a run.

    Args:
        blocks: what `run.snapshot()` gives.
        contents: what the model got to see of a tool's result, by the id of its block; where it is not known, what the reader
            sees is taken for it.

    Returns:
        Dicts of plain JSON. A call that has no result yet has no `tool` message: to answer it is what comes next.
    """
    talk = _Talk(contents or {})
    for block in blocks:
        if text_of(block.get("parent")) != "run":
            continue
        if block.get("kind") == "text":
            talk.say(text_of(block.get("text")))
        elif block.get("kind") == "tool":
            talk.call(block)
    talk.turn()
    return talk.messages


class _Talk:
    """The messages so far. Calls that ran side by side belong to one message, and their results follow it."""

    def __init__(self, contents: Mapping[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._contents = contents
        self._message: dict[str, Any] | None = None
        self._results: list[dict[str, Any]] = []
        self._ended: float | None = None
        self._calls = 0

    def say(self, text: str) -> None:
        if self._results or (self._message and "tool_calls" in self._message):
            self.turn()
        if text:
            message = self._assistant()
            message["content"] = "\n\n".join(filter(None, (message["content"], text)))

    def call(self, tool: Props) -> None:
        started = number_of(tool.get("started"))
        if self._ended is not None and started is not None and started >= self._ended:
            self.turn()  # the model had seen a result when it made this call
        self._calls += 1
        id_ = text_of(tool.get("call_id")) or f"call_{self._calls}"
        args = {} if tool.get("args") is None else tool["args"]
        written = text_of(tool.get("args_text")) or (args if isinstance(args, str) else compact(args))
        function = {"name": text_of(tool.get("name")), "arguments": written}
        self._assistant().setdefault("tool_calls", []).append({"id": id_, "type": "function", "function": function})
        known = self._contents.get(text_of(tool.get("id"))) if tool.get("state") == "output-available" else None
        said = _said(tool) if known is None else known if isinstance(known, str) else compact(known)
        if said is not None:
            self._results.append({"role": "tool", "tool_call_id": id_, "content": said})
        ended = number_of(tool.get("ended"))
        if ended is not None:
            self._ended = ended if self._ended is None else min(self._ended, ended)

    def turn(self) -> None:
        """What the model says next is another message."""
        self.messages += self._results
        self._message, self._results, self._ended = None, [], None

    def _assistant(self) -> dict[str, Any]:
        if self._message is None:
            self._message = {"role": "assistant", "content": None}
            self.messages.append(self._message)
        return self._message


def _said(tool: Props) -> str | None:
    """What the model is told that the call returned; None if it has not."""
    match tool.get("state"):
        case "output-available":
            result = record_of(tool.get("result"))
            plain = text_of(result.get("text/plain"))
            return plain or ("" if "text/plain" in result else compact(result.get("application/json")))
        case "output-error":
            error = record_of(tool.get("error"))
            return ": ".join(filter(None, (text_of(error.get("type")), text_of(error.get("message"))))) or "error"
        case "output-denied":
            return text_of(record_of(tool.get("error")).get("message")) or "denied by the user"
        case "cancelled":
            return "cancelled"
    return None
