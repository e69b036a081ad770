"""The OpenAI Responses wire: a request body in, a turn out as events or as one object.

Spec: https://platform.openai.com/docs/api-reference/responses and …/responses-streaming
"""

from collections.abc import Callable, Iterator, Mapping
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
from nbagent.demo.tokens import split

Json = dict[str, Any]


def read(body: Mapping[str, Any], recall: Callable[[str], tuple[Item, ...] | None]) -> Request:
    """The request in a body.

    Args:
        body: the JSON that was posted.
        recall: gives the history up to and with an earlier response, or None if it is not known.

    Raises:
        ApiError: the API would refuse it too.
    """
    check_model(body)
    given = require(body, "input", str, list)
    before: tuple[Item, ...] | None = ()
    if previous := optional(body, "previous_response_id", str):
        before = recall(previous)
        if before is None:
            message = f"Previous response with id '{previous}' not found."
            raise ApiError(message, param="previous_response_id", code="previous_response_not_found")
    items = [Message("user", given)] if isinstance(given, str) else [item for raw in given for item in _item(raw)]
    history = (*(before or ()), *items)
    _check_pairs(history)
    tools = tuple(_tool(tool) for tool in optional(body, "tools", list) or [] if _is_function(tool))
    choice = body.get("tool_choice") or "auto"
    if isinstance(choice, dict):
        tools = tuple(tool for tool in tools if tool.name == choice.get("name"))
        choice = "required"
    form = (optional(body, "text", dict) or {}).get("format") or {}
    return Request(
        history=history,
        key=request_key(body),
        instructions=text_of(body.get("instructions")),
        tools=tools,
        parallel=body.get("parallel_tool_calls") is not False,
        choice="none" if choice == "none" else "required" if choice == "required" else "auto",
        schema=form.get("schema"),
        thinking=(optional(body, "reasoning", dict) or {}).get("effort") != "none",
        limit=optional(body, "max_output_tokens", int),
    )


def _item(raw: Any) -> Iterator[Item]:
    if not isinstance(raw, dict):
        raise ApiError("Invalid type for 'input': expected an array of objects.", param="input", code="invalid_type")
    match raw.get("type", "message"):
        case "message":
            yield Message("system" if raw.get("role") == "developer" else str(raw.get("role")), text_of(raw.get("content")))
        case "function_call":
            yield Call(str(raw.get("call_id")), str(raw.get("name")), parse_args(raw.get("arguments")))
        case "function_call_output":
            yield Output(str(raw.get("call_id")), text_of(raw.get("output")))
        case _:  # reasoning and hosted tools: not ours, nothing to read
            return


def _check_pairs(history: tuple[Item, ...]) -> None:
    outputs, calls = unmatched(history)
    if outputs:
        raise ApiError(f"No tool call found for function call output with call_id {outputs[0]}.", param="input")
    if calls:
        raise ApiError(f"No tool output found for function call {calls[0]}.", param="input")


def _is_function(tool: Any) -> bool:
    return isinstance(tool, dict) and tool.get("type") == "function" and isinstance(tool.get("name"), str)


def _tool(tool: Json) -> Tool:
    return Tool(tool["name"], tool.get("description") or "", tool.get("parameters") or {})


def response_id(request: Request) -> str:
    """The id of the response to `request`."""
    return "resp_" + digest(request.key)


def reply(request: Request, turn: Turn, body: Mapping[str, Any], created: int) -> Json:
    """The whole response as one object."""
    response = _response(request, body, created)
    response["output"] = [item for item, _ in _output(request, turn)]
    return _finished(response, request, turn)


def encode(request: Request, turn: Turn, body: Mapping[str, Any], created: int) -> Iterator[Frame]:
    """The response as server-sent events. `created` is in seconds since the epoch."""
    number = 0

    def frame(kind: str, tokens: int = 0, **fields: Any) -> Frame:
        nonlocal number
        data = to_json({"type": kind, **fields, "sequence_number": number})
        number += 1
        return Frame(f"event: {kind}\ndata: {data}\n\n".encode("utf-8", "replace"), tokens)

    response = _response(request, body, created)
    yield frame("response.created", response=response)
    yield frame("response.in_progress", response=response)
    output: list[Json] = []
    for index, (item, started) in enumerate(_output(request, turn)):
        yield frame("response.output_item.added", output_index=index, item=started)
        where = {"item_id": item["id"], "output_index": index}
        for kind, tokens, fields in _inside(item):
            yield frame(kind, tokens, **where, **fields)
        yield frame("response.output_item.done", output_index=index, item=item)
        output.append(item)
    response = _finished({**response, "output": output}, request, turn)
    yield frame(f"response.{response['status']}", response=response)


def _output(request: Request, turn: Turn) -> Iterator[tuple[Json, Json]]:
    """Each output item, whole and as it is announced."""
    last = "incomplete" if turn.finish == "length" else "completed"
    if turn.reasoning:
        item: Json = {"id": "rs_" + digest(request.key, "reasoning"), "type": "reasoning"}
        parts = [{"type": "summary_text", "text": text} for text in turn.reasoning]
        yield {**item, "summary": parts}, {**item, "summary": []}
    if turn.text:
        item = {"id": "msg_" + digest(request.key, "message"), "type": "message", "role": "assistant"}
        content = [{"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}]
        yield {**item, "status": last, "content": content}, {**item, "status": "in_progress", "content": []}
    for call in turn.calls:
        item = {"id": "fc_" + digest(call.id), "type": "function_call", "call_id": call.id, "name": call.name}
        done = {**item, "status": "completed", "arguments": call.text}
        yield done, {**item, "status": "in_progress", "arguments": ""}


def _inside(item: Json) -> Iterator[tuple[str, int, Json]]:
    """What happens between the start and the end of an item: event type, tokens, fields."""
    match item["type"]:
        case "reasoning":
            for index, part in enumerate(item["summary"]):
                at = {"summary_index": index}
                yield "response.reasoning_summary_part.added", 0, {**at, "part": {**part, "text": ""}}
                for token in split(part["text"]):
                    yield "response.reasoning_summary_text.delta", 1, {**at, "delta": token}
                yield "response.reasoning_summary_text.done", 0, {**at, "text": part["text"]}
                yield "response.reasoning_summary_part.done", 0, {**at, "part": part}
        case "message":
            for index, part in enumerate(item["content"]):
                at = {"content_index": index}
                yield "response.content_part.added", 0, {**at, "part": {**part, "text": ""}}
                for token in split(part["text"]):
                    yield "response.output_text.delta", 1, {**at, "delta": token, "logprobs": []}
                yield "response.output_text.done", 0, {**at, "text": part["text"], "logprobs": []}
                yield "response.content_part.done", 0, {**at, "part": part}
        case _:
            for token in split(item["arguments"]):
                yield "response.function_call_arguments.delta", 1, {"delta": token}
            yield "response.function_call_arguments.done", 0, {"name": item["name"], "arguments": item["arguments"]}


def _response(request: Request, body: Mapping[str, Any], created: int) -> Json:
    echoed = {name: body.get(name) for name in _ECHOED}
    defaults = {name: default if body.get(name) is None else body[name] for name, default in _DEFAULTS.items()}
    return {
        "id": response_id(request),
        "object": "response",
        "created_at": created,
        "status": "in_progress",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "model": MODEL,
        "output": [],
        "service_tier": "default",
        "usage": None,
        **echoed,
        **defaults,
    }


_ECHOED = ("instructions", "max_output_tokens", "max_tool_calls", "previous_response_id", "prompt_cache_key", "user")
_DEFAULTS: Json = {
    "metadata": {},
    "parallel_tool_calls": True,
    "reasoning": {"effort": None, "summary": "auto"},
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
}


def _finished(response: Json, request: Request, turn: Turn) -> Json:
    cut = turn.finish == "length"
    return {
        **response,
        "status": "incomplete" if cut else "completed",
        "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
        "usage": {
            "input_tokens": request.tokens,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": turn.tokens,
            "output_tokens_details": {"reasoning_tokens": turn.reasoning_tokens},
            "total_tokens": request.tokens + turn.tokens,
        },
    }
