"""The OpenAPI document of a server, made from its routes.

Source: https://spec.openapis.org/oas/v3.1.1.html. FastAPI makes such a document of its own routes
only; here `operation` beside an endpoint says it, which the `Guard` reads as well.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any, TypeAlias

import msgspec
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from nbagent.server.access.access import COOKIE
from nbagent.server.operation import Operation, operation_of

PARAMETERS = {
    "agent": "Name of a served agent.",
    "chat": "Id of a chat, which its client has chosen.",
    "run": "Id of a run.",
    "session": "Id of a session.",
    "name": "Name of a file of the web page.",
    "thread": "Id of a thread, which is a session.",
    "model": "Name of a served agent.",
    "response": "Id of a response.",
}
"""Descriptions of the parameters of paths."""

JSON = "application/json"

_DONE = {101: "The connection is a WebSocket."}

_Described: TypeAlias = tuple[str, str, Operation | None, str]
"""A path, a method, its description, and the module of its endpoint."""

_IN_PATH = re.compile(r"{(\w+)(?::\w+)?}")


class Refusal(msgspec.Struct):
    """Body of each response that is no success."""

    error: "Reason"


class Reason(msgspec.Struct):
    """Reason of a refusal, and what to do.

    `type` is the kind of the error, `param` the parameter that is wrong, and `code` a word for the
    reason.
    """

    message: str
    type: str
    param: str | None
    code: str | None


def document(
    routes: Iterable[BaseRoute], *, agents: Sequence[str], root: str, has_token: bool
) -> dict[str, Any]:
    """Return the OpenAPI document of an application.

    Args:
        routes: of the application.
        agents: names of the served agents.
        root: path that the application is mounted at.
        has_token: whether requests need a token.
    """
    described = [each for route in routes for each in _described(route)]
    by_type, components = _schemas(described)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation, module in described:
        parameters = [_in_path(name, agents) for name in _IN_PATH.findall(path)]
        known: dict[str, Any] = {
            "parameters": parameters,
            "responses": {"default": {"description": "Not described."}},
        }
        if operation is not None:
            known = _operation(method, operation, parameters, by_type)
        id = re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_")
        made = {"operationId": id, "tags": [module.rpartition(".")[2]], **known}
        other = paths.setdefault(path, {}).setdefault(method.lower(), made)
        if other is not made:  # a WebSocket, which begins with a GET, at the path of a GET
            other["responses"] = {**known["responses"], **other["responses"]}
            other |= {name: known[name] for name in known if name.startswith("x-")}
    modules = sorted({module for _, _, _, module in described})
    whole: dict[str, Any] = {
        "openapi": "3.1.1",
        "info": {
            "title": "nbagent",
            "version": version("jupyter-nbagent"),
            "description": "The endpoints of A2A are described by the agents' cards.",
        },
        "servers": [{"url": root or "/"}],
        "tags": [
            {"name": module.rpartition(".")[2], "description": _first_line(module)}
            for module in modules
        ],
        "paths": paths,
        "components": {"schemas": components},
    }
    if has_token:
        whole["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "session": {
                "type": "apiKey",
                "in": "cookie",
                "name": COOKIE,
                "description": "Given by POST /login.",
            },
        }
        whole["security"] = [{"bearer": []}, {"session": []}]
    return whole


def _schemas(described: Iterable[_Described]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """Return the schemas of all bodies, by their types, and those that they refer to, by name."""
    types: set[Any] = set()
    for _, _, operation, _ in described:
        if operation is not None:
            bodies = (operation.body, operation.result, operation.refusal)
            messages = (operation.takes, operation.sends)
            types.update(bodies, messages)
    types.discard(None)
    ordered = [Refusal, *sorted(types, key=str)]
    schemas, components = msgspec.json.schema_components(
        ordered, ref_template="#/components/schemas/{name}"
    )
    return dict(zip(ordered, schemas, strict=True)), components


def _described(route: BaseRoute) -> list[_Described]:
    """Return the paths and methods of a route, each with its description and the module of its
    endpoint.
    """
    operation = operation_of(route)
    if isinstance(route, Mount):
        return [(f"{route.path}/{{path}}", "GET", operation, __name__)]
    if not isinstance(route, Route | WebSocketRoute):
        return []
    path = _IN_PATH.sub(r"{\1}", route.path)
    module = getattr(route.endpoint, "__module__", __name__)
    methods = {"GET"}
    if isinstance(route, Route):
        methods = (route.methods or {"POST"}) - {"HEAD"}
    return [(path, method, operation, module) for method in sorted(methods)]


def _operation(
    method: str, operation: Operation, parameters: list[dict[str, Any]], by_type: Mapping[Any, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "summary": operation.summary,
        "parameters": [*parameters, *_others(operation)],
        "responses": _responses(operation, by_type),
    }
    if operation.body is not None and method != "GET":
        made["requestBody"] = {
            "required": not _takes_no_body(operation.body),
            "content": {JSON: {"schema": by_type[operation.body]}},
        }
    if operation.sends is not None:
        # OpenAPI has no WebSockets; names that begin with `x-` are free.
        messages = {"takes": operation.takes, "sends": operation.sends}
        made["x-websocket"] = {
            name: by_type[type] for name, type in messages.items() if type is not None
        }
    if operation.is_public:
        made["security"] = []
    return made


def _in_path(name: str, agents: Sequence[str]) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name == "agent" and agents:
        schema = {"type": "string", "enum": list(agents)}
    return {
        "name": name,
        "in": "path",
        "required": True,
        "description": PARAMETERS.get(name, ""),
        "schema": schema,
    }


def _others(operation: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
        for name, description in operation.query.items()
    ]
    if operation.stream is not None:
        described = "Goes on with the run behind this event; no other one begins."
        made.append(
            {
                "name": "Last-Event-ID",
                "in": "header",
                "description": described,
                "schema": {"type": "string"},
            }
        )
    return made


def _takes_no_body(type: Any) -> bool:
    """Return True if a request may leave out its body, which then counts as `{}`."""
    try:
        msgspec.convert({}, type)
    except msgspec.ValidationError:
        return False
    return True


def _responses(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    refusal = by_type[Refusal]
    if operation.refusal is not None:
        refusal = {"anyOf": [refusal, by_type[operation.refusal]]}
    refused = {"description": "Refused, or failed.", "content": {JSON: {"schema": refusal}}}
    content: dict[int, dict[str, Any]] = {operation.status: {}}
    if operation.result is not None:
        content[operation.status][JSON] = {"schema": by_type[operation.result]}
    if operation.media_type is not None:
        content[operation.status][operation.media_type] = {}
    if operation.stream is not None:
        content.setdefault(200, {})[operation.stream] = {}
    made: dict[str, Any] = {}
    for status, media_types in content.items():
        made[str(status)] = {"description": _DONE.get(status, "Done.")}
        if media_types:
            made[str(status)]["content"] = media_types
    if operation.stream is not None:
        made["204"] = {"description": "The client has all events of the run."}
    return made | {"default": refused}


def _first_line(module: str) -> str:
    return (sys.modules[module].__doc__ or "").partition("\n")[0]
