"""The OpenAI Responses API: requests read, turns written.

Spec: https://platform.openai.com/docs/api-reference/responses and …/responses-streaming
"""

from collections.abc import Iterator, Mapping
from typing import Any

from nbagent.adapters.openai_responses.encoder import ResponsesEncoder
from nbagent.demo import conversation as c
from nbagent.events import Event

_PARAMETERS = """
instructions max_output_tokens metadata parallel_tool_calls previous_response_id reasoning store
temperature text tool_choice tools top_p truncation user
"""


def read(body: c.Json, earlier: Mapping[str, tuple[c.Item, ...]]) -> c.Request:
    """Return the request in a body; `earlier` has the history up to each response that is kept, by
    its id.

    Raises:
        ApiError: the API would refuse it too.
    """
    given = c.parameter(body, "input", str | list[c.Json])
    items = [{"role": "user", "content": given}] if isinstance(given, str) else given
    read = [c.Item("system", c.text_of(body.get("instructions")))]
    for raw in items:
        read += _items(raw)
    history = tuple(read)
    if previous := c.parameter(body, "previous_response_id", str | None):
        if previous not in earlier:
            message = f"Previous response with id '{previous}' not found."
            raise c.ApiError(
                message, param="previous_response_id", code="previous_response_not_found"
            )
        history = (*earlier[previous], *history)
    for id_ in c.unmatched(history, "output", "call"):
        raise c.ApiError(
            f"No tool call found for function call output with call_id {id_}.", param="input"
        )
    for id_ in c.unmatched(history, "call", "output"):
        raise c.ApiError(f"No tool output found for function call {id_}.", param="input")
    answer_format = (c.parameter(body, "text", c.Json | None) or {}).get("format")
    effort = (c.parameter(body, "reasoning", c.Json | None) or {}).get("effort")
    return c.request_of(
        body, history, answer_format, effort, c.parameter(body, "max_output_tokens", int | None)
    )


def _items(raw: c.Json) -> Iterator[c.Item]:
    match raw.get("type", "message"):
        case "message":
            yield c.Item(
                str(raw.get("role")).replace("developer", "system"), c.text_of(raw.get("content"))
            )
        case "function_call":
            yield c.Item(
                "call", str(raw.get("arguments")), str(raw.get("call_id")), str(raw.get("name"))
            )
        case "function_call_output":
            yield c.Item("output", c.text_of(raw.get("output")), str(raw.get("call_id")))


class Writer(ResponsesEncoder):
    """Writes a turn's events as the events of a response, which repeats the parameters of its
    request.
    """

    def __init__(self, body: c.Json) -> None:
        super().__init__()
        self._echo = {
            name: body[name] for name in _PARAMETERS.split() if body.get(name) is not None
        }

    def feed(self, event: Event) -> list[Any]:
        """Return the items of one event."""
        items: list[Any] = super().feed(event)
        for item in items:
            item.get("response", {}).update(self._echo)
        return items

    def whole(self, completion: c.Completion, request: c.Request, created: int) -> c.Json:
        """Return the response as one object: the one in the last event."""
        items: list[c.Json] = []
        for event in completion.events(request, created):
            items += self.feed(event)
        response: c.Json = items[-1]["response"]
        return response
