"""agno's messages (https://docs.agno.com/reference/models/message), which are like those of Chat
Completions.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from nbagent.agent.model.input_items import Item, OpaqueItem, is_of_model, to_chat

_FIELDS = ("role", "content", "tool_calls", "tool_call_id")
_MEDIA = ("images", "audio", "videos", "files")

Messages = list[dict[str, Any]]


def to_agno(history: Sequence[Item]) -> Messages:
    """Return a history as messages for `agent.run`. The message of a response has its item of
    reasoning.
    """
    made: Messages = []
    for _, group in groupby(history, is_of_model):
        items = list(group)
        messages = to_chat(items, "")
        kept = [item.item for item in items if isinstance(item, OpaqueItem)]
        reasoning = [item for item in kept if item.get("type") == "reasoning"]
        if reasoning and messages:
            messages[-1]["provider_data"] = {"reasoning_output": reasoning[-1]}
        made += messages
    return made


def from_agno(given: Any) -> Messages:
    """Return the input of a run as messages of Chat Completions: a message, or several.

    Raises:
        ValueError: it is no message, or has more than text.
    """
    return [_chat_message(each) for each in (given if isinstance(given, list) else [given])]


def _chat_message(given: Any) -> dict[str, Any]:
    fields = given if isinstance(given, Mapping) else vars(given)
    if "role" not in fields or any(fields.get(name) for name in _MEDIA):
        raise ValueError(f"no message of text: {type(given).__name__}")
    return {name: fields[name] for name in _FIELDS if fields.get(name) is not None}
