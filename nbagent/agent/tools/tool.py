"""Tools: Python functions that a model may call."""

import asyncio
import contextlib
import functools
import inspect
import re
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from operator import attrgetter
from typing import (
    Any,
    ClassVar,
    Generic,
    ParamSpec,
    TypeAlias,
    TypeVar,
)

import msgspec

from nbagent.agent.option_values import misfits
from nbagent.agent.options import AgentOptions, Chars
from nbagent.agent.tools import docstring
from nbagent.agent.tools.signature import Signature, callee, name_of
from nbagent.agent.tools.type_reader import JsonSchema
from nbagent.errors import ToolError
from nbagent.events.json_text import decode_json
from nbagent.printable import printable_line
from nbagent.run import Run
from nbagent.runtime import work
from nbagent.runtime.loop import OwnedStream
from nbagent.runtime.timeouts import is_limit

TOOL_THREAD = "nbagent-tool"
"""Name of the threads in which sync tools run."""

RESULT_CHARS = AgentOptions.result_chars
"""Characters of a result that the model gets at most, unless the agent or the tool says
otherwise.
"""
PLAIN = (str, int, float, bool, type(None))
"""Types of values that are drawn at once."""

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")

P = ParamSpec("P")
R = TypeVar("R", covariant=True)


_OPTIONS = ("name", "description", "timeout", "approve", "result_chars", "once")


def _made(function: Callable[..., Any], options: dict[str, Any]) -> "AnyTool":
    return Tool(function, **options)


def _found(module: str, name: str) -> Any:
    """Return what an imported module has under a name; None if another process does not find it."""
    if module == "__main__":
        return None
    try:
        return attrgetter(name)(sys.modules[module])
    except (KeyError, AttributeError):
        return None


class Tool(Generic[P, R]):
    """A function that a model may call. Calling the tool itself calls the function.

    What users have is the function that `nbagent.tool` makes of it.

    Args:
        function: sync or async; parameters of any type that has a JSON Schema, described in the
            docstring. Of a generator, each value is shown as a preliminary result, and the last
            one, or the one that it returns, is the result.
        name, description, timeout, approve, result_chars, once: as for `tool`.

    Attributes:
        schema: the JSON Schema of its arguments.
        is_async: whether a call is awaited, or iterated over with `async for`.

    Raises:
        ToolError: the function cannot be a tool; the message names it and says why.
    """

    strict: ClassVar[bool] = False
    """Strict mode would forbid defaults and open objects; the arguments are checked here."""

    def __init__(
        self,
        function: Callable[P, R],
        *,
        name: str | None = None,
        description: str | None = None,
        timeout: float | None = None,
        approve: bool | Callable[[dict[str, Any]], bool] = False,
        result_chars: int | None = None,
        once: bool = False,
    ) -> None:
        if callable(getattr(function, "generate", None)):
            raise ToolError(
                f"a tool must be a function, got the agent {function!r}; agents are tools as they "
                "are, tools=[agent], "
                "or agent.as_tool(…) with options"
            )
        if isinstance(function, str):
            raise ToolError(
                f"a tool must be a function, got {function!r}; only YAML files have tools by "
                "their names: in Python, "
                "from nbagent.agent.builtin import search, and tools=[search(…)]"
            )
        if not callable(function):
            raise ToolError(
                f"a tool must be a function, got {function!r}; write tools=[f], not tools=[f(…)]"
            )
        self.name: str = name or name_of(function)
        check_name(self.name, "; give one with @tool(name=…)")
        called = callee(function)
        if not is_limit(timeout):
            raise ToolError(
                f"{self.name}: timeout must be a positive number of seconds, got {timeout!r}"
            )
        if result_chars is not None:
            check_result_chars(self.name, result_chars)
        check_approve(self.name, approve)
        doc = docstring.parse(inspect.getdoc(called))
        self.function = function
        self.approve = approve
        self.description: str = doc.description if description is None else description
        self.timeout = timeout
        self.result_chars = result_chars
        self.once = once
        self.is_async: bool = inspect.iscoroutinefunction(called) or inspect.isasyncgenfunction(
            called
        )
        self._signature = Signature(function, doc.params)
        self.schema: JsonSchema = self._signature.schema
        self.__doc__ = inspect.getdoc(function)

    def __reduce__(self) -> Any:
        """Return what makes an equal tool in another process: of a function in a module its name,
        else the function and the options.
        """
        call = vars(self).get("call")
        if call is not None and _found(call.__module__, call.__qualname__) is call:
            return attrgetter("tool"), (call,)
        return _made, (self.function, {name: getattr(self, name) for name in _OPTIONS})

    def __copy__(self) -> "Tool[P, R]":
        """Return a tool with the same function and options."""
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    @property
    def undescribed(self) -> str:
        """Facts about the tool that the model lacks, such as "no docstring"; "" if none."""
        parameters = self._signature.unannotated
        missing = [] if self.description else ["no docstring"]
        if parameters:
            missing.append(f"no type for {', '.join(parameters)}")
        return " and ".join(missing)

    def with_function(self, function: Callable[..., Any]) -> "AnyTool":
        """Return this tool with another function, which describes itself unless `description` was
        given.
        """
        described = docstring.parse(self.__doc__).description
        return Tool(
            function,
            name=self.name,
            description=None if self.description == described else self.description,
            timeout=self.timeout,
            approve=self.approve,
            result_chars=self.result_chars,
            once=self.once,
        )

    def needs_approval(self, arguments: dict[str, Any]) -> bool:
        """Return True if the reader is to be asked before a call.

        Raises:
            ToolError: the arguments do not fit, so that there is nothing to ask.
            Exception: the function given as `approve` raised it.
        """
        if self.approve is False:
            return False
        self.check(arguments)
        return self.approve is True or bool(self.approve(arguments))

    def bind(self, arguments: Mapping[str, Any]) -> tuple[list[Any], dict[str, Any]]:
        """Convert a model's arguments to positional and keyword arguments of the function, each of
        its annotated type.

        Raises:
            ToolError: they do not fit; the message says which and why.
        """
        return self._signature.bind(arguments)

    def check(self, arguments: Any) -> None:
        """Check a call's arguments, as JSON.

        Raises:
            ToolError: they do not fit; the message says which and why.
        """
        if not isinstance(arguments, dict):
            raise ToolError(f"the arguments must be a JSON object, got {type(arguments).__name__}")
        self._signature.bind(arguments)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the function itself.

        Inside a run that is shown, the call is shown there and obeys its breakpoints.
        """
        result: R = _caller(self, args, kwargs)
        return result

    def __repr__(self) -> str:
        return f"Tool({printable_line(self.name)})"

    async def run(
        self, arguments: Mapping[str, Any], show: Callable[[Any], None] = lambda value: None
    ) -> Any:
        """Call the function with a model's arguments: an async one here, a sync one in a thread
        that cancelling abandons.

        Args:
            arguments: the JSON object that the model wrote.
            show: called with each value of a generator, in a thread. A sync generator that is
                abandoned is closed when it gives its next value.

        Raises:
            ToolError: the arguments do not fit.
            TimeoutError: it took longer than `timeout`.
            Exception: the function raised it.
        """
        args, kwargs = self._signature.bind(arguments)
        call: Callable[[], Any] = functools.partial(self.function, *args, **kwargs)
        limit = asyncio.timeout(self.timeout)
        abandoned = threading.Event()

        def finish(begin: Callable[[], Any]) -> Any:
            value = begin()
            return _last_of(value, show, abandoned) if inspect.isgenerator(value) else value

        try:
            async with limit:
                if self.is_async:
                    value = call()
                else:
                    value = await in_thread(functools.partial(finish, call))
                if inspect.isawaitable(value) and not isinstance(value, (Run, OwnedStream)):
                    # Which is not begun here.
                    value = await value
                if inspect.isasyncgen(value):
                    return await _last_of_async(value, show)
                if inspect.isgenerator(value):
                    return await in_thread(functools.partial(finish, lambda: value))
                return value
        except TimeoutError as error:
            if limit.expired():
                raise TimeoutError(
                    f"{self.name} took longer than its {self.timeout:g} s"
                ) from error
            raise
        finally:
            abandoned.set()


AnyTool: TypeAlias = Tool[..., Any]
Caller: TypeAlias = Callable[[AnyTool, tuple[Any, ...], dict[str, Any]], Any]
"""Calls a tool's function for other code than an agent."""


def _call(tool: AnyTool, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    return tool.function(*args, **kwargs)


_caller: Caller = _call


def set_caller(caller: Caller) -> None:
    """Set what calling a tool does."""
    global _caller
    _caller = caller


def parse_arguments(text: str) -> dict[str, Any]:
    """Parse the JSON object that a model wrote as the arguments of a call; an empty text means no
    arguments.

    Raises:
        ToolError: it is not JSON, or not an object.
    """
    try:
        arguments = decode_json(text) if text.strip() else {}
    except msgspec.DecodeError as error:
        raise ToolError(f"the arguments are not valid JSON: {error}") from error
    if not isinstance(arguments, dict):
        raise ToolError(f"the arguments must be a JSON object, got {type(arguments).__name__}")
    return arguments


def check_name(name: str, hint: str = "") -> None:
    """Check the name of a tool.

    Args:
        name: the name.
        hint: what to do, for the message.

    Raises:
        ToolError: no model's API takes it.
    """
    if not _NAME.fullmatch(name):
        raise ToolError(f"{name}: a tool's name is 1 to 64 letters, digits, _ or -{hint}")


def check_approve(name: str, approve: object) -> None:
    """Check the option `approve` of a tool or a server.

    Raises:
        ToolError: it is neither a truth value nor a function.
    """
    if not isinstance(approve, bool) and not callable(approve):
        raise ToolError(
            f"{name}: approve must be True, False or a function of the arguments, got {approve!r}"
        )


def check_result_chars(name: str, limit: int) -> None:
    """Check the option `result_chars` of a tool or an agent.

    Raises:
        ToolError: it is too small for any result.
    """
    for misfit in misfits(limit, Chars, ("result_chars",)):
        raise ToolError(f"{name}: result_chars must be {misfit.takes}, got {limit!r}")


def _last_of(
    values: Generator[Any, Any, Any], show: Callable[[Any], None], abandoned: threading.Event
) -> Any:
    """Return the result of a generator, or its last value if it returns None.

    Each value is shown.
    """
    latest: Any = None
    with contextlib.closing(values):
        while not abandoned.is_set():
            try:
                latest = next(values)
            except StopIteration as end:
                return latest if end.value is None else end.value
            show(latest)
    return None


async def _last_of_async(values: AsyncGenerator[Any, Any], show: Callable[[Any], None]) -> Any:
    """Return the last value of an async generator. Each value is shown."""
    latest: Any = None
    async with contextlib.aclosing(values):
        async for latest in values:
            if isinstance(latest, PLAIN):
                show(latest)
            else:
                await in_thread(functools.partial(show, latest))  # to draw it may take long
    return latest


async def in_thread(call: Callable[[], Any]) -> Any:
    """Run `call` in a daemon thread, in a copy of the caller's context.

    Cancelling abandons the thread and drops its result.
    """
    return await work.off_loop(call, name=TOOL_THREAD)
