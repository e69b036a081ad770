"""`outline`: the parts of a request, each on one line."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

from nbagent.events.jsonable import text_safe
from nbagent.protocol.inspection import PartKind, RequestPart
from nbagent.run.requests.log import tool_name
from nbagent.run.requests.request import Request

HEAD_CHARS = 160
"""Characters of a part that its line shows."""


_CUT_CHARS = 4 * HEAD_CHARS  # before masks, which may shorten a text
_ARGS = ("arguments", "input", "args")
_SAID = ("text", "content", "parts", "output", "summary", "tool_calls", "functionResponse")
"""Names of what a message says."""


def outline(request: Request) -> Iterator[RequestPart]:
    """Yield the parts of a request as a reader looks at them, masked.

    Raises:
        NbagentError: they are hidden, or no longer kept.
    """
    raw = request.body_as_sent()
    tokens = request.tokens

    @cache
    def shown(label: str) -> str:
        return text_safe(request.head(label, HEAD_CHARS))

    def part(kind: PartKind, name: str, label: str, value: Any, **fields: Any) -> RequestPart:
        head = request.head(_head(value), HEAD_CHARS)
        return RequestPart(kind=kind, part=name, label=shown(label), head=text_safe(head), **fields)

    if raw.instructions is not None:
        label, text = raw.instructions
        yield part(
            "instructions",
            "instructions",
            label,
            json.loads(text),
            size=len(text),
            tokens=tokens["instructions"],
        )
    new: set[int] = set()
    if not request.is_first:
        new.update(request.new_indices)
    for index, message in enumerate([*raw.system, *raw.messages()]):
        counted = tokens.get(f"messages[{index}]")
        if counted is None and raw.instructions is None and index == 0:
            counted = tokens["instructions"]  # of all messages that instruct the model
        value = json.loads(message)
        yield part(
            "message",
            f"messages/{index}",
            _label(value),
            value,
            size=len(message),
            tokens=counted,
            new=index in new,
        )
    tools = request.tools
    sizes = [len(json.dumps(tool)) for tool in tools]
    for index, (tool, size) in enumerate(zip(tools, sizes, strict=True)):
        yield RequestPart(
            kind="tool",
            part=f"tools/{index}",
            label=text_safe(tool_name(tool)[:HEAD_CHARS]),
            size=size,
            head=text_safe(request.head(_description(tool), HEAD_CHARS)),
            tokens=round(tokens.get("tools", 0) * size / sum(sizes)),
        )
    if "format" in tokens:
        yield RequestPart(
            kind="format",
            part="settings",
            label="form of the answer",
            size=0,
            tokens=tokens["format"],
        )
    settings = json.dumps(request.settings, ensure_ascii=False)
    yield RequestPart(
        kind="settings",
        part="settings",
        label="settings",
        size=len(settings),
        head=text_safe(settings[1:-1][:HEAD_CHARS]),
    )
    yield RequestPart(kind="response", part="response", label="response", size=request.size)


def _description(tool: Any) -> str:
    if isinstance(tool, dict):
        tool = tool.get("function", tool)
    if not isinstance(tool, dict):
        return ""
    return str(tool.get("description") or "")


def _label(message: Any) -> str:
    if not isinstance(message, dict):
        return "user"
    return str(message.get("role") or message.get("type") or "message")


def _head(message: Any) -> str:
    """Return the beginning of what a message says: its texts, the calls in it, or its results."""
    if message is None:
        return ""
    if isinstance(message, list):
        return " ".join(filter(None, map(_head, message[:8])))
    if not isinstance(message, dict):
        return str(message)[:_CUT_CHARS]
    call = message.get("function")
    if not isinstance(call, dict):
        call = message.get("functionCall") or message
    if isinstance(call, dict) and isinstance(call.get("name"), str):
        args = next((call[name] for name in _ARGS if name in call), None)
        if args is not None:
            if not isinstance(args, str):
                args = json.dumps(args, ensure_ascii=False)
            return f"{call['name']}({args[:_CUT_CHARS]})"
    return " ".join(filter(None, map(_head, map(message.get, _SAID))))
