"""AutoGen's messages for models, which its model contexts hold
(https://microsoft.github.io/autogen/stable/reference/python/autogen_core.models.html).
"""

import sys
from collections.abc import Sequence
from typing import Any

from nbagent.agent.model.input_items import FunctionCall, FunctionCallOutput, Item, Message, text_of

_AGENT = "assistant"


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


def from_autogen(task: Any) -> list[dict[str, Any]]:
    """Return a task as messages of Chat Completions: one message of an agent, or several."""
    messages = task if isinstance(task, (list, tuple)) else [task]
    return [{"role": "user", "content": _chat_content(message)} for message in messages]


def _chat_content(message: Any) -> Any:
    content = message.to_model_message().content
    if isinstance(content, str):
        return content
    return [
        {"type": "text", "text": part} if isinstance(part, str) else part.to_openai_format()
        for part in content
    ]
