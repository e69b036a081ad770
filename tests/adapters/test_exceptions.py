"""Errors that end a stream: their message, their address and cause, and the tool that raised
them.
"""

from types import SimpleNamespace
from typing import Any

import pytest
from adapters.recorded import decode

from nbagent import events as ev
from nbagent.adapters.base.exceptions import message_of
from nbagent.adapters.decoders import decoder_named
from nbagent.errors import StreamError


class APIConnectionError(Exception):
    """Stand-in for an SDK's error of a connection."""

    def __init__(
        self,
        url: str = "http://user:secret@127.0.0.1:9/v1/chat?key=secret",
        body: Any = None,
        status: int | None = None,
    ) -> None:
        super().__init__("Connection error.")
        self.message = "Connection error."
        self.request = SimpleNamespace(url=url)
        self.body = body
        self.status_code = status


def raised(error: Exception, *causes: Exception) -> Exception:
    """Return an error that was raised from others, the nearest first."""
    outer = error
    for cause in causes:
        outer.__cause__ = cause
        outer = cause
    return error


REFUSED = OSError("All connection attempts failed")


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError("boom"), "boom"),
        (
            raised(APIConnectionError(), REFUSED),
            "Connection error. (127.0.0.1:9: All connection attempts failed)",
        ),
        (
            raised(RuntimeError("Connection error."), APIConnectionError(), REFUSED),
            "Connection error. (127.0.0.1:9: All connection attempts failed)",
        ),
        (raised(RuntimeError("the node failed"), KeyError("x")), "the node failed ('x')"),
        (raised(RuntimeError("boom: no"), ValueError("no")), "boom: no"),
        (
            raised(
                StreamError("No connection to here: refused", "connect_error"),
                APIConnectionError(),
                REFUSED,
            ),
            "No connection to here: refused",
        ),
        (APIConnectionError(body={"message": "quota"}), "Connection error."),
        (APIConnectionError(body="File Not Found", status=404), "Connection error. (127.0.0.1:9)"),
    ],
)
def test_the_message_names_the_address_and_the_cause(error: Exception, message: str) -> None:
    assert message_of(error) == message
    assert "secret" not in message_of(error)


def test_an_error_that_was_raised_while_another_was_handled_names_that_one() -> None:
    with pytest.raises(RuntimeError) as raised:
        try:
            raise REFUSED
        except OSError:
            raise RuntimeError("the model was not asked")  # noqa: B904 - as much code raises

    assert message_of(raised.value) == "the model was not asked (All connection attempts failed)"


def call_of(name: str, index: int) -> list[Any]:
    part = {"part_kind": "tool-call", "tool_name": name, "tool_call_id": name, "args": "{}"}
    return [
        {"event_kind": "part_start", "index": index, "part": part},
        {"event_kind": "function_tool_call", "part": part},
    ]


def search() -> None:
    raise ValueError("boom")


def error_of_search() -> Exception:
    try:
        search()
    except ValueError as error:
        return error
    raise AssertionError


def states(events: list[ev.Event]) -> list[Any]:
    return [
        (event.status, event.error and event.error.message)
        for event in events
        if isinstance(event, ev.ToolResult)
    ]


def test_the_tool_that_raised_has_the_error() -> None:
    events = decode(decoder_named("pydantic.ai"), call_of("search", 0), error_of_search())
    assert states(events) == [("error", "boom")]
    both = decode(
        decoder_named("pydantic.ai"),
        [*call_of("other", 0), *call_of("search", 1)],
        error_of_search(),
    )
    (result,) = [event for event in both if isinstance(event, ev.ToolResult)]
    names = {event.id: event.name for event in both if isinstance(event, ev.ToolStart)}
    assert names[result.id] == "search"


def test_a_call_for_the_client_has_no_part_in_a_broken_connection() -> None:
    delta = {"tool_calls": [{"index": 0, "id": "c", "function": {"name": "f", "arguments": "{}"}}]}
    items = [
        {"choices": [{"index": 0, "delta": delta}]},
        {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]},
    ]
    assert states(decode(decoder_named("openai.chat"), items, ConnectionError("gone"))) == []
