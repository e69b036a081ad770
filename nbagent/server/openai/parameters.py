"""Parameters of a request to OpenAI's API. Each one is taken, or refused with the reason."""

from collections.abc import Callable, Coroutine, Mapping
from functools import wraps
from typing import Annotated, Any, TypeAlias, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from nbagent.agent.model.model_options import UnknownToModel
from nbagent.errors import NbagentError, did_you_mean
from nbagent.events.json_text import decode_json
from nbagent.server.problem import Problem
from nbagent.server.request import json_bytes

Json = dict[str, Any]
Handler: TypeAlias = Callable[[Request], Coroutine[Any, Any, Response]]
Penalty: TypeAlias = Annotated[float, msgspec.Meta(ge=-2, le=2)]
Count: TypeAlias = Annotated[int, msgspec.Meta(ge=1)]
Bias: TypeAlias = dict[str, Annotated[float, msgspec.Meta(ge=-100, le=100)]]

T = TypeVar("T", bound="Parameters")


class Parameters(msgspec.Struct, kw_only=True):
    """Parameters that both APIs have. One that is null counts as left out; see `parameters`.

    Those that change nothing of the answer are taken, and mean nothing here: `metadata`, `store`,
    `user` and the like.
    """

    model: str | None = None
    stream: bool | None = False
    tools: list[Json] | None = None
    tool_choice: str | Json | None = "auto"
    parallel_tool_calls: bool | None = None
    temperature: Annotated[float, msgspec.Meta(ge=0, le=2)] | None = None
    top_p: Annotated[float, msgspec.Meta(ge=0, le=1)] | None = None
    metadata: dict[str, str] | None = None
    store: bool | None = True
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    prompt_cache_options: Json | None = None
    prompt_cache_retention: str | None = None
    service_tier: str | None = None


async def parameters(request: Request, type: type[T], fixed: Mapping[str, tuple[Any, str]]) -> T:
    """Return the parameters in the body of a request.

    Args:
        request: of the client. A parameter that is null counts as left out.
        type: of the parameters.
        fixed: parameters that must have one value, and why.

    Raises:
        Problem: the body is not JSON (400, 415), or a parameter is not known or does not fit (400).
    """
    raw = await json_bytes(request)
    try:
        body = decode_json(raw or b"{}")
    except msgspec.DecodeError as error:
        raise Problem(400, f"the body is not JSON: {error}") from error
    if not isinstance(body, dict):
        raise Problem(400, "the body must be a JSON object")
    given = {name: value for name, value in body.items() if value is not None}
    for name, (value, reason) in fixed.items():
        if given.pop(name, value) != value:
            raise Problem(400, f"{name}: {reason}", param=name, code="unsupported_parameter")
    for name in given:
        if name not in type.__struct_fields__:
            hint = did_you_mean(name, type.__struct_fields__)
            raise Problem(
                400, f"unknown parameter {name!r}{hint}", param=name, code="unknown_parameter"
            )
    return converted(given, "", type)


C = TypeVar("C")


def converted(value: Any, place: str, type: type[C]) -> C:
    """Return JSON as an object of a type.

    Args:
        value: the JSON.
        place: of the value in the body, such as `tools[0]`; "" for the body.
        type: of the object.

    Raises:
        Problem: it does not fit (400).
    """
    try:
        return msgspec.convert(value, type)
    except msgspec.ValidationError as error:
        reason, _, ending = str(error).partition(" - at `$")
        param = f"{place}.{ending.removesuffix('`').removeprefix('.')}".strip(".")
        raise Problem(400, f"{param}: {reason}".removeprefix(": "), param=param or None) from error


def inner(value: Json, key: str, place: str, *, nested: bool) -> tuple[Any, str]:
    """Return what describes a part of a request, and its place.

    Args:
        value: the part.
        key: that the description stands under in Chat Completions.
        place: of the part.
        nested: whether it stands there; in the Responses API it is the part itself.
    """
    if nested:
        return value.get(key), f"{place}.{key}"
    return value, place


def answering(handler: Handler) -> Handler:
    """Decorate an endpoint, so that its refusals have the form that OpenAI's clients expect."""

    @wraps(handler)
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except Problem as problem:
            if problem.status == 422:
                problem.status = 400
            raise
        except UnknownToModel as error:
            code = "unsupported_parameter"
            raise Problem(400, str(error), param=error.name, code=code) from error
        except NbagentError as error:
            raise Problem(400, str(error)) from error

    return answer
