"""`current`: a tool with its function as it is now, after a cell or a reloaded module has defined it again."""

import inspect
import sys
from typing import Any

from nbagent.agent import docstring
from nbagent.agent.tools import AnyTool, Tool


def current(tool: AnyTool) -> AnyTool:
    """Return the tool of the same name that the function's module has now; the tool itself if nothing has changed.

    Args:
        tool: of an agent. One that is no function of a module (a closure, a method, a server's tool) stays as it is.
    """
    function = getattr(tool, "function", None)
    if type(tool) is not Tool or not inspect.isfunction(function):
        return tool
    found: Any = sys.modules.get(function.__module__)
    for name in function.__qualname__.split("."):
        found = getattr(found, name, None)
    if isinstance(found, Tool):
        return found if found.name == tool.name else tool
    if not inspect.isfunction(found) or found is function:
        return tool
    own = tool.description == docstring.parse(inspect.getdoc(function)).description
    return Tool(
        found,
        name=tool.name,
        description=None if own else tool.description,
        timeout=tool.timeout,
        approve=tool.approve,
        result_chars=tool.result_chars,
        once=tool.once,
    )
