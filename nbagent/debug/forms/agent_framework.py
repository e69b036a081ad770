"""Messages of Microsoft's agent framework
(https://learn.microsoft.com/en-us/agent-framework/agents/conversations/).
"""

import sys
from collections.abc import Sequence
from typing import Any

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    OpaqueItem,
    is_of_model,
    text_of,
)


def to_agent_framework(history: Sequence[Item]) -> list[Any]:
    """Return a history as messages for `agent.run`."""
    own = sys.modules["agent_framework"]
    made: list[Any] = []
    for item in history:
        role: str
        match item:
            case Message():
                contents = [own.Content.from_text(text_of(item))]
                role = item.role
            case FunctionCall():
                contents = [
                    own.Content.from_function_call(
                        item.call_id, item.name, arguments=item.arguments
                    )
                ]
                role = "assistant"
            case FunctionCallOutput():
                contents = [own.Content.from_function_result(item.call_id, result=item.text)]
                role = "tool"
            case OpaqueItem(item={"type": "reasoning", **fields}):
                contents = _reasoning(own.Content, fields)
                role = "assistant"
            case _:
                continue
        if is_of_model(item) and made and made[-1].role == role:
            made[-1].contents.extend(contents)
        else:
            made.append(own.Message(role, contents))
    return made


def _reasoning(content: Any, fields: dict[str, Any]) -> list[Any]:
    """Return the contents of an item of reasoning: one for each part of its summary, at least one.
    The first has the encrypted form.
    """
    texts = [part.get("text") or "" for part in fields.get("summary") or ()] or [""]
    sealed = [fields.get("encrypted_content"), *([None] * (len(texts) - 1))]
    return [
        content.from_text_reasoning(id=fields.get("id"), text=text, protected_data=opaque)
        for text, opaque in zip(texts, sealed, strict=True)
    ]


def from_agent_framework(messages: Any) -> list[dict[str, Any]]:
    """Return a prompt of texts as messages of Chat Completions: texts, contents, messages, or one
    of them.

    Raises:
        ValueError: it has something else than texts.
    """
    given = messages if isinstance(messages, (list, tuple)) else [messages]
    return [_chat_message(each) for each in given]


def _chat_message(given: Any) -> dict[str, Any]:
    role = getattr(given, "role", "user")
    contents = getattr(given, "contents", [given])
    kinds = [getattr(each, "type", "text") for each in contents]
    if set(kinds) - {"text"}:
        raise ValueError(f"no texts: {kinds}")
    texts = [each if isinstance(each, str) else each.text for each in contents]
    if len(texts) == 1:
        return {"role": str(role), "content": texts[0]}
    return {"role": str(role), "content": [{"type": "text", "text": text} for text in texts]}
