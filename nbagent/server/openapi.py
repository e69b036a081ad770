"""The OpenAPI document of a server, made from its routes.

Source: https://spec.openapis.org/oas/v3.1.1.html.
"""

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute

from nbagent.server.access import COOKIE
from nbagent.server.operation import Operation, operation_of

PARAMETERS = {
    "agent": "Name of a served agent.",
    "run": "Id of a run.",
    "session": "Id of a session.",
    "thread": "Id of a thread, which is a session.",
}
"""Descriptions of the parameters of paths."""

JSON = "application/json"

_IN_PATH = re.compile(r"{(\w+)(?::\w+)?}")


class Refusal(msgspec.Struct):
    """Body of each response that is no success."""

    error: "Reason"


class Reason(msgspec.Struct):
    """Reason of a refusal, and what to do."""

    message: str


def document(routes: Iterable[BaseRoute], *, agents: Sequence[str], root: str, has_token: bool) -> dict[str, Any]:
    """Return the OpenAPI document of an application.

    Args:
        routes: of the application.
        agents: names of the served agents.
        root: path that the application is mounted at.
        has_token: whether requests need a token.
    """
    described = [each for route in routes for each in _described(route)]
    types = {type for _, _, operation, _ in described for type in (operation.body, operation.result) if type is not None}
    ordered = [Refusal, *sorted(types, key=str)]
    schemas, components = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    by_type = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation, module in described:
        made = _operation(path, method, operation, agents, by_type)
        made["tags"] = [module.rpartition(".")[2]]
        if has_token and operation.is_public:
            made["security"] = []
        paths.setdefault(path, {})[method.lower()] = made
    modules = sorted({module for _, _, _, module in described})
    made = {
        "openapi": "3.1.1",
        "info": {"title": "nbagent", "version": version("jupyter-nbagent")},
        "servers": [{"url": root or "/"}],
        "tags": [{"name": module.rpartition(".")[2], "description": _first_line(module)} for module in modules],
        "paths": paths,
        "components": {"schemas": components},
    }
    if has_token:
        made["components"]["securitySchemes"] = {
            "bearer": {"type": "http", "scheme": "bearer"},
            "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Given by POST /login."},
        }
        made["security"] = [{"bearer": []}, {"session": []}]
    return made


def _described(route: BaseRoute) -> list[tuple[str, str, Operation, str]]:
    """Return the paths and methods of a route, each with its description and the module of its endpoint."""
    if isinstance(route, Mount):
        return [(f"{route.path}/{{path}}", "GET", Operation(summary="A file", is_public=True), __name__)]
    if not isinstance(route, Route | WebSocketRoute):
        return []
    endpoint = route.endpoint
    operation = operation_of(route) or Operation(summary=(endpoint.__doc__ or route.name).partition("\n")[0])
    path = _IN_PATH.sub(r"{\1}", route.path)
    module = getattr(endpoint, "__module__", __name__)
    if isinstance(route, WebSocketRoute):
        return [(path, "GET", operation, module)]
    return [(path, method, operation, module) for method in sorted((route.methods or {"POST"}) - {"HEAD"})]


def _operation(
    path: str, method: str, operation: Operation, agents: Sequence[str], by_type: Mapping[Any, Any]
) -> dict[str, Any]:
    made: dict[str, Any] = {
        "operationId": re.sub(r"\W+", "_", f"{method.lower()}{path}").strip("_"),
        "summary": operation.summary,
        "parameters": [*(_in_path(name, agents) for name in _IN_PATH.findall(path)), *_others(operation)],
        "responses": _responses(operation, by_type),
    }
    if operation.body is not None and method != "GET":
        is_required = any(field.required for field in msgspec.structs.fields(operation.body))
        made["requestBody"] = {"required": is_required, "content": {JSON: {"schema": by_type[operation.body]}}}
    return made


def _in_path(name: str, agents: Sequence[str]) -> dict[str, Any]:
    schema = {"type": "string", "enum": list(agents)} if name == "agent" and agents else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "description": PARAMETERS.get(name, ""), "schema": schema}


def _others(operation: Operation) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = [
        {"name": name, "in": "query", "description": description, "schema": {"type": "string"}}
        for name, description in operation.query.items()
    ]
    if operation.stream is not None:
        described = "Goes on with the run behind this event; no other one begins."
        made.append({"name": "Last-Event-ID", "in": "header", "description": described, "schema": {"type": "string"}})
    return made


def _responses(operation: Operation, by_type: Mapping[Any, Any]) -> dict[str, Any]:
    refused = {"description": "Refused, or failed.", "content": {JSON: {"schema": by_type[Refusal]}}}
    content: dict[str, Any] = {}
    if operation.result is not None:
        content[JSON] = {"schema": by_type[operation.result]}
    if operation.stream is not None:
        content[operation.stream] = {}
    made: dict[str, Any] = {str(operation.status): {"description": "Done."} | ({"content": content} if content else {})}
    if operation.stream is not None:
        made["204"] = {"description": "The client has all events of the run."}
    return made | {"default": refused}


def _first_line(module: str) -> str:
    return (sys.modules[module].__doc__ or "").partition("\n")[0]
