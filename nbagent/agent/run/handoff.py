"""Hand-offs: a tool by which a model lets another agent go on with the conversation."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nbagent.agent.tools.tool import AnyTool, Tool
from nbagent.agent.tools.toolset import model_name
from nbagent.errors import ToolError

if TYPE_CHECKING:
    from nbagent.agent.run.params import RunParams

PREFIX = "transfer_to_"


@dataclass(frozen=True, kw_only=True, slots=True)
class Handoff:
    """An agent that may take over.

    Attributes:
        name: of the agent.
        tool: the tool that the model calls.
        params: makes the parameters of the run as it goes on.
    """

    name: str
    tool: AnyTool
    params: "Callable[[], RunParams]"


def handoff(name: str, description: str, params: "Callable[[], RunParams]") -> Handoff:
    """Return the hand-off to an agent.

    Args:
        name: of the agent.
        description: of the agent, for the model that decides.
        params: see `Handoff`.
    """

    def transfer() -> str:
        return transferred(name)

    request = f"Let {name} go on with the conversation, and say no more yourself."
    tool = Tool(
        transfer, name=model_name(PREFIX + name), description=f"{request} {description}".strip()
    )
    return Handoff(name=name, tool=tool, params=params)


def handoffs_by_tool(handoffs: Iterable[Handoff], tools: Iterable[str]) -> dict[str, Handoff]:
    """Return hand-offs by the names of their tools.

    Args:
        handoffs: of one agent.
        tools: names of its other tools.

    Raises:
        ToolError: two tools have one name.
    """
    found: dict[str, Handoff] = {}
    taken = set(tools)
    for each in handoffs:
        if each.tool.name in taken or each.tool.name in found:
            raise ToolError(
                f"{each.tool.name}: two tools have this name; give one of the agents another, "
                "Agent(name=…)"
            )
        found[each.tool.name] = each
    return found


def transferred(name: str) -> str:
    """Return the result of a hand-off that took place, for the model."""
    return f"{name} goes on with the conversation."


def not_transferred(name: str) -> str:
    """Return the result of a hand-off that did not take place, since another one of the same
    response did.
    """
    return f"Not done: {name} goes on with the conversation already."
