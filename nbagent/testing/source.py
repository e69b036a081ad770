"""`SourceWriter`: the source of functions of a notebook, with all that it uses, for a file of its
own.
"""

import ast
import builtins
import inspect
import symtable
import sys
import textwrap
import types
from types import NoneType
from typing import Any

import nbagent
from nbagent.agent.tools.decorator import tool_of
from nbagent.agent.tools.tool import AnyTool
from nbagent.errors import NbagentError
from nbagent.testing.literal import literal, quoted

_LITERALS = (int, float, str, bytes, bool, type(None), list, tuple, dict, set)


class SourceWriter:
    """Collects the imports and definitions that some tools need.

    Attributes:
        imports: lines.
        definitions: sources, each after those that it uses.
    """

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self.definitions: list[str] = []
        self._known: dict[str, Any] = {}

    def add(self, tool: AnyTool) -> str:
        """Add a tool, and return the expression that stands for it.

        Raises:
            NbagentError: it has no source: a lambda, a method, a function inside another one, a
                server's tool, an agent.
        """
        function: Any = getattr(tool, "function", None)
        problem = _problem_of(function)
        if problem:
            raise NbagentError(f"the tool {tool.name!r} is {problem}")
        name: str = function.__name__
        found = _global_of(function.__module__, name)
        user = f"the tool {tool.name!r}"
        if tool_of(found) is not None:
            self._use(name, found, user)
            return name
        self._use(name, function, user)
        if tool.name == name:
            return name
        return f"nbagent.tool(name={quoted(tool.name)})({name})"

    def _use(self, name: str, value: Any, user: str) -> None:
        """Make a name known to the file.

        Args:
            name: as the source has it.
            value: its value now.
            user: what uses it, for messages.

        Raises:
            NbagentError: the value can be neither imported nor written.
        """
        if name in self._known:
            if self._known[name] is not value:
                raise NbagentError(
                    f"{user} uses {name!r}, which is something else for another tool: rename one "
                    "of them"
                )
            return
        self._known[name] = value
        line = _import_line(name, value)
        made = tool_of(value)
        function = value
        if made is not None:
            function = made.function
        if line:
            self.imports[line] = None
        elif inspect.isfunction(function) or inspect.isclass(function):
            self._define(name, function, user)
        elif _is_literal(value):
            text = repr(value)
            if _is_json(value):
                text = literal(value, used=len(name) + 3)
            self.definitions.append(f"{name} = {text}")
        else:
            raise NbagentError(
                f"{user} uses {name!r} of the notebook, a {type(value).__name__}, which a test "
                "can neither import nor write: "
                "make it inside the function, or move both into a module"
            )

    def _define(self, name: str, function: Any, user: str) -> None:
        """Add the source of a function or a class, behind what it uses."""
        source = _source_of(function, user)
        space = _globals_of(function)
        for used in sorted(_names_in(source)):
            if used in space and used != name:
                self._use(used, space[used], name)
        self.definitions.append(source)


def _problem_of(function: Any) -> str:
    """Return why a function can be neither imported nor written, in words that follow "is"; "" if
    it can.
    """
    if not inspect.isfunction(function):
        return "not a plain function, so that a test cannot import it or write it"
    if function.__name__ == "<lambda>":
        return "a lambda, which has no name to import: write it with def"
    place, _, _ = function.__qualname__.rpartition(".")
    if not place:
        return ""
    if function.__module__.startswith("nbagent.agent."):
        return "an agent or another tool of nbagent's own, which a test cannot write"
    return (
        f"defined inside {place.replace('.<locals>', '()')}: define it in a module, or by itself "
        "in a cell, so that a test can import it or write it"
    )


def _source_of(function: Any, user: str) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).rstrip()
    except (OSError, TypeError) as error:
        raise NbagentError(
            f"{user} needs the source of {function.__name__!r}, which Python does not have: {error}"
        ) from error


def _globals_of(function: Any) -> dict[str, Any]:
    if inspect.isfunction(function):
        return function.__globals__
    return vars(sys.modules[function.__module__])


def _names_in(source: str) -> set[str]:
    """Return the names that a definition takes from outside of it, builtins among them only where
    they are redefined.
    """
    names: set[str] = set()

    def read(table: symtable.SymbolTable, *, is_top: bool) -> None:
        for symbol in table.get_symbols():
            is_outer = symbol.is_global() or (is_top and not symbol.is_assigned())
            if symbol.is_referenced() and is_outer:
                names.add(symbol.get_name())
        for child in table.get_children():
            read(child, is_top=False)

    read(symtable.symtable(source, "<tool>", "exec"), is_top=True)
    return names


def _import_line(name: str, value: Any) -> str:
    """Return the line that imports a value under a name; "" if it cannot be imported."""
    if isinstance(value, types.ModuleType):
        path = value.__name__
        if path == name:
            return f"import {path}"
        if path == "__main__":
            return ""
        return f"import {path} as {name}"
    if name in nbagent.__all__ and getattr(nbagent, name) is value:
        return f"from nbagent import {name}"
    module = getattr(value, "__module__", None)
    if getattr(builtins, name, None) is value:
        return " "  # it needs no import
    if not isinstance(module, str) or module in ("__main__", "builtins"):
        return ""
    if _global_of(module, name) is value:
        return f"from {module} import {name}"
    own_name = getattr(value, "__name__", name)
    if _global_of(module, own_name) is value:
        return f"from {module} import {own_name} as {name}"
    return ""


def _global_of(module: str, name: str) -> Any:
    return getattr(sys.modules.get(module), name, None)


def _is_json(value: Any) -> bool:
    """Return True if a literal has texts for all keys of its dicts, and no sets, tuples or
    bytes.
    """
    match value:
        case dict():
            return all(isinstance(key, str) and _is_json(each) for key, each in value.items())
        case list():
            return all(map(_is_json, value))
    return isinstance(value, (int, float, str, bool, NoneType))


def _is_literal(value: Any) -> bool:
    if not isinstance(value, _LITERALS):
        return False
    try:
        return bool(ast.literal_eval(repr(value)) == value)
    except (ValueError, SyntaxError):
        return False
