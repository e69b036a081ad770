"""Tools that are known only once a run has begun, such as those of a server."""

import copy
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

from nbagent.agent.tools.decorator import tool_of
from nbagent.agent.tools.tool import AnyTool, Tool

_NOT_IN_NAMES = re.compile(r"[^a-zA-Z0-9_-]+")
_MAX_NAME_CHARS = 64


@runtime_checkable
class Toolset(Protocol):
    """A source of tools. It belongs to an agent, and lives as long as that.

    One that its owner may close counts that in `closes`: a run that it was closed in does not start
    it again.
    """

    @property
    def label(self) -> str:
        """Name in messages, and before the names of its tools where these collide with others."""

    @property
    def is_open(self) -> bool:
        """True if its tools are known without waiting for it to start."""

    async def tools(self) -> Sequence[AnyTool | Callable[..., Any]]:
        """Return its tools as they are now, of which functions are made tools.

        Raises:
            ToolError: it cannot be reached.
        """


async def tools_of(toolset: Toolset) -> list[AnyTool]:
    """Return the tools of a toolset as they are now.

    Raises:
        ToolError: it cannot be reached.
    """
    return [tool_of(item) or Tool(item) for item in await toolset.tools()]


def merged(
    own: Mapping[str, AnyTool],
    sets: Sequence[tuple[str, Sequence[AnyTool]]],
    taken: Collection[str] = (),
) -> dict[str, AnyTool]:
    """Return all tools by the names that the model sees.

    Args:
        own: tools by their names, which stay as they are.
        sets: labels and tools of toolsets. A name that comes twice gets the label before it:
            `github_search`, or a number.
        taken: more names that count as `own` ones do.
    """
    names = [*own, *taken, *(model_name(tool.name) for _, tools in sets for tool in tools)]
    box = dict(own)
    for label, tools in sets:
        for tool in tools:
            name = model_name(tool.name)
            if names.count(name) > 1:
                name = model_name(f"{label}_{tool.name}")
            for number in range(2, len(names) + 2):
                if name not in box and name not in taken:
                    break
                name = f"{model_name(f'{label}_{tool.name}')[: _MAX_NAME_CHARS - 4]}_{number}"
            box[name] = tool if tool.name == name else _renamed(tool, name)
    return box


def split(tools: Any) -> tuple[Any, list[Toolset]]:
    """Return an agent's tools without the toolsets, and the toolsets."""
    if callable(tools) or not isinstance(tools, Iterable):
        return tools, []  # refused elsewhere
    given = list(tools)
    toolsets = [each for each in given if isinstance(each, Toolset)]
    return [each for each in given if not isinstance(each, Toolset)], toolsets


def _renamed(tool: AnyTool, name: str) -> AnyTool:
    renamed = copy.copy(tool)
    renamed.name = name
    return renamed


def model_name(name: str) -> str:
    """Return a name as models' APIs take it: 1 to 64 letters, digits, _ or -."""
    return _NOT_IN_NAMES.sub("_", name)[:_MAX_NAME_CHARS] or "_"
