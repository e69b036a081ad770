"""Strands' messages
(https://strandsagents.com/latest/documentation/docs/api-reference/python/types/content/), which are
those of Amazon Bedrock's Converse.
"""

import json
from collections.abc import Sequence
from typing import Any

from nbagent.adapters.base.fields import parse_args
from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    is_of_model,
    text_of,
)

Messages = list[dict[str, Any]]


def to_strands(history: Sequence[Item]) -> Messages:
    """Return a history as messages; the instructions are left out, as the agent has its own."""
    made: Messages = []
    for item in history:
        block: dict[str, Any]
        match item:
            case Message(role="user" | "assistant"):
                block = {"text": text_of(item)}
            case FunctionCall():
                arguments, _ = parse_args(item.arguments)
                call = {"toolUseId": item.call_id, "name": item.name, "input": arguments or {}}
                block = {"toolUse": call}
            case FunctionCallOutput():
                content = [{"text": item.text}]
                result = {"toolUseId": item.call_id, "status": "success", "content": content}
                block = {"toolResult": result}
            case _:
                continue
        role = "assistant" if is_of_model(item) else "user"
        if made and made[-1]["role"] == role:
            made[-1]["content"].append(block)
        else:
            made.append({"role": role, "content": [block]})
    return made


def from_strands(prompt: Any) -> Messages:
    """Return a prompt as messages of Chat Completions: messages, and the content of one at the end,
    a text or blocks of texts.

    Raises:
        ValueError: it has something else than texts, calls and their results.
    """
    made: Messages = []
    blocks: list[Any] = []
    for each in prompt:
        if isinstance(each, str):
            blocks.append({"text": each})
        elif "role" in each:
            made += _chat_messages(each["role"], each["content"])
        else:
            blocks.append(each)
    return made + _chat_messages("user", blocks)


def _chat_messages(role: str, blocks: list[Any]) -> Messages:
    """Return a message as those of Chat Completions: each result is one of its own."""
    made: Messages = []
    texts: Messages = []
    calls: list[dict[str, Any]] = []
    for block in blocks:
        match block:
            case {"text": str(text)}:
                texts.append({"type": "text", "text": text})
            case {"toolUse": {"toolUseId": id, "name": name, "input": arguments}}:
                function = {"name": name, "arguments": json.dumps(arguments, ensure_ascii=False)}
                calls.append({"id": id, "type": "function", "function": function})
            case {"toolResult": {"toolUseId": id, "content": [*content]}}:
                text = "".join(each["text"] for each in content)
                made.append({"role": "tool", "tool_call_id": id, "content": text})
            case {"reasoningContent": _}:
                continue  # it is sent to no service of OpenAI's
            case _:
                raise ValueError(f"no text: {list(block)}")
    if calls:
        made.append({"role": role, "content": texts, "tool_calls": calls})
    elif texts:
        made.append({"role": role, "content": texts})
    return made
