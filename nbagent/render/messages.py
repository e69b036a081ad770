"""A transcript as the messages of a conversation that can go on.

In the form of Chat Completions
(https://platform.openai.com/docs/api-reference/chat/create#messages), which other services take as
well: the user's prompt, `assistant` messages with their `tool_calls`, and a `tool` message for each
result. Thoughts and the blocks of sub-agents are left out. `responses_of` gives the form of the
Responses API.
"""

import pprint
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from nbagent.blocks.fields import Props, number_of, record_of, text_of
from nbagent.events.json_text import decode_json
from nbagent.render.json_text import compact
from nbagent.render.tree import without_replaced

WIDTH_CHARS = 100
"""Characters in a line of Python."""

MAX_CHARS = 64
"""Most characters of the name and the id of a call in OpenAI's API."""

NO_ANSWER = "(No answer: the run ended before there was one.)"
"""Text of the assistant after a prompt that was not answered, in a conversation that goes on."""

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]")


def messages_python(blocks: Iterable[Props], contents: Mapping[str, Any] | None = None) -> str:
    """Return the messages as Python: `messages = […]`. See `messages_of`."""
    messages = messages_of(blocks, contents)
    return f"messages = {pprint.pformat(messages, width=WIDTH_CHARS, sort_dicts=False)}\n"


def messages_of(
    blocks: Iterable[Props], contents: Mapping[str, Any] | None = None, scope: str = "run"
) -> list[dict[str, Any]]:
    """Return the messages of a run.

    Args:
        blocks: what `run.snapshot()` gives.
        contents: the result of each tool call as the model got it, by the id of its block; for the
            others, what the reader sees is taken.
        scope: id of the block that encloses the conversation: the run's, or a lane's.

    Returns:
        Dicts of plain JSON that a server takes: names and ids of calls are made fit for OpenAI's
        API, each id is unique, and arguments are JSON. Calls of the last message that have no
        result yet have no `tool` message: to answer them comes next.
    """
    builder = _MessageBuilder(contents or {})
    for block in without_replaced(blocks):
        if text_of(block, "parent") != scope:
            continue
        match block.get("kind"):
            case "prompt":
                builder.add_prompt(block)
            case "text":
                builder.add_text(text_of(block, "text"))
            case "tool":
                builder.add_call(block)
    return builder.end()


def responses_of(messages: Iterable[Props]) -> list[dict[str, Any]]:
    """Return messages as the `input` of the Responses API
    (https://platform.openai.com/docs/api-reference/responses/create#input).
    """
    items: list[dict[str, Any]] = []
    for message in messages:
        content = message.get("content")
        if message["role"] == "tool":
            call_id = message["tool_call_id"]
            items.append({"type": "function_call_output", "call_id": call_id, "output": content})
            continue
        if content:
            items.append({"role": message["role"], "content": _responses_content(content)})
        calls = message.get("tool_calls", ())
        items += [
            {"type": "function_call", "call_id": call["id"], **call["function"]} for call in calls
        ]
    return items


def texts_of(messages: Iterable[Props]) -> list[dict[str, Any]]:
    """Return the messages without tool calls and their results."""
    return [
        _without_calls(message)
        for message in messages
        if message["role"] != "tool" and message.get("content")
    ]


def _without_calls(message: Props) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name != "tool_calls"}


def _responses_content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return list(map(_responses_part, content))


def _responses_part(part: Props) -> dict[str, Any]:
    if part["type"] == "image_url":
        return {"type": "input_image", "image_url": part["image_url"]["url"]}
    return {"type": "input_text", "text": part["text"]}


class _MessageBuilder:
    """Messages so far.

    Calls that ran side by side belong to one message, and their results follow it.
    """

    def __init__(self, contents: Mapping[str, Any]) -> None:
        self.messages: list[dict[str, Any]] = []
        self._contents = contents
        self._message: dict[str, Any] | None = None
        self._results: list[dict[str, Any]] = []
        self._first_end: float | None = None
        self._call_ids: set[str] = set()

    def add_prompt(self, prompt: Props) -> None:
        """Add the user's message. It begins a new exchange."""
        self.end_message()
        text = text_of(prompt, "text")
        parts = [_file_part(file) for file in prompt.get("files") or ()]
        if parts and text:
            parts.insert(0, {"type": "text", "text": text})
        self.messages.append({"role": "user", "content": parts or text})

    def add_text(self, text: str) -> None:
        if self._results:  # and so calls
            self.end_message()
        if text:
            message = self._assistant()
            message["content"] = "\n\n".join(filter(None, (message["content"], text)))

    def add_call(self, tool: Props) -> None:
        started = number_of(tool, "started")
        if self._first_end is not None and started is not None and started >= self._first_end:
            self.end_message()  # the model had seen a result when it made this call
        id_ = self._unique(text_of(tool, "call_id"))
        function = {
            "name": _NOT_IN_NAMES.sub("_", text_of(tool, "name"))[:MAX_CHARS],
            "arguments": _arguments(tool),
        }
        calls = self._assistant().setdefault("tool_calls", [])
        calls.append({"id": id_, "type": "function", "function": function})
        content = _content_of(tool, self._contents.get(text_of(tool, "id")))
        self._results.append({"role": "tool", "tool_call_id": id_, "content": content})
        ended = number_of(tool, "ended")
        if ended is not None and (self._first_end is None or ended < self._first_end):
            self._first_end = ended

    def _unique(self, call_id: str) -> str:
        """Return a call's id, or another one where the provider repeats it or has none."""
        number = len(self._call_ids)
        while not 0 < len(call_id) <= MAX_CHARS or call_id in self._call_ids:
            number += 1
            call_id = f"call_{number}"
        self._call_ids.add(call_id)
        return call_id

    def end_message(self) -> None:
        """End the message: the model's next text begins another.

        What follows it shows that its calls will get no result.
        """
        for result in self._results:
            if result["content"] is None:
                result["content"] = "no result"
        self.messages += self._results
        self._message, self._results, self._first_end = None, [], None

    def end(self) -> list[dict[str, Any]]:
        """Return the messages. Calls of the last one may still get a result."""
        results = [result for result in self._results if result["content"] is not None]
        return self.messages + results

    def _assistant(self) -> dict[str, Any]:
        if self._message is None:
            self._message = {"role": "assistant", "content": None}
            self.messages.append(self._message)
        return self._message


def _arguments(tool: Props) -> str:
    """Return the arguments as they were written; as a JSON object that has them if they are no
    JSON, which servers refuse.
    """
    args = tool.get("args")
    if args is None:
        args = {}
    written = text_of(tool, "args_text") or _text(args)
    try:
        decode_json(written)
    except msgspec.DecodeError:
        return compact({"invalid_json": written})
    return written


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    return compact(value)


def _file_part(file: Mapping[str, Any]) -> dict[str, Any]:
    """Return a file of the prompt as a part of its message: a picture, or the name of another
    file.
    """
    kind, url, data = file.get("media_type") or "", file.get("url"), file.get("data")
    if not url and data:
        url = f"data:{kind};base64,{data}"
    if url and kind.startswith("image/"):
        return {"type": "image_url", "image_url": {"url": url}}
    name = file.get("name") or kind or "without a name"
    return {"type": "text", "text": f"[file: {name}]"}


def _text_of_result(tool: Props, known: Any) -> str:
    if known is not None:
        return _text(known)
    result = record_of(tool, "result")
    if "text/plain" in result:
        return text_of(result, "text/plain")
    return compact(result.get("application/json"))


def _content_of(tool: Props, known: Any) -> str | None:
    """Return the content of the call's `tool` message; None if it has no outcome yet.

    `known` is its result as the model got it; None if that is not known.
    """
    error = record_of(tool, "error")
    match tool.get("state"):
        case "output-available":
            return _text_of_result(tool, known)
        case "output-error":
            parts = (text_of(error, "type"), text_of(error, "message"))
            return ": ".join(filter(None, parts)) or "error"
        case "output-denied":
            return text_of(error, "message") or "denied by the user"
        case "cancelled":
            return "cancelled"
    return None
