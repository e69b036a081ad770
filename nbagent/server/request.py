"""Bodies of requests: JSON of a known form. The `Guard` limits their size."""

from typing import Any, TypeVar

import msgspec
from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, HTTPConnection, Request

from nbagent.events.json_text import decode_json
from nbagent.server.hosting.prompt import check_prompt_size
from nbagent.server.limits import Limits
from nbagent.server.problem import Problem

T = TypeVar("T")


async def body(request: Request, type: type[T]) -> T:
    """Return the body of a request as an object.

    Raises:
        Problem: it is no JSON by its content type (415), or not of that form (422).
    """
    raw = await json_bytes(request)
    try:
        return decode_json(raw or b"{}", type=type)
    except msgspec.ValidationError as error:
        raise Problem(422, f"the body does not fit: {error}") from error
    except msgspec.DecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}") from error


def check_media_type(headers: Headers) -> None:
    """Check that a request's body is JSON by its content type.

    A page of another site cannot send such a body unasked.

    Raises:
        Problem: it is not (415).
    """
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(
            415, f"the content type must be application/json, got {media_type or 'none'!r}"
        )


async def json_bytes(request: Request) -> bytes:
    """Return the body of a request, which is JSON by its content type.

    Raises:
        Problem: it is no JSON by its content type (415).
    """
    try:
        raw = await request.body()
    except ClientDisconnect:
        raise Problem(400, "the connection ended before the body did") from None
    if raw:
        check_media_type(request.headers)
    return raw


def root_path(connection: HTTPConnection) -> str:
    """Return the path that the application is mounted at; "" at the root."""
    return str(connection.scope.get("root_path", ""))


def prompt_of(text: Any, limits: Limits) -> str:
    """Return a prompt.

    Raises:
        Problem: it is empty, too long, or no text (422).
    """
    if not isinstance(text, str) or not text.strip():
        raise Problem(422, "the message must be a text that is not empty")
    check_prompt_size(text, limits)
    return text
