"""`tool`: makes a function a tool, which stays a function, and finds the tool again."""

import contextlib
import functools
import inspect
import warnings
from collections.abc import AsyncIterator, Callable, Generator, Iterable
from types import MethodType
from typing import Any, ParamSpec, Protocol, TypeAlias, TypeVar, overload

from nbagent.agent.tools.signature import callee
from nbagent.agent.tools.tool import AnyTool, Tool
from nbagent.agent.tools.type_reader import JsonSchema
from nbagent.errors import ToolError

P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class ToolFunction(Protocol[P, R_co]):
    """A function that is a tool.

    Attributes:
        name: the name that the model sees.
        description: what the function does, for the model.
        timeout: seconds that a call may take; None is no limit.
        approve: whether the reader is asked before a call, or a function that says so.
        result_chars: characters of a result that the model gets at most; None leaves it to the
            agent.
        once: True for a call that must not be made twice.
        schema: the JSON Schema of its arguments.
        is_async: whether a call is awaited.
    """

    __name__: str
    name: str
    description: str
    timeout: float | None
    approve: bool | Callable[[dict[str, Any]], bool]
    result_chars: int | None
    once: bool
    schema: JsonSchema
    is_async: bool

    @property
    def function(self) -> Callable[P, R_co]:
        """The function as it was written."""

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co:
        """Call the function.

        Inside a run that is shown, the call is shown there and obeys its breakpoints.
        """
        ...

    def __get__(self, instance: Any, owner: type | None = None) -> Callable[..., R_co]:
        """Return the method of an object, as that of any function."""
        ...


@overload
def tool(function: Callable[P, R], /) -> ToolFunction[P, R]: ...
@overload
def tool(
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    approve: bool | Callable[[dict[str, Any]], bool] = False,
    result_chars: int | None = None,
    once: bool = False,
) -> Callable[[Callable[P, R]], ToolFunction[P, R]]: ...
def tool(
    function: Any = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    timeout: float | None = None,
    approve: bool | Callable[[dict[str, Any]], bool] = False,
    result_chars: int | None = None,
    once: bool = False,
) -> Any:
    """Make a function a tool: `@tool`, or `@tool(approve=True)`, `@tool(timeout=seconds)`,
    `@tool(name=…, description=…)`.

    A plain function in `Agent(tools=[…])` becomes a tool too; the decorator is for the options.

    A tool returns its result, or yields it after preliminary ones. If that is a stream of nbagent's
    (`nbagent.connect(…)`, the `stream(…)` of an agent, a replay) or an `nbagent.Run`, it is shown
    inside the call, and its answer is the result.

    Args:
        function: sync or async; its signature becomes the schema of its arguments, its docstring
            their descriptions.
        name: the name that the model sees; by default the function's.
        description: what the function does; by default its docstring up to the first section.
        timeout: seconds that a call may take, and a stream that it returns; None is no limit.
        approve: True asks the reader before each call. A function asks before those for which it
            returns True; it is called with the arguments, as a dict of JSON.
        result_chars: characters of a result that the model gets at most; None leaves it to the
            agent.
        once: True for a call that must not be made twice, such as a payment: where a run is
            repeated, forked or run on a recording, the recorded result is taken.

    Raises:
        ToolError: the function cannot be a tool; the message names it and says why.
    """
    options: dict[str, Any] = {
        "timeout": timeout,
        "approve": approve,
        "result_chars": result_chars,
        "once": once,
    }

    def make(function: Callable[..., Any]) -> Any:
        return _function_of(Tool(function, name=name, description=description, **options))

    return make if function is None else make(function)


AnyToolFunction: TypeAlias = ToolFunction[..., Any]


def _function_of(tool: AnyTool) -> Any:
    """Return the function that stands for a tool: of the same kind as the tool's own, for code that
    asks whether it is async.
    """
    called = callee(tool.function)
    call: Any
    if inspect.isasyncgenfunction(called):

        async def call(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
            async with contextlib.aclosing(tool(*args, **kwargs)) as values:
                async for value in values:
                    yield value

    elif inspect.isgeneratorfunction(called):

        def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            return (yield from tool(*args, **kwargs))

    elif tool.is_async:

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await tool(*args, **kwargs)

    else:

        def call(*args: Any, **kwargs: Any) -> Any:
            return tool(*args, **kwargs)

    functools.update_wrapper(call, tool.function)
    call.__name__ = tool.name
    # One dict for both: an option that is set on the function is one of the tool.
    vars(tool).update({**vars(call), **vars(tool), "tool": tool, "call": call})
    call.__dict__ = vars(tool)
    return call


def tool_of(item: Any) -> AnyTool | None:
    """Return the tool of a function that `tool` made, or of a method of one; None of anything
    else, such as a function around it.
    """
    if isinstance(item, Tool):
        return item
    function = item.__func__ if isinstance(item, MethodType) else item
    made = getattr(function, "tool", None)
    if not isinstance(made, Tool) or getattr(made, "call", None) is not function:
        return None
    if function is item:
        return made
    return made.with_function(MethodType(made.function, item.__self__))


def toolbox(tools: Iterable[AnyTool | Callable[..., Any]]) -> dict[str, AnyTool]:
    """Return tools by name; plain functions become tools.

    Raises:
        ToolError: two have the same name, one cannot be a tool, or `tools` is no list.
    """
    if callable(tools) or not isinstance(tools, Iterable):
        raise ToolError(f"tools is a list of functions, such as tools=[f]; got {tools!r}")
    box: dict[str, AnyTool] = {}
    for item in tools:
        made = tool_of(item) or Tool(item)
        if missing := made.undescribed:
            # Seen once for each tool: Python shows a warning of one text once. The frame is that of
            # `Agent(…)`.
            warnings.warn(
                f"The tool {made.name} has {missing}: a model can only guess how to use it",
                stacklevel=5,
            )
        if made.name in box:
            raise ToolError(f"{made.name}: two tools have this name; rename one with @tool(name=…)")
        box[made.name] = made
    return box
