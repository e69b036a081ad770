"""`variant`: an agent with other instructions, another model or other tools; also one that others
have handed over to.
"""

import copy
from collections.abc import Iterable, Sequence
from typing import Any

from nbagent.agent import Agent
from nbagent.agent.agent_parts import with_agents
from nbagent.agent.model.recorded_connection import Model
from nbagent.agent.tools.current_tool import current_tool
from nbagent.agent.tools.decorator import toolbox
from nbagent.agent.tools.toolset import split
from nbagent.errors import ForkError


def variant(
    agent: Agent, instructions: str | None, model: Model | None, tools: Iterable[Any] | None
) -> Agent:
    """Return a copy of an agent.

    Args:
        agent: is left as it is.
        instructions: None for its own.
        model: None for its own.
        tools: None for its own, each with its function as it is now.

    Raises:
        NbagentError: the model is not valid.
        ToolError: a tool is not valid.
    """
    made = copy.copy(agent)
    if instructions is not None:
        made.instructions = instructions
    if tools is None:
        made._tools = {name: current_tool(tool)[0] for name, tool in agent._tools.items()}
    else:
        functions, made._toolsets = split(with_agents(tools))
        made._tools = toolbox(functions)
    if model is not None:
        made._model = agent._model.with_model(model)
        made.name = made.model if agent.name == agent.model else agent.name
    return made


def at_work(first: Agent, handoffs: Sequence[str]) -> Agent:
    """Return the agent at work after hand-offs, by the names of their tools.

    Raises:
        ForkError: an agent has one of them no more.
    """
    agent = first
    for name in handoffs:
        to = next((each for each in agent.handoffs if each._handoff().tool.name == name), None)
        if to is None:
            raise ForkError(
                f"{agent.name} has no hand-off {name!r} any more, which the run made before this "
                "point"
            )
        agent = to
    return agent


def begun_by(first: Agent, handoffs: Sequence[str], last: Agent) -> Agent:
    """Return the agent that begins a run in which `last` is at work after hand-offs.

    Args:
        first: begins it.
        handoffs: names of their tools.
        last: a variant of the agent at work.
    """
    if not handoffs:
        return last
    name, *rest = handoffs
    made = copy.copy(first)
    made.handoffs = []
    for each in first.handoffs:
        if each._handoff().tool.name == name:
            own, each = each.name, begun_by(each, rest, last)
            each.name = own  # which its tool has
        made.handoffs.append(each)
    return made
