"""The tool `agent_call`."""

from collections.abc import Mapping
from typing import Any, Literal, Protocol

from nbagent.agent.tools.decorator import AnyToolFunction, tool
from nbagent.errors import ToolError


class Answering(Protocol):
    """An agent that can be asked."""

    async def generate(self, prompt: str) -> str:
        """Return the answer to a prompt."""
        ...


def agent_call(
    agents: Mapping[str, Answering], descriptions: Mapping[str, str] | None = None
) -> AnyToolFunction:
    """Return a tool that asks another agent.

    That agent knows nothing of the conversation but the message.

    Args:
        agents: the agents that may be asked, by name. Looked up at each call, so that agents may
            ask one another.
        descriptions: their purposes, for the model.
    """
    known = descriptions or {}
    about = "".join(f"\n- {name}: {known[name]}" for name in agents if known.get(name))

    async def call(agent: Any, message: str) -> str:
        """Ask another agent, and return its answer.

        Args:
            agent: name of the agent.
            message: the question or task, with all that the agent has to know: it sees nothing
                else.
        """
        if not agents:
            raise ToolError("no other agent is configured")
        return await agents[agent].generate(message)

    call.__annotations__["agent"] = Literal[tuple(agents)] if agents else str
    description = "Ask another agent, and return its answer." + (
        f" The agents:{about}" if about else ""
    )
    return tool(name="agent_call", description=description)(call)
