"""Strands' messages
(https://strandsagents.com/latest/documentation/docs/api-reference/python/types/content/), which are
those of Amazon Bedrock's Converse.
"""

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
    """Return a prompt of texts as messages of Chat Completions: messages, or the content of one.

    Raises:
        KeyError: it has something else than texts.
    """
    if "role" not in prompt[0]:
        prompt = [{"role": "user", "content": prompt}]
    return [{"role": message["role"], "content": _texts(message)} for message in prompt]


def _texts(message: dict[str, Any]) -> Messages:
    return [{"type": "text", "text": block["text"]} for block in message["content"]]
