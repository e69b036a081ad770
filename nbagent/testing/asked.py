"""`Asked`: a request to a model as a cassette keeps it, and what differs between two of them."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import Any

import msgspec

from nbagent.agent.model.input_items import Item, to_chat
from nbagent.agent.model.structured import JsonForm, OutputFormat
from nbagent.agent.tools.described_tool import DescribedTool, chat_form
from nbagent.events.json_text import decode_json
from nbagent.events.jsonable import json_safe
from nbagent.gate import secrets
from nbagent.render.differences import difference_lines
from nbagent.run.diff import difference

MAX_TEXT_CHARS = 20_000
"""Characters of a text that is kept; of a longer one, such as a picture, its digest is kept."""


class Asked(msgspec.Struct):
    """A request to a model, whatever API carries it.

    Attributes:
        fields: model, instructions, tools, settings, and the form of the answer.
        messages: in the form of Chat Completions; a call has its number in place of its id, which
            is another one each time.
    """

    fields: dict[str, Any]
    messages: list[dict[str, Any]]

    def key(self) -> bytes:
        """Return a text that is the same for two requests of the same content."""
        return _text([self.fields, list(map(message_key, self.messages))])


def asked(
    model: str,
    instructions: str,
    items: Sequence[Item],
    tools: Sequence[DescribedTool],
    settings: Mapping[str, Any],
    output: OutputFormat | JsonForm | None,
) -> Asked:
    """Return a request, with its credentials masked; the arguments are those of
    `Connection.ask`.
    """
    fields: dict[str, Any] = {
        "model": model,
        "instructions": instructions,
        "tools": [chat_form(tool)["function"] for tool in tools],
        "settings": dict(settings),
        "output": None if output is None else output.request(),
    }
    given = {name: value for name, value in fields.items() if value}
    made = _shortened(json_safe([given, _messages(items)]))
    fields, messages = secrets.known().mask_json(made)
    return Asked(fields, messages)


def differences(was: Asked, now: Asked) -> Iterator[str]:
    """Yield a line for each difference: of a text, the words that are gone and that are new."""
    for name in {**was.fields, **now.fields}:
        yield from _lines(name, was.fields.get(name), now.fields.get(name))
    for number, (old, new) in enumerate(zip_longest(was.messages, now.messages), 1):
        if old is None:
            yield f"message {number} is new: {_line(new)}"
        elif new is None:
            yield f"message {number} is gone: {_line(old)}"
        elif message_key(old) != message_key(new):
            yield from _lines(f"message {number} ({new['role']})", _said(old), _said(new))


def message_key(message: Mapping[str, Any]) -> bytes:
    """Return a text that is the same for two messages of the same content. The white space between
    the model's texts is not the same in each API.
    """
    content = message.get("content")
    if message["role"] == "assistant" and isinstance(content, str):
        return _text({**message, "content": "".join(content.split())})
    return _text(message)


def _messages(items: Sequence[Item]) -> list[dict[str, Any]]:
    """Return a history in which a call has its number in place of its id, and the model's texts
    between two other messages are one.
    """
    numbers: dict[Any, int] = {}
    made: list[dict[str, Any]] = []
    for message in to_chat(items, ""):
        calls = message.pop("tool_calls", ())
        if "tool_call_id" in message:
            message["call"] = numbers.get(message.pop("tool_call_id"))
        if message["role"] == "assistant" and made and made[-1]["role"] == "assistant":
            made[-1]["content"] = f"{made[-1]['content'] or ''}\n\n{message['content'] or ''}"
        else:
            made.append(message)
        for call in calls:
            number = numbers.setdefault(call["id"], len(numbers) + 1)
            function = call["function"]
            told = {"call": number, "name": function["name"], "args": _args(function["arguments"])}
            made[-1].setdefault("calls", []).append(told)
    return made


def _args(text: str) -> Any:
    try:
        return decode_json(text)
    except msgspec.DecodeError:
        return text


def _shortened(value: Any) -> Any:
    """Return a JSON value with digests in place of its long texts."""
    match value:
        case str() if len(value) > MAX_TEXT_CHARS:
            digest = hashlib.sha256(value.encode("utf-8", "backslashreplace")).hexdigest()[:16]
            return f"{len(value):,} characters, sha256 {digest}"
        case dict():
            return {name: _shortened(each) for name, each in value.items()}
        case list() | tuple():
            return list(map(_shortened, value))
    return value


def _lines(name: str, was: Any, now: Any) -> list[str]:
    found = difference(was, now)
    if found["kind"] == "same":
        return []
    return [f"{name}: {line}" for line in difference_lines(found)] or [f"{name} differs"]


def _said(message: Mapping[str, Any]) -> Any:
    """Return what a message says: its text, unless there is more."""
    if message.keys() <= {"role", "content", "call"}:
        return message["content"]
    return message


def _line(message: Mapping[str, Any]) -> str:
    text = _text(message).decode()
    return text if len(text) <= 300 else f"{text[:299]}…"


def _text(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")
