"""`operation`: describes a route beside its endpoint, for the OpenAPI document and for the
`Guard`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.routing import BaseRoute

EVENT_STREAM = "text/event-stream"

WEB_SOCKET = 101
"""Status of a response that opens a WebSocket."""

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """Description of a route.

    Attributes:
        summary: purpose of the route, in a line.
        body: type of the request's JSON; None if it has none.
        query: parameters of the query, each with its description.
        result: type of the response's JSON; None if it has none.
        status: of the response with the result, or without content.
        stream: media type of a streamed run, beside or in place of the result, with the status 200;
            None if it has none.
        media_type: media type of a response that is neither of these, such as a page; None if it
            has none.
        refusal: type of the JSON of a refusal, beside that of all routes; None if there is no
            other.
        takes: type of the messages that a WebSocket takes; None if it takes none.
        sends: type of the messages that a WebSocket sends.
        reads: True if the request starts, stops and answers nothing, so that a bearer of the read
            token may send it.
        is_public: True if the request needs no token.
    """

    summary: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    result: Any = None
    status: int = 200
    stream: str | None = None
    media_type: str | None = None
    refusal: Any = None
    takes: Any = None
    sends: Any = None
    reads: bool = False
    is_public: bool = False

    @property
    def is_brief(self) -> bool:
        """True if the response is neither a stream nor a WebSocket."""
        return self.stream is None and self.status != WEB_SOCKET


def operation(summary: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator that describes an endpoint; see `Operation`."""

    def described(endpoint: Endpoint) -> Endpoint:
        vars(endpoint)["operation"] = Operation(summary=summary, **options)
        return endpoint

    return described


def operation_of(route: BaseRoute) -> Operation | None:
    """Return the description of a route; None if it has none."""
    found = getattr(getattr(route, "endpoint", None), "operation", None)
    return found if isinstance(found, Operation) else None
