"""`CallArguments`: the arguments that a function got, and how they are shown and changed."""

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from nbagent import events as e
from nbagent.agent.tools.tool import RESULT_CHARS, AnyTool
from nbagent.errors import ToolError
from nbagent.mime import json_of


class CallArguments:
    """The arguments of one call in Python.

    Args:
        tool: that is called.
        args: positional arguments.
        kwargs: arguments by name.

    Attributes:
        shown: the arguments by name, as JSON, but for those that a framework filled in. Empty if
            they do not fit the function, which will raise that.
    """

    def __init__(self, tool: AnyTool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._tool = tool
        self._signature = inspect.signature(tool.function)
        self._args, self._kwargs = args, kwargs
        self.shown = self._json(args, kwargs)

    @property
    def filled_in(self) -> dict[str, Any]:
        """Objects that a framework filled in, by the names of their parameters."""
        try:
            bound = self._signature.bind(*self._args, **self._kwargs).arguments
        except TypeError:
            return {}
        parameters = self._signature.parameters
        return {name: bound[name] for name in bound if self._is_filled_in(parameters[name])}

    def bound_to(self, function: Callable[..., Any]) -> Callable[[], Any]:
        """Return the call of a function with these arguments."""
        return partial(function, *self._args, **self._kwargs)

    def event(self, id: str) -> e.ToolArgs:
        """Return the event of the arguments of a call."""
        return e.ToolArgs(
            id=id, args=self.shown, args_text=msgspec.json.encode(self.shown).decode()
        )

    def fits(self, announced: Any) -> int:
        """Return a rank of how well arguments as a model wrote them fit these.

        Returns:
            2 if they are equal; 1 if they are once defaults are left out and texts are converted as
            the tool's types say; else 0.
        """
        announced = {} if announced is None else announced
        if not isinstance(announced, dict):
            return 0
        if announced == self.shown:
            return 2
        if self._holds(announced):
            return 1
        try:
            positional, named = self._tool.bind(announced)
        except ToolError:
            return 0
        return int(self._holds(self._json(tuple(positional), named)))

    def change(self, changed: dict[str, Any]) -> None:
        """Take changed arguments, as JSON. What was not changed stays the object that it is.

        Raises:
            ToolError: they do not fit.
        """
        before = self._signature.bind(*self._args, **self._kwargs).arguments
        positional, named = self._tool.bind(changed)
        bound = self._signature.bind_partial(*positional, **named)
        for name, value in before.items():
            if name not in self.shown or (name in changed and changed[name] == self.shown[name]):
                bound.arguments[name] = value
        self._args, self._kwargs = bound.args, bound.kwargs
        self.shown = changed

    def _holds(self, announced: dict[str, Any]) -> bool:
        missing = object()
        return all(self.shown.get(name, missing) == value for name, value in announced.items())

    def _json(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            bound = self._signature.bind(*args, **kwargs)
        except TypeError:
            return {}
        made: dict[str, Any] = {}
        for name, value in bound.arguments.items():
            parameter = self._signature.parameters[name]
            if parameter.kind is inspect.Parameter.VAR_KEYWORD:
                made |= {key: json_of(each, RESULT_CHARS) for key, each in value.items()}
            elif not self._is_filled_in(parameter):
                made[name] = json_of(value, RESULT_CHARS)
        return made

    def _is_filled_in(self, parameter: inspect.Parameter) -> bool:
        if parameter.kind in (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL):
            return False
        return parameter.name not in self._tool.schema["properties"]
