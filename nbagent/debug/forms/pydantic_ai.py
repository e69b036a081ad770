"""Pydantic AI's requests and responses (https://ai.pydantic.dev/message-history/)."""

import sys
from collections.abc import Sequence
from typing import Any

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    is_of_model,
)


def to_pydantic_ai(history: Sequence[Item]) -> list[Any]:
    """Return a history as requests and responses."""
    own = sys.modules["pydantic_ai.messages"]
    names: dict[str, str] = {}
    made: list[Any] = []
    for item in history:
        match item:
            case FunctionCall():
                names[item.call_id] = item.name
                part = own.ToolCallPart(item.name, item.arguments, item.call_id)
            case FunctionCallOutput():
                name = names.get(item.call_id, "")
                part = own.ToolReturnPart(name, item.text, item.call_id)
            case Message(role="assistant"):
                part = own.TextPart(str(item.content))
            case Message(role="user"):
                part = own.UserPromptPart(item.content)
            case Message():
                part = own.SystemPromptPart(str(item.content))
            case _:  # what only the Responses API understands
                continue
        kind = own.ModelResponse if is_of_model(item) else own.ModelRequest
        if made and isinstance(made[-1], kind):
            made[-1].parts.append(part)
        else:
            made.append(kind(parts=[part]))
    return made
