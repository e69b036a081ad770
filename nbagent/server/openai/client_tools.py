"""`tools` and `tool_choice` of both of OpenAI's APIs.

Source: https://platform.openai.com/docs/guides/function-calling.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import msgspec

from nbagent.agent.tools.client_tool import ClientTool, check_client_tools
from nbagent.errors import ToolError
from nbagent.server.openai.parameters import Json, converted, inner
from nbagent.server.problem import Problem

NO_PARAMETERS: Json = {"type": "object", "properties": {}}


class Function(msgspec.Struct, kw_only=True):
    """A function of the client's."""

    name: str
    description: str | None = None
    parameters: Json | None = None
    strict: bool | None = None


class Choice(NamedTuple):
    """The tools that the model may call, and whether it must call one of them."""

    tools: tuple[ClientTool, ...]
    must_call: bool


def choice_of(
    tools: Sequence[Json] | None, tool_choice: str | Json | None, *, nested: bool
) -> Choice:
    """Return what a request's `tools` and `tool_choice` mean.

    Args:
        tools: of the request.
        tool_choice: of the request.
        nested: whether functions stand under the key `function`, as in Chat Completions.

    Raises:
        Problem: a tool is no function, or the choice names none of them (400).
    """
    made = tuple(_tool(each, f"tools[{at}]", nested) for at, each in enumerate(tools or ()))
    try:
        check_client_tools(made, ())
    except ToolError as error:
        raise Problem(400, str(error), param="tools") from error
    if isinstance(tool_choice, dict):
        return _chosen(made, tool_choice, nested)
    match tool_choice:
        case "auto" | None:
            return Choice(made, must_call=False)
        case "none":
            return Choice((), must_call=False)
        case "required":
            return Choice(_some(made, "required"), must_call=True)
    raise _no_choice(f"got {tool_choice!r:.100}")


def _chosen(made: tuple[ClientTool, ...], choice: Json, nested: bool) -> Choice:
    match choice.get("type"):
        case "function":
            return Choice(_named(made, [_name(choice, nested)]), must_call=True)
        case "allowed_tools":
            return _allowed(made, choice, nested)
    raise _no_choice(f"got {choice!r:.100}")


class AllowedTools(msgspec.Struct):
    """A choice of some of the tools."""

    tools: list[Json]
    mode: Literal["auto", "required"] = "auto"


def _allowed(made: tuple[ClientTool, ...], choice: Json, nested: bool) -> Choice:
    given = converted(*inner(choice, "allowed_tools", "tool_choice", nested=nested), AllowedTools)
    some = _named(made, [_name(each, nested) for each in given.tools])
    return Choice(some, must_call=given.mode == "required")


def _tool(tool: Json, place: str, nested: bool) -> ClientTool:
    kind = tool.get("type")
    if kind != "function":
        reason = f"only functions can be tools here, got the type {kind!r}; give the agent others"
        raise Problem(400, f"{place}: {reason}", param=f"{place}.type")
    function = converted(*inner(tool, "function", place, nested=nested), Function)
    return ClientTool(
        name=function.name,
        description=function.description or "",
        schema=function.parameters or NO_PARAMETERS,
        strict=function.strict or False,
    )


def _name(choice: Json, nested: bool) -> Any:
    function, _ = inner(choice, "function", "tool_choice", nested=nested)
    return function.get("name") if isinstance(function, dict) else None


def _named(made: tuple[ClientTool, ...], names: Sequence[Any]) -> tuple[ClientTool, ...]:
    known = {tool.name: tool for tool in made}
    for name in names:
        if name not in known:
            raise _no_choice(f"there is no tool {name!r} in tools")
    return _some(tuple(known[name] for name in dict.fromkeys(names)), "that")


def _some(made: tuple[ClientTool, ...], what: str) -> tuple[ClientTool, ...]:
    if not made:
        raise _no_choice(f"{what} needs tools")
    return made


def _no_choice(reason: str) -> Problem:
    kinds = '"auto", "none", "required", a function of tools, or allowed_tools'
    return Problem(400, f"tool_choice is {kinds}: {reason}", param="tool_choice")
