"""`in_form`: a history in the form of the framework that goes on from it."""

import sys
from collections.abc import Sequence
from typing import Any

from nbagent.agent.model.input_items import (
    FunctionCall,
    FunctionCallOutput,
    Item,
    Message,
    is_of_model,
    to_chat,
    to_responses,
)


def in_form(history: Sequence[Item], framework: str) -> list[Any]:
    """Return a history in the form that a framework takes.

    Args:
        history: all that the model is told, without the instructions.
        framework: the package: `agents` takes items of the Responses API, `pydantic_ai` messages of
            its own classes; all others get messages of Chat Completions, as LangChain takes them.
    """
    match framework:
        case "agents":
            return to_responses(history, stored=False)
        case "pydantic_ai":
            return _of_pydantic_ai(history)
    return to_chat(history, "")


def _of_pydantic_ai(history: Sequence[Item]) -> list[Any]:
    """Return a history as Pydantic AI's requests and responses
    (https://ai.pydantic.dev/message-history/).
    """
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
