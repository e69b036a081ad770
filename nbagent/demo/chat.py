"""The OpenAI Chat Completions API: requests read, turns written.

Thoughts are in `reasoning_content`, which is not a field of OpenAI's but of the servers of open
models. Spec: https://platform.openai.com/docs/api-reference/chat and …/chat-streaming
"""

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from nbagent.adapters.openai_chat.encoder import ChatEncoder, chat_usage
from nbagent.demo import conversation as c
from nbagent.events import Event, RunEnd


def read(body: c.Json) -> c.Request:
    """Return the request in a body.

    Raises:
        ApiError: the API would refuse it too, or it asks for more than one choice.
    """
    items: list[c.Item] = []
    for raw in c.parameter(body, "messages", list[c.Json]):
        items += _items(raw)
    history = tuple(items)
    if c.parameter(body, "n", int | None) not in (None, 1):
        raise c.ApiError(
            "Invalid value for 'n': the demo model gives one choice.",
            param="n",
            code="invalid_value",
        )
    if c.unmatched(history, "output", "call"):
        message = (
            "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
        )
        raise c.ApiError(message, param="messages")
    if calls := c.unmatched(history, "call", "output"):
        message = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding "
            "to each 'tool_call_id'."
        )
        ids = f"The following tool_call_ids did not have response messages: {', '.join(calls)}"
        raise c.ApiError(f"{message} {ids}", param="messages")
    answer_format = (c.parameter(body, "response_format", c.Json | None) or {}).get("json_schema")
    limit = c.parameter(body, "max_completion_tokens", int | None) or c.parameter(
        body, "max_tokens", int | None
    )
    return c.request_of(body, history, answer_format, body.get("reasoning_effort"), limit)


def _items(raw: c.Json) -> Iterator[c.Item]:
    text = c.text_of(raw.get("content"))
    if raw.get("role") == "tool":
        yield c.Item("output", text, str(raw.get("tool_call_id")))
    elif text or not raw.get("tool_calls"):
        yield c.Item(str(raw.get("role")).replace("developer", "system"), text)
    for call in c.parameter(raw, "tool_calls", list[c.Json] | None) or ():
        function = call.get("function") or {}
        yield c.Item(
            "call", str(function.get("arguments")), str(call.get("id")), str(function.get("name"))
        )


def _call(call: c.Item) -> c.Json:
    function = {"name": call.name, "arguments": call.text}
    return {"id": call.id, "type": "function", "function": function}


class Writer(ChatEncoder):
    """Writes a turn's events as chunks, with the number of tokens if the request asks for it."""

    def __init__(self, body: c.Json) -> None:
        super().__init__()
        self._counts = bool(
            (c.parameter(body, "stream_options", c.Json | None) or {}).get("include_usage")
        )

    def start_run(self) -> None:
        """Return the chunk with the role, which comes before the first token, as from OpenAI."""
        self._emit_delta({"content": None, "refusal": None})

    def feed(self, event: Event) -> list[Any]:
        """Return the items of one event."""
        if isinstance(event, RunEnd) and not self._counts:
            event = replace(event, usage=None)
        return super().feed(event)

    def whole(self, completion: c.Completion, request: c.Request, created: int) -> c.Json:
        """Return the completion as one object."""
        message: c.Json = {"role": "assistant", "content": completion.text or None, "refusal": None}
        if completion.thought:
            message["reasoning_content"] = completion.thought
        reason = "stop"
        if completion.calls:
            reason = "tool_calls"
            message["tool_calls"] = list(map(_call, completion.calls))
        if completion.is_cut:
            reason = "length"
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": reason}
        about = {
            "id": f"chatcmpl-{request.key}",
            "object": "chat.completion",
            "created": created,
            "model": c.MODEL,
        }
        return {**about, "choices": [choice], "usage": chat_usage(completion.usage(request))}
