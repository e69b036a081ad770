"""AutoGen's messages for models, which its model contexts hold
(https://microsoft.github.io/autogen/stable/reference/python/autogen_core.models.html).
"""

import sys
from collections.abc import Sequence
from typing import Any

from nbagent.agent.model.input_items import FunctionCall, FunctionCallOutput, Item, Message, text_of

_AGENT = "assistant"

Messages = list[dict[str, Any]]


def to_autogen(history: Sequence[Item]) -> list[Any]:
    """Return a history as messages for the `initial_messages` of a model context."""
    models = sys.modules["autogen_core.models"]
    function_call = sys.modules["autogen_core"].FunctionCall
    names: dict[str, str] = {}
    made: list[Any] = []
    for item in history:
        last = made[-1] if made else None
        match item:
            case Message(role="user"):
                made.append(models.UserMessage(content=_content(item), source="user"))
            case Message(role="assistant"):
                made.append(models.AssistantMessage(content=text_of(item), source=_AGENT))
            case Message():
                made.append(models.SystemMessage(content=text_of(item)))
            case FunctionCall():
                names[item.call_id] = item.name
                call = function_call(id=item.call_id, name=item.name, arguments=item.arguments)
                if not isinstance(last, models.AssistantMessage):
                    made.append(models.AssistantMessage(content=[call], source=_AGENT))
                elif isinstance(last.content, list):
                    last.content.append(call)
                else:
                    last.thought, last.content = last.content, [call]
            case FunctionCallOutput():
                result = models.FunctionExecutionResult(
                    content=item.text, name=names.get(item.call_id, ""), call_id=item.call_id
                )
                if isinstance(last, models.FunctionExecutionResultMessage):
                    last.content.append(result)
                else:
                    made.append(models.FunctionExecutionResultMessage(content=[result]))
    return made


def _content(message: Message) -> Any:
    """Return the content of a user's message: a text, or texts and images."""
    if isinstance(message.content, str):
        return message.content
    image = sys.modules["autogen_core"].Image
    parts: list[Any] = []
    for part in message.content:
        url = part.get("image_url")
        if url is None:
            parts.append(part.get("text", ""))
        else:
            parts.append(image.from_uri(url["url"] if isinstance(url, dict) else url))
    return parts


def from_autogen(task: Any) -> Messages:
    """Return a task as messages of Chat Completions: a text or a message of an agent, or several,
    also of a model context.
    """
    given = task if isinstance(task, (list, tuple)) else [task]
    return [made for each in given for made in _chat_messages(each)]


def _chat_messages(given: Any) -> Messages:
    if isinstance(given, str):
        return [{"role": "user", "content": given}]
    if hasattr(given, "to_model_message"):
        given = given.to_model_message()
    match given.type:
        case "FunctionExecutionResultMessage":
            return [
                {"role": "tool", "tool_call_id": result.call_id, "content": result.content}
                for result in given.content
            ]
        case "AssistantMessage" if isinstance(given.content, list):
            calls = [_chat_call(call) for call in given.content]
            return [{"role": "assistant", "content": given.thought, "tool_calls": calls}]
        case "AssistantMessage":
            return [{"role": "assistant", "content": given.content}]
        case "SystemMessage":
            return [{"role": "system", "content": given.content}]
    return [{"role": "user", "content": _chat_content(given.content)}]


def _chat_call(call: Any) -> dict[str, Any]:
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.id, "type": "function", "function": function}


def _chat_content(content: Any) -> Any:
    if isinstance(content, str):
        return content
    return [
        {"type": "text", "text": part} if isinstance(part, str) else part.to_openai_format()
        for part in content
    ]
