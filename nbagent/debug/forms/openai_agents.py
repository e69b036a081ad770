"""Items of the OpenAI Agents SDK (https://openai.github.io/openai-agents-python/ref/items/), which
are those of the Responses API.
"""

from collections.abc import Sequence
from typing import Any

from nbagent.agent.model.input_items import Item, to_responses

_NO_ID = "__fake_id__"
"""Id that the SDK writes where there is none. It is not sent."""


def to_openai_agents(history: Sequence[Item]) -> list[Any]:
    """Return a history as items for `Runner.run_streamed`."""
    return [_output(item) for item in to_responses(history, stored=False)]


def _output(item: dict[str, Any]) -> dict[str, Any]:
    """Return a text of the model as an output: only such a one may be in a message with calls."""
    if item.get("role") != "assistant" or not isinstance(item.get("content"), str):
        return item
    text = {"type": "output_text", "text": item["content"], "annotations": []}
    return {"id": _NO_ID, "status": "completed", **item, "content": [text]}
