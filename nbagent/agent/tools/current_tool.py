"""The function of a tool as it is now: a cell or a module that was executed again has defined it
anew.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from nbagent.agent.tools.decorator import tool_of
from nbagent.agent.tools.tool import AnyTool, Tool

_MISSING = object()


def current_tool(tool: AnyTool) -> tuple[AnyTool, str | None]:
    """Return a tool with its function as it is now, and a note for the reader, None if there is
    nothing to say.

    The function is looked up by its module and its qualified name; a method in the class as it is
    now, for the same object. A function made by another one counts as found where a variable of its
    module has the tool's name and a function of the same qualified name.

    Args:
        tool: of an agent. A server's tool, and what is no function, stays as it is.
    """
    if type(tool) is not Tool:
        return tool, None
    found, note = _found(tool.function, tool.name)
    if found is tool.function:
        return tool, note
    if (now := tool_of(found)) is not None:
        return now, note
    return tool.with_function(found), note


def renewed(tools: Mapping[str, AnyTool]) -> tuple[dict[str, AnyTool], list[str]]:
    """Return an agent's tools, those that a notebook's cell has defined anew as they are now, and a
    notice for each of these.

    Args:
        tools: by their names.
    """
    now = dict(tools)
    for name, tool in tools.items():
        if type(tool) is Tool and _is_of_notebook(tool.function):
            now[name], _ = current_tool(tool)
    return now, [
        f"{name} was defined anew: it is called as it is now"
        for name in now
        if now[name] is not tools[name]
    ]


def _is_of_notebook(function: Callable[..., Any]) -> bool:
    """Return True for a function at the top of a notebook or a script."""
    return (
        isinstance(function, FunctionType)
        and function.__module__ == "__main__"
        and function.__name__ == function.__qualname__
    )


def _found(function: Callable[..., Any], tool_name: str) -> tuple[Any, str | None]:
    """Return the function, or the tool, that has the name of a function now; the function itself if
    there is none.
    """
    if isinstance(function, functools.partial):
        return _found_partial(function, tool_name)
    owner = getattr(function, "__self__", None)
    if owner is not None and not isinstance(owner, type):
        return _found_method(function, owner)
    qualified = getattr(function, "__qualname__", None)
    if qualified is None or getattr(function, "__module__", None) is None:
        return function, None  # an object that is called, of a class of its own
    if "<locals>" in qualified:
        found = _lookup_path(function, [tool_name])
        return found if _qualified(found) == qualified else function, None
    if "<lambda>" in qualified:
        return function, None
    return _found_function(function, qualified, tool_name)


def _found_partial(
    function: "functools.partial[Any]", tool_name: str
) -> tuple[Callable[..., Any], str | None]:
    found, note = _found(function.func, tool_name)
    inner = _function_of(found)
    if inner is not function.func:
        function = functools.partial(inner, *function.args, **function.keywords)
    return function, note


def _found_method(function: Callable[..., Any], owner: Any) -> tuple[Any, str | None]:
    kind, name = type(owner), getattr(function, "__name__", "")
    method = getattr(_lookup(kind), name, _MISSING)
    if not hasattr(method, "__get__"):
        note = (
            f"{kind.__qualname__}.{name} is not defined any more: the method of before was called"
        )
        return function, note
    if method is getattr(kind, name, None):
        return function, None
    return method.__get__(owner), None


def _found_function(
    function: Callable[..., Any], qualified: str, tool_name: str
) -> tuple[Any, str | None]:
    found = _lookup_path(function, qualified.split("."))
    if not callable(found):
        note = (
            f"{qualified} is not defined any more in {function.__module__}: the function of before "
            "was called"
        )
        return function, note
    inner = _function_of(found)
    if inner is function or _is_same_code(inner, function):
        return function, None
    made = tool_of(found)
    is_other_tool = made is not None and made.name != tool_name
    return inner if is_other_tool else found, None


def _function_of(value: Any) -> Any:
    made = tool_of(value)
    return value if made is None else made.function


def _is_same_code(one: Any, other: Any) -> bool:
    """Return True for two functions of one definition, which ran twice: a loop may have made a tool
    by each of its turns.
    """
    code, other_code = getattr(one, "__code__", None), getattr(other, "__code__", None)
    if code is None or code != other_code:
        return False
    return bool(code.co_filename == other_code.co_filename)


def _qualified(value: Any) -> str | None:
    return getattr(_function_of(value), "__qualname__", None)


def _lookup(kind: type) -> Any:
    return _lookup_path(kind, kind.__qualname__.split("."))


def _lookup_path(value: Any, path: list[str]) -> Any:
    """Return the object at a path of names, from the module of a function or a class; `_MISSING` if
    it ends.
    """
    names = getattr(value, "__globals__", None)
    module = sys.modules.get(value.__module__)
    if value.__module__ != "__main__" or names is None:
        # The code of a notebook need not be the module's.
        names = names if module is None else vars(module)
    found: Any = (names or {}).get(path[0], _MISSING)
    for name in path[1:]:
        found = getattr(found, name, _MISSING)
    return found
