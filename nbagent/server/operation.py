"""`operation`: describes a route beside its endpoint, for the OpenAPI document and for the `Guard`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from starlette.routing import BaseRoute, Route

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """Description of a route.

    Attributes:
        summary: purpose of the route, in a line.
        body: type of the request's JSON; None if it has none.
        query: parameters of the query, each with its description.
        responses: media types of a response, by status; each has a type of its JSON, or None for a text.
        reads: True if the request starts, stops and answers nothing, so that a bearer of the read token may send it.
        resumes: True if it takes a `Last-Event-ID`.
    """

    summary: str
    body: Any = None
    query: Mapping[str, str] = field(default_factory=dict)
    responses: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    reads: bool = False
    resumes: bool = False


def operation(summary: str, **options: Any) -> Callable[[Endpoint], Endpoint]:
    """Return a decorator that describes an endpoint; see `Operation`."""

    def described(endpoint: Endpoint) -> Endpoint:
        vars(endpoint)["operation"] = Operation(summary=summary, **options)
        return endpoint

    return described


def operation_of(route: BaseRoute) -> Operation | None:
    """Return the description of a route; None if it has none."""
    found = getattr(route.endpoint, "operation", None) if isinstance(route, Route) else None
    return found if isinstance(found, Operation) else None
