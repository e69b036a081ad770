"""The OpenAI Chat Completions wire: a request body in, a turn out as chunks or as one object.

Thoughts go into `reasoning_content`, which is not OpenAI's but what open models' servers use.
Spec: https://platform.openai.com/docs/api-reference/chat and …/chat-streaming
"""

from collections.abc import Iterator, Mapping
from typing import Any

from nbagent.demo.conversation import (
    MODEL,
    ApiError,
    Call,
    Frame,
    Item,
    Message,
    Output,
    Request,
    Tool,
    Turn,
    check_model,
    digest,
    optional,
    parse_args,
    request_key,
    require,
    text_of,
    to_json,
    unmatched,
)
from nbagent.demo.tokens import count, split

Json = dict[str, Any]


def read(body: Mapping[str, Any]) -> Request:
    """The request in a body.

    Raises:
        ApiError: the API would refuse it too, or it asks for more than one choice.
    """
    check_model(body)
    messages = require(body, "messages", list)
    if optional(body, "n", int) not in (None, 1):
        raise ApiError(f"Invalid value for 'n': the model `{MODEL}` gives one choice.", param="n", code="invalid_value")
    history = tuple(item for raw in messages for item in _items(raw))
    _check_pairs(history)
    tools = tuple(_tool(tool["function"]) for tool in optional(body, "tools", list) or [] if _is_function(tool))
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        tools = tuple(tool for tool in tools if tool.name == (choice.get("function") or {}).get("name"))
        choice = "required"
    form = (optional(body, "response_format", dict) or {}).get("json_schema") or {}
    return Request(
        history=history,
        key=request_key(body),
        tools=tools,
        parallel=body.get("parallel_tool_calls") is not False,
        choice="none" if choice == "none" else "required" if choice == "required" else "auto",
        schema=form.get("schema"),
        thinking=body.get("reasoning_effort") != "none",
        limit=optional(body, "max_completion_tokens", int) or optional(body, "max_tokens", int),
    )


def _items(raw: Any) -> Iterator[Item]:
    if not isinstance(raw, dict):
        raise ApiError("Invalid type for 'messages': expected an array of objects.", param="messages", code="invalid_type")
    role, text = str(raw.get("role")), text_of(raw.get("content"))
    if role == "tool":
        yield Output(str(raw.get("tool_call_id")), text)
        return
    calls = [call for call in optional(raw, "tool_calls", list) or [] if isinstance(call, dict)]
    if text or not calls:
        yield Message("system" if role == "developer" else role, text)
    for call in calls:
        function = call.get("function") or {}
        yield Call(str(call.get("id")), str(function.get("name")), parse_args(function.get("arguments")))


def _check_pairs(history: tuple[Item, ...]) -> None:
    outputs, calls = unmatched(history)
    if outputs:
        message = "Messages with role 'tool' must be a response to a preceding message with 'tool_calls'."
        raise ApiError(message, param="messages")
    if calls:
        message = (
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. "
            f"The following tool_call_ids did not have response messages: {', '.join(calls)}"
        )
        raise ApiError(message, param="messages")


def _is_function(tool: Any) -> bool:
    return isinstance(tool, dict) and isinstance(tool.get("function"), dict) and isinstance(tool["function"].get("name"), str)


def _tool(function: Json) -> Tool:
    return Tool(function["name"], function.get("description") or "", function.get("parameters") or {})


def reply(request: Request, turn: Turn, body: Mapping[str, Any], created: int) -> Json:
    """The whole completion as one object."""
    message: Json = {"role": "assistant", "content": turn.text or None, "refusal": None, "annotations": []}
    if turn.reasoning:
        message["reasoning_content"] = _thoughts(turn)
    if turn.calls:
        message["tool_calls"] = [_call(call, call.text) for call in turn.calls]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(turn)}
    return {**_head(request, created, "chat.completion"), "choices": [choice], "usage": _usage(request, turn)}


def encode(request: Request, turn: Turn, body: Mapping[str, Any], created: int) -> Iterator[Frame]:
    """The completion as server-sent events. `created` is in seconds since the epoch."""
    counted = bool((optional(body, "stream_options", dict) or {}).get("include_usage"))
    head = _head(request, created, "chat.completion.chunk")

    def frame(delta: Json, tokens: int = 0, finish: str | None = None) -> Frame:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
        return _frame({**head, "choices": [choice], **({"usage": None} if counted else {})}, tokens)

    yield frame({"role": "assistant", "content": None if turn.calls else "", "refusal": None})
    for token in split(_thoughts(turn)):
        yield frame({"reasoning_content": token}, 1)
    for token in split(turn.text):
        yield frame({"content": token}, 1)
    for index, call in enumerate(turn.calls):
        yield frame({"tool_calls": [{"index": index, **_call(call, "")}]})
        for token in split(call.text):
            yield frame({"tool_calls": [{"index": index, "function": {"arguments": token}}]}, 1)
    yield frame({}, finish=_finish(turn))
    if counted:
        yield _frame({**head, "choices": [], "usage": _usage(request, turn)}, 0)
    yield Frame(b"data: [DONE]\n\n")


def _frame(chunk: Json, tokens: int) -> Frame:
    return Frame(f"data: {to_json(chunk)}\n\n".encode("utf-8", "replace"), tokens)


def _thoughts(turn: Turn) -> str:
    return "\n\n".join(turn.reasoning)


def _call(call: Call, arguments: str) -> Json:
    return {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}}


def _finish(turn: Turn) -> str:
    return "length" if turn.finish == "length" else "tool_calls" if turn.calls else "stop"


def _head(request: Request, created: int, kind: str) -> Json:
    return {
        "id": "chatcmpl-" + digest(request.key, length=29),
        "object": kind,
        "created": created,
        "model": MODEL,
        "service_tier": "default",
        "system_fingerprint": None,
    }


def _usage(request: Request, turn: Turn) -> Json:
    thoughts = count(_thoughts(turn))
    written = turn.tokens - turn.reasoning_tokens + thoughts
    return {
        "prompt_tokens": request.tokens,
        "completion_tokens": written,
        "total_tokens": request.tokens + written,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": thoughts,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
